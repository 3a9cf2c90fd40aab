// What the picture of all directions makes of states and curves: places of heights, ways of neurons, peaks, reasons.
import assert from "node:assert/strict";
import { test } from "node:test";

import { circleLines, directionAt } from "../../assets/playground/circle.js";
import { circleCurve } from "../../assets/playground/circle_curve.js";
import { stackedDiscs } from "../../assets/playground/directions_discs.js";
import { directionsModel, heightPlace } from "../../assets/playground/directions_model.js";
import { curveHeight, furtherPeaks, quietAngle } from "../../assets/playground/directions_reading.js";
import { patternTest } from "../../assets/playground/directions_relief.js";
import { patches, vphi } from "../../assets/playground/maths.js";

const scene = {
  X: [[0.6, 2, 1.5, 1], [0.1, -1.3, 1.1, -0.5], [0.3, -0.7, 0.5, -2], [-1.2, 1.7, -0.7, -1.2]],
  y: [0.3, -0.7, 0.8, 0.9], shape: [4], filter: [2], stride: [1], pooling: "sum", activation: "relu", slope: 0,
  bias: "none", loss: "squared", beta: 0.16, view: "signals",
};
const rows = patches(scene);

/** A state and what follows from it, with one seed of one neuron that takes these directions. */
function running(degrees, { weights = degrees.map(() => 1), show = "sgd", ceiling = 2, fresh = true } = {}) {
  const frames = degrees.map((at, f) => ({ it: f, nets: [{ filters: [directionAt(at)], weights: [weights[f]] }] }));
  const net = { filters: [directionAt(degrees.at(-1))], sizes: [1] };
  const state = { show, seed: 0, frame: degrees.length - 1, trails: true, hand: null, playing: false };
  const derived = {
    show, net, nets: { optimum: net, sgd: net, hand: null }, beside: net, peak: { ceiling }, numbers: { ceiling },
    current: { optimum: true, sgd: fresh, hand: false }, setting: { bias: "none", activation: "relu", slope: 0.1 }, trails: [degrees.map(directionAt)],
  };
  return directionsModel({ ...state, sgd: { frames, settings: { iterations: 100 } } }, derived);
}

test("heights are drawn in proportion up to the ceiling, higher ones higher, and never beyond the limit", () => {
  assert.equal(heightPlace(0.25, 100, 160), 25);
  assert.equal(heightPlace(1, 100, 160), 100);
  let before = 0;
  for (let height = 0; height < 40; height += 0.01) {
    const place = heightPlace(height, 100, 160);
    assert.ok(place >= before && place < 160, `${height}`);
    before = place;
  }
  assert.ok(heightPlace(30, 100, 160) > heightPlace(20, 100, 160));
});

test("a way begins after the last leap and after the last moment at which the neuron is negligible", () => {
  assert.equal(running([10, 12, 15]).trails[0].steps.length, 3);
  assert.equal(running([10, 200, 202, 204]).trails[0].steps.length, 3);
  assert.equal(running([10, 11, 12, 13], { weights: [1, 1e-6, 1, 1] }).trails[0].steps.length, 2);
});

test("time along a way never goes back and ends at the present moment", () => {
  const { trails, time } = running([0, 3, 6, 9, 12]);
  const times = trails[0].steps.map((step) => step.time);
  assert.ok(times.every((each, s) => s === 0 || each > times[s - 1]));
  assert.equal(times.at(-1), time);
});

test("a filter can be added exactly when something pokes through and the network belongs to the data", () => {
  assert.equal(running([0], { ceiling: 2 }).refusal, null);
  assert.match(running([0], { ceiling: 1 }).refusal, /clearly above/);
  assert.match(running([0], { fresh: false }).refusal, /press Play/);
  assert.match(running([0], { show: "optimum" }).refusal, /optimum/);
});

