import assert from "node:assert/strict";
import { test } from "node:test";
import * as edits from "../../assets/playground/edits.js";
import { historyOf, historyPush, historyRedo, historyUndo } from "../../assets/playground/scene_history.js";
import { choices, setControl } from "../../assets/playground/settings.js";
import { generator, LINE, PIXELS, PLANE, SPACE, TRAP } from "./cases.mjs";

const SCENES = [TRAP, SPACE, PIXELS, PLANE, LINE];

/** Everything that the library asks of a scene. */
function valid(scene) {
  const a = scene.filter.reduce((product, size) => product * size, 1) + (scene.bias === "none" ? 0 : 1);
  const d = scene.shape.reduce((product, size) => product * size, 1);
  assert.ok(a === 2 || a === 3);
  assert.equal(scene.X.length, scene.y.length);
  assert.ok(scene.X.length >= 1);
  for (const x of scene.X)
    assert.ok(x.length === d && x.every((value) => Number.isFinite(value) && !Object.is(value, -0)));
  assert.equal(scene.filter.length, scene.shape.length);
  assert.equal(scene.stride.length, scene.shape.length);
  scene.filter.forEach((size, axis) => assert.ok(size >= 1 && size <= scene.shape[axis]));
  scene.stride.forEach((step, axis) =>
    assert.ok(Number.isInteger(step) && step >= 1 && step <= Math.min(edits.LIMITS.stride, scene.shape[axis])),
  );
  assert.ok(scene.beta > 0);
  if (scene.loss === "logistic") assert.ok(scene.y.every((target) => Math.abs(target) === 1));
  if (scene.pooling === "max")
    assert.ok(scene.activation !== "absolute" && !(scene.activation === "leaky" && scene.slope < 0));
}

test("any number of edits in any order leaves a scene that the library accepts, and the scenes before as they were", () => {
  const draw = generator(1),
    whole = (count) => Math.floor(count * draw()),
    any = () => 6 * draw() - 3;
  for (const start of SCENES) {
    let scene = start;
    for (let step = 0; step < 400; step++) {
      const before = scene,
        copy = JSON.stringify(before),
        i = whole(scene.X.length),
        place = whole(scene.X[0].length);
      const names = ["beta", "slope", "pooling", "activation", "bias", "loss", "filter", "stride"];
      const name = names[whole(names.length)],
        kinds = [
          () => edits.setEntry(scene, i, place, any()),
          () => edits.setTarget(scene, i, any()),
          () => edits.flipTarget(scene, i),
          () => edits.addSample(scene, [any(), any()]),
          () => edits.addSample(scene),
          () => edits.duplicateSample(scene, i),
          () => edits.removeSample(scene, i),
          () => edits.shiftSamples(scene, draw() < 0.5 ? null : i, whole(5) - 2),
          () => edits.mirrorSamples(scene, draw() < 0.5 ? null : i),
          () => edits.addNoise(scene, step),
          () => edits.paint(scene, i, [place, 0], any()),
          () => edits.movePoint(scene, i, any(), any()),
          () => edits.setLength(scene, 2 + whole(15)),
          () => {
            if (name === "beta") return setControl(scene, name, 10 ** any());
            if (name === "slope") return setControl(scene, name, any());
            const options = choices(scene, name);
            return setControl(scene, name, options[whole(options.length)].value);
          },
        ];
      scene = kinds[whole(kinds.length)]();
      valid(scene);
      assert.equal(JSON.stringify(before), copy);
      // the same scene or a different one, never a copy
      if (scene !== before)
        assert.notEqual(JSON.stringify({ ...scene, edited: 0 }), JSON.stringify({ ...before, edited: 0 }));
      if (scene !== before) assert.equal(scene.edited, true);
    }
  }
});

test("values by hand stay within the limits and have two decimals", () => {
  assert.equal(edits.setEntry(TRAP, 0, 0, 7).X[0][0], 2);
  assert.equal(edits.setEntry(TRAP, 0, 0, -7).X[0][0], -2);
  assert.equal(edits.setEntry(TRAP, 0, 0, 1 / 3).X[0][0], 0.33);
  assert.ok(Object.is(edits.setEntry(TRAP, 0, 0, -0.001).X[0][0], 0));
  assert.equal(edits.setTarget(TRAP, 1, 5).y[1], 2);
});

