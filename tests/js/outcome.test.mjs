// What the outcome panel makes of numbers: scales, places of marks, pictures of filters.
import assert from "node:assert/strict";
import { test } from "node:test";

import { excessDecades } from "../../assets/playground/outcome_curves.js";
import { gaugeLayout } from "../../assets/playground/outcome_gauge.js";
import { axisTicks, predictionRange } from "../../assets/playground/outcome_predictions.js";
import { filterShape } from "../../assets/playground/outcome_shapes.js";
import { excessText, gapText, objectiveText, outcomeView } from "../../assets/playground/outcome_view.js";

const view = (places, { chosen = 0, lower = 0.5, zero = 1 } = {}) => ({
  show: "sgd",
  zero,
  best: { objective: 0.5, lower, gap: 0, proved: true, fresh: true },
  run: { chosen, seeds: places.map((place) => ({ place, objective: place, lower: 0.2 })) },
  hand: null,
});

test("the thermometer keeps the order of values and marks what lies beyond its end", () => {
  const layout = gaugeLayout(view([0.6, 0.7, 5]), 366);
  const [first, second, far] = layout.dots;
  assert.ok(0 < layout.star && layout.star < first.x && first.x < second.x && second.x < layout.zero);
  assert.equal(layout.hatched, layout.star);
  assert.deepEqual([first.beyond, second.beyond, far.beyond], [false, false, true]);
  assert.equal(far.x, layout.end);
});

test("without a lower bound nothing is hatched", () => {
  const layout = gaugeLayout(view([0.6], { lower: null }), 366);
  assert.ok(layout.hatched < 3 && layout.star > 100);
});

test("seeds in one place stand on top of each other, the chosen one on the tube, within the height", () => {
  const { dots } = gaugeLayout(view(Array(12).fill(0.6), { chosen: 7 }), 366);
  assert.equal(dots[7].rise, 0);
  assert.equal(new Set(dots.map((dot) => dot.rise.toFixed(6))).size, 12);
  assert.ok(Math.max(...dots.map((dot) => dot.rise)) < 34);
});

test("a scene with nothing to fit has a thermometer all the same", () => {
  const empty = { show: "optimum", zero: 0, best: null, run: null, hand: null };
  const layout = gaugeLayout(empty, 366);
  assert.equal(layout.star, null);
  assert.ok(Number.isFinite(layout.place(0).x) && layout.place(2).beyond);
});

test("the range of predictions holds 0, targets and optimum, and follows wild networks only so far", () => {
  const { low, high } = predictionRange([-1, 0.5], [40, -1.2]);
  assert.ok(low < -1.2 && high > 0.5);
  assert.ok(high < 0.5 + 1.5 * 0.6);
  const flat = predictionRange([0, 0], []);
  assert.ok(flat.low < 0 && flat.high > 0);
});

test("ticks are round, inside, and shown with the digits they need", () => {
  for (const [low, high] of [
    [-1.1, 0.9],
    [0, 37],
    [-0.004, 0.011],
    [-3e4, 1e4],
  ]) {
    const { ticks, digits } = axisTicks(low, high, 5);
    assert.ok(ticks.length >= 2 && ticks.length <= 6);
    for (const tick of ticks) {
      assert.ok(tick >= low - 1e-12 && tick <= high * (1 + 1e-9) + 1e-12);
      assert.ok(Math.abs(Number(tick.toFixed(digits)) - tick) < 1e-9 * Math.max(1, Math.abs(tick)));
    }
  }
});

test("the axis of excess ends below every curve, but not below what the gap leaves undecided", () => {
  const curves = [
    [2, 0.3, 0.02],
    [1.5, 0.4, 1e-9],
  ];
  const { low, high } = excessDecades(curves, 1e-12);
  assert.ok(low <= -6 && high >= Math.log10(2) && high < 0.5);
  assert.ok(excessDecades(curves, 1e-3).low >= -4);
  assert.ok(excessDecades([[0.8, 0.5]], 0).low <= -2);
});