test("by hand a filter is missing until the library says that it is done, however little the curve is above", () => {
  const net = { filters: [directionAt(0)], sizes: [1] };
  const derived = {
    show: "hand", net, nets: { optimum: net, sgd: null, hand: net }, beside: net, peak: { ceiling: 1.0005 },
    numbers: { ceiling: 1.0005 }, current: { optimum: true, sgd: false, hand: true }, trails: null,
  };
  const at = (done) => directionsModel({ show: "hand", seed: 0, frame: 0, sgd: null, hand: { steps: [{ done }] } }, derived);
  assert.equal(at(false).refusal, null);
  assert.equal(at(false).green, false);
  assert.match(at(true).refusal, /Nothing is missing/);
  assert.equal(at(true).green, true);
});

test("the curve is green only if it is the optimum's or stays under the ceiling", () => {
  assert.equal(running([0], { ceiling: 1.5 }).green, false);
  assert.equal(running([0], { ceiling: 1 + 1e-9 }).green, true);
  assert.equal(running([0], { show: "optimum", ceiling: 1 }).green, true);
});

test("the height read off the curve is |v . phi| / beta at every line of a patch and close to it in between", () => {
  const v = scene.y;
  const curve = circleCurve(scene, rows, v);
  for (const { angle, u } of circleLines(scene, rows)) {
    assert.ok(Math.abs(curveHeight(curve, angle) - Math.abs(vphi(scene, rows, v, u)) / scene.beta) < 1e-9);
  }
  for (let degrees = 0.3; degrees < 360; degrees += 7.1) {
    const exact = Math.abs(vphi(scene, rows, v, directionAt(degrees))) / scene.beta;
    assert.ok(Math.abs(curveHeight(curve, degrees) - exact) < 0.01 * Math.max(1, exact), `${degrees}`);
  }
});

test("further peaks lie above the ceiling, apart from the highest and from each other", () => {
  const angles = Float64Array.from({ length: 360 }, (_, degrees) => degrees);
  const values = angles.map((degrees) => 2 * Math.sin((3 * degrees * Math.PI) / 180) + (degrees < 100 ? 0.5 : 0));
  const found = furtherPeaks({ angles, values }, 30);
  assert.ok(found.length === 3 && found.every(({ height }) => height > 1.05));
  assert.ok(found.every(({ degrees }) => Math.abs(degrees - 30) > 20));
  assert.deepEqual(furtherPeaks({ angles, values: values.map((each) => each / 10) }, 30), []);
});

test("a word on the ceiling keeps away from marks and stays where it is without a reason to move", () => {
  assert.equal(quietAngle(null, [], 90), 90);
  const away = quietAngle(null, [90], 90);
  assert.ok(Math.abs(away - 90) >= 36);
  assert.equal(quietAngle(null, [90], away), away);
});

test("two directions are in one cell exactly when the same patches fire, with max pooling when the same patches win", () => {
  const solid = { ...scene, filter: [3] };
  const three = patches(solid);
  const fires = (u) => three.flat().map((row) => row[0] * u[0] + row[1] * u[1] + row[2] * u[2] >= 0).join();
  const points = Array.from({ length: 60 }, (_, s) => [Math.cos(s), Math.sin(1.7 * s), Math.cos(2.3 * s + 1)]);
  const inCell = patternTest(solid, three, points[0]);
  for (const point of points) assert.equal(inCell(point), fires(point) === fires(points[0]));
  const one = { ...solid, X: [[0, 0, 1, 0, 0, 0]], shape: [6], pooling: "max" };
  const wins = patternTest(one, patches(one), [1, 0.5, 0.2]);
  assert.equal(wins([1, 0.1, 0.9]), true);
  assert.equal(wins([0.5, 1, 0.2]), false);
});

test("discs lie beside each other unless they are larger one above the other", () => {
  // panels of windows of 1280 x 720, 1400 x 900 and 390 x 844
  assert.equal(stackedDiscs(542, 460), false);
  assert.equal(stackedDiscs(573, 640), false);
  assert.equal(stackedDiscs(366, 500), true);
  assert.equal(stackedDiscs(542, 1000), true);
});