test("what is not there, or not a number, changes nothing", () => {
  for (const same of [
    edits.setEntry(TRAP, 9, 0, 1),
    edits.setEntry(TRAP, 0, 9, 1),
    edits.setEntry(TRAP, 0, 0, NaN),
    edits.setEntry(TRAP, 0, 0, 0.6),
    edits.setTarget(TRAP, 9, 1),
    edits.setTarget(TRAP, 0, Infinity),
    edits.removeSample(TRAP, 9),
    edits.duplicateSample(TRAP, 9),
    edits.shiftSamples(TRAP, null, 4),
    edits.setLength(TRAP, 4),
    edits.setLength(PLANE, 5),
    setControl(TRAP, "beta", 0.16),
  ])
    assert.equal(same, TRAP === same ? TRAP : PLANE);
  assert.throws(() => setControl(TRAP, "filter", 4), /filter: got 4, expected/);
  assert.throws(() => setControl(TRAP, "beta", -1), /beta: got -1, expected/);
  assert.throws(() => setControl(TRAP, "colour", "red"), /colour: got "red", expected/);
});

test("a shift by one and back, and a mirror twice, are nothing", () => {
  for (const scene of SCENES) {
    assert.deepEqual(edits.shiftSamples(edits.shiftSamples(scene, null, 1), null, -1).X, scene.X);
    assert.deepEqual(edits.mirrorSamples(edits.mirrorSamples(scene)).X, scene.X);
  }
  assert.deepEqual(edits.shiftSamples(TRAP, 0).X.slice(0, 2), [[1, 0.6, 2, 1.5], TRAP.X[1]]);
  assert.deepEqual(edits.mirrorSamples(PIXELS, 0).X[0], [-1, 2, 1, 1, -2, 0]);
  assert.deepEqual(edits.shiftSamples(PIXELS, 0).X[0], [-1, 1, 2, 1, 0, -2]);
});

test("noise is the same for the same seed, and of about the deviation that was asked for", () => {
  const flat = {
    ...TRAP,
    shape: [16],
    X: Array.from({ length: 12 }, () => new Array(16).fill(0)),
    y: new Array(12).fill(0),
  };
  const one = edits.addNoise(flat, 3, 0.5).X.flat();
  assert.deepEqual(edits.addNoise(flat, 3, 0.5).X.flat(), one);
  assert.notDeepEqual(edits.addNoise(flat, 4, 0.5).X.flat(), one);
  const mean = one.reduce((sum, value) => sum + value, 0) / one.length;
  const deviation = Math.sqrt(one.reduce((sum, value) => sum + (value - mean) ** 2, 0) / one.length);
  assert.ok(Math.abs(mean) < 0.1 && Math.abs(deviation - 0.5) < 0.1, `${mean} ${deviation}`);
});

test("there is a last sample that stays, and a number of samples that fits", () => {
  const one = { ...TRAP, X: [TRAP.X[0]], y: [1] };
  assert.equal(edits.removeSample(one, 0), one);
  assert.match(edits.mayRemove(one), /last sample/);
  let [signals, points] = [TRAP, PLANE];
  for (let s = 0; s < 50; s++) [signals, points] = [edits.addSample(signals), edits.duplicateSample(points, 0)];
  assert.deepEqual([signals.X.length, points.X.length], [12, 40]);
  assert.match(edits.mayAdd(signals), /12 samples/);
  assert.equal(edits.mayAdd(TRAP), null);
});

test("a copy lies behind its original, a new sample at the end", () => {
  const copied = edits.duplicateSample(TRAP, 1),
    added = edits.addSample(PLANE, [0.5, 9], -1);
  assert.deepEqual(copied.X.slice(1, 3), [TRAP.X[1], TRAP.X[1]]);
  assert.deepEqual(copied.y, [0.3, -0.7, -0.7, 0.8, 0.9]);
  assert.deepEqual([added.X[3], added.y[3]], [[0.5, 2], -1]);
});