test("percentages are never rounded to a claim", () => {
  const best = { objective: 2, fresh: true };
  assert.equal(excessText(2.46, best), "+23 %");
  assert.equal(excessText(2.0004, best), "+0.02 %");
  assert.equal(excessText(2.46, { ...best, fresh: false }), "");
  assert.equal(gapText(3e-11), "< 0.0001 %");
  assert.equal(gapText(0.0004), "0.0400 %");
  assert.equal(gapText(Infinity), "no bound");
  assert.deepEqual([0.05123, 0.5506, 12.345].map(objectiveText), ["0.0512", "0.551", "12.35"]);
});

test("an optimum is called proved only if the library says optimal, global, with a bound", () => {
  const found = {
    objective: 1,
    lower_bound: 1,
    gap: 0,
    status: "optimal",
    scope: "global",
    sizes: [1],
    status_text: "",
  };
  const read = (change) => {
    const state = { answer: { optimum: { ...found, ...change } }, sgd: null, hand: null, zero: 2 };
    return outcomeView(state, { show: "optimum", current: { optimum: true }, numbers: {} }).best.proved;
  };
  assert.equal(read({}), true);
  for (const change of [{ status: "time limit" }, { scope: "restricted" }, { lower_bound: null }])
    assert.equal(read(change), false);
});

test("dots glide between frames while the numbers stay those of a frame", () => {
  const frame = (it, objective) => ({ it, objective: [objective], lower: [0.1] });
  const sgd = { frames: [frame(0, 3), frame(10, 1)], settings: { iterations: 10 }, done: true };
  const state = { answer: null, sgd, hand: null, zero: 2, frame: 0.25, seed: 0 };
  const { run } = outcomeView(state, { show: "sgd", current: { sgd: true }, numbers: {} });
  assert.equal(run.seeds[0].objective, 3);
  assert.equal(run.seeds[0].place, 2.5);
  assert.equal(run.head, 2.5);
});

const area = (path) =>
  path
    .split("M")
    .filter(Boolean)
    .reduce((sum, part) => {
      const points = part
        .replace("Z", "")
        .split("L")
        .map((point) => point.split(" ").map(Number));
      const twice = points.reduce((total, [x, y], j) => {
        const [u, v] = points[(j + 1) % points.length];
        return total + x * v - u * y;
      }, 0);
      return sum + Math.abs(twice) / 2;
    }, 0);

test("a filter of the plane is the half where it fires: a quarter, all, nothing", () => {
  const scene = { view: "plane", filter: [2], activation: "relu", slope: 0.1, bias: "regularised", shape: [2] };
  const whole = 0.92 ** 2;
  const of = (filter) => area(filterShape(scene, filter, 1).solid) / whole;
  assert.ok(Math.abs(of([1, 0, 0]) - 0.5) < 0.01);
  assert.ok(Math.abs(of([1, 0, -1]) - 0.25) < 0.01);
  assert.ok(Math.abs(of([0, 0, 1]) - 1) < 0.01);
  assert.equal(of([0, 0, -1]), 0);
});

test("every kind of scene draws every entry of its filters", () => {
  const base = { activation: "relu", slope: 0.1, bias: "none", stride: [1], pooling: "sum" };
  const bars = filterShape({ ...base, view: "signals", shape: [4], filter: [3] }, [0.6, -0.8, 0], 1);
  assert.equal(bars.solid.split("M").length - 1, 3);
  const biased = filterShape(
    { ...base, view: "signals", shape: [4], filter: [2], bias: "regularised" },
    [0.6, 0, 0.8],
    1,
  );
  assert.equal(biased.solid.split("M").length - 1, 3);
  assert.ok(biased.rule);
  const grid = filterShape({ ...base, view: "pixels", shape: [5, 5], filter: [1, 3] }, [0.6, -0.8, 0.1], 1);
  assert.equal(grid.solid.split("M").length - 1, 2);
  assert.equal(grid.hollow.split("M").length - 1, 1);
  const line = { ...base, view: "line", shape: [1], filter: [1], bias: "regularised" };
  // the knot of max(0, x - 1) lies at three quarters of the way from -2 to 2; a negative weight turns it over
  assert.match(filterShape(line, [Math.SQRT1_2, -Math.SQRT1_2], 1).hollow, /L0\.720 0\.500L/);
  assert.ok(!filterShape(line, [1, 0], -1).hollow.includes("NaN"));
});