test("the newest choice wins, and what does not go with it changes", () => {
  const absolute = setControl(TRAP, "activation", "absolute");
  assert.deepEqual(
    [setControl(absolute, "pooling", "max").activation, setControl(absolute, "pooling", "max").pooling],
    ["relu", "max"],
  );
  const max = setControl(TRAP, "pooling", "max");
  assert.deepEqual(
    [setControl(max, "activation", "absolute").activation, setControl(max, "activation", "absolute").pooling],
    ["absolute", "sum"],
  );
  assert.equal(setControl(setControl(TRAP, "slope", -0.5), "pooling", "max").slope, 0.5);
  assert.deepEqual(setControl(SPACE, "bias", "regularised").filter, [2]);
  assert.equal(setControl({ ...TRAP, bias: "regularised" }, "filter", 3).bias, "none");
  assert.deepEqual(setControl(TRAP, "loss", "logistic").y, [1, -1, 1, 1]);
  assert.deepEqual(setControl(PIXELS, "filter", 3).filter, [1, 3]);
  assert.deepEqual(setControl(PIXELS, "stride", 2).stride, [2, 2]);
  const flat = { ...PIXELS, shape: [1, 4], filter: [1, 2], X: [[1, 0, 0, 1]], y: [1] };
  assert.deepEqual(setControl(flat, "stride", 3).stride, [1, 3]);
  const short = { ...TRAP, shape: [2], X: [[1, 0]], y: [1] };
  assert.deepEqual(
    choices(short, "stride").map(({ value }) => value),
    [1, 2],
  );
  assert.deepEqual(setControl(edits.setLength(TRAP, 2), "filter", 3).X[0], [0.6, 2, 0]);
  assert.deepEqual(
    choices(PIXELS, "filter").map(({ label }) => label),
    ["1 × 2", "2 × 1", "1 × 3"],
  );
  assert.equal(edits.setTarget(setControl(TRAP, "loss", "logistic"), 0, -0.2).y[0], -1);
});

test("a choice says beforehand what else it changes", () => {
  const reason = (scene, name, value) =>
    choices(scene, name).find((choice) => String(choice.value) === String(value)).reason;
  assert.equal(reason(TRAP, "pooling", "max"), null);
  assert.match(reason(setControl(TRAP, "activation", "absolute"), "pooling", "max"), /activation becomes ReLU/);
  assert.match(reason(SPACE, "bias", "regularised"), /filters become 2/);
  assert.match(reason(TRAP, "loss", "logistic"), /targets become/);
  assert.match(reason({ ...TRAP, bias: "regularised" }, "filter", "3"), /bias goes/);
});

test("undo and redo walk the same way back and forth, and a drag is one step", () => {
  let history = historyOf(TRAP);
  for (const value of [0.5, 0.4, 0.3])
    history = historyPush(history, edits.setEntry(history.scene, 0, 0, value), false);
  history = historyPush(history, edits.setEntry(history.scene, 0, 0, 0.2), true);
  const dragged = history.scene;
  history = historyPush(history, edits.setTarget(history.scene, 0, 1), true);
  assert.equal(history.past.length, 2);
  const undone = historyUndo(history);
  assert.equal(undone.scene, dragged);
  assert.equal(historyUndo(undone).scene, TRAP);
  assert.equal(historyUndo(historyUndo(undone)).scene, TRAP);
  assert.equal(historyRedo(historyRedo(historyUndo(undone))).scene, history.scene);
  assert.equal(historyRedo(history).scene, history.scene);
  // a new edit forgets what was undone
  assert.equal(historyPush(undone, edits.setTarget(undone.scene, 1, 0), true).future.length, 0);
});

test("a drag that ends where it began is no step, and a press that moves nothing neither", () => {
  let history = historyOf(TRAP);
  history = historyPush(history, edits.setEntry(history.scene, 0, 0, 0.5), false);
  history = historyPush(history, edits.setEntry(history.scene, 0, 0, 0.6), true);
  assert.equal(history.past.length, 0);
  assert.equal(history.scene, TRAP);
  assert.equal(historyPush(history, TRAP, true), history);
  const pressed = historyPush(historyPush(history, TRAP, false), TRAP, true);
  assert.equal(pressed.past.length, 0);
  const next = historyPush(pressed, edits.setEntry(TRAP, 0, 0, 1), true);
  assert.equal(historyUndo(next).scene, TRAP);
});

test("two drags are two steps, and an undo in the middle of a drag goes back to before it", () => {
  let history = historyOf(TRAP);
  for (const [value, final] of [
    [0.5, false],
    [0.4, true],
    [0.3, false],
    [0.2, true],
  ])
    history = historyPush(history, edits.setEntry(history.scene, 0, 0, value), final);
  assert.deepEqual(
    history.past.map((scene) => scene.X[0][0]),
    [0.6, 0.4],
  );
  const open = historyPush(history, edits.setEntry(history.scene, 0, 0, 1), false);
  assert.equal(historyUndo(open).scene.X[0][0], 0.2);
});
