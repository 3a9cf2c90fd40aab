import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVATION_LABELS, UNDRAWN, activationOf } from "../../assets/playground/activations.js";
import { circleCells, circleLines, circleTies, directionAt, orderLines } from "../../assets/playground/circle.js";
import { circleCurve } from "../../assets/playground/circle_curve.js";
import { createDerive } from "../../assets/playground/derive.js";
import { dualForm, dualFunction, filterAt } from "../../assets/playground/dual_function.js";
import { sameCell } from "../../assets/playground/focus.js";
import { readFrames } from "../../assets/playground/frames.js";
import * as maths from "../../assets/playground/maths.js";
import { excessText, objectiveText, outcomeView } from "../../assets/playground/outcome_view.js";
import { filterShape } from "../../assets/playground/outcome_shapes.js";
import { patternTest } from "../../assets/playground/directions_relief.js";
import { peak } from "../../assets/playground/peak.js";
import { choices, setControl } from "../../assets/playground/settings.js";
import { story } from "../../assets/playground/story.js";
import { directionNote, directionWords } from "../../assets/playground/words.js";
import { generator, LINE, PLANE, randomDirection, randomScene, SPACE, TRAP } from "./cases.mjs";

const FORMS = {
  slopes: TRAP,
  maxima: { ...TRAP, pooling: "max" },
  squares: { ...TRAP, activation: "quadratic" },
  steps: { ...TRAP, activation: "threshold" },
  knees: { ...TRAP, bias: "free" },
  knots: { ...LINE, bias: "free" },
};
/** A vector whose entries have the sum zero, as those beside a free output bias have. */
const balanced = [0.4, -0.9, 0.7, -0.2];

test("every activation is homogeneous of its degree, and at zero the side above counts", () => {
  for (const activation of Object.keys(ACTIVATION_LABELS)) {
    const { value, degree } = activationOf({ activation, slope: 0.3 });
    for (const t of [-2, -0.5, 0.5, 3])
      for (const s of [0.5, 2]) assert.ok(Math.abs(value(s * t) - s ** degree * value(t)) < 1e-12, activation);
  }
  assert.equal(activationOf({ activation: "threshold", slope: 0 }).value(0), 1);
});

test("the form follows from activation, pooling and bias", () => {
  for (const [form, scene] of Object.entries(FORMS)) assert.equal(dualForm(scene), form);
  assert.equal(dualForm({ ...TRAP, bias: "output", activation: "quadratic" }), "squares");
});

test("squares have one cell, no line, and a curve that is the same at u and -u", () => {
  const scene = FORMS.squares,
    X = maths.patches(scene),
    { angles, values } = circleCurve(scene, X, balanced, 360);
  assert.deepEqual([circleLines(scene, X).length, circleTies(scene, X).length, circleCells(scene, X).length], [0, 0, 1]);
  for (const degrees of [3, 77, 144]) {
    const [here, there] = [degrees, degrees + 180].map((angle) => values[angles.indexOf(angle)]);
    assert.ok(Math.abs(here - there) < 1e-12);
  }
  assert.ok(sameCell(scene, X, directionAt(10), directionAt(200)));
  assert.ok(patternTest({ ...SPACE, activation: "quadratic" }, [], [1, 0, 0])([-1, 0, 0]));
});

test("steps are level on every cell, and a wall has both heights", () => {
  const scene = FORMS.steps,
    X = maths.patches(scene),
    cells = circleCells(scene, X),
    { angles, values } = circleCurve(scene, X, balanced, 360, cells);
  for (const { from, to } of cells) {
    const inside = [...angles.keys()].filter((s) => angles[s] > from + 1e-9 && angles[s] < to - 1e-9);
    assert.ok(new Set(inside.map((s) => values[s])).size <= 1);
  }
  for (let s = 1; s < angles.length; s += 1) assert.ok(angles[s] >= angles[s - 1]);
  const heights = cells.map(({ u }) => Math.abs(maths.vphi(scene, X, balanced, u)));
  assert.ok(peak(scene, X, balanced).value ** 2 >= Math.max(...heights) ** 2 - 1e-12);
});

test("where no direction fires at everything the filter of zeros is the peak, in the centre and without a direction", () => {
  // two opposite patches: one of them is always silent
  const scene = { ...TRAP, activation: "threshold", shape: [2], X: [[1, 0], [-1, 0], [0, 1], [0, -1]] };
  const X = maths.patches(scene),
    best = peak(scene, X, [1, 1, 1, 1]);
  assert.deepEqual([best.u, best.value], [[0, 0], 4]);
  assert.deepEqual(maths.phi(scene, X, [0, 0]), [1, 1, 1, 1]);
  assert.deepEqual(maths.toNet(scene, { filters: [[0, 0]], weights: [2] }), { filters: [[0, 0]], sizes: [2] });
  assert.equal(directionWords(scene, [0, 0]), "that is always on");
  assert.equal(directionNote(scene, [0, 0]), "always on");
  const space = { ...SPACE, activation: "threshold", shape: [3], X: [[1, 0, 0], [-1, 0, 0]], y: [1, 1] };
  assert.deepEqual(peak(space, maths.patches(space), [1, 1]).u, [0, 0, 0]);
});

test("a direction with a free bias gets that of a patch, and no other bias is better", () => {
  const draw = generator(3);
  for (const scene of [FORMS.knees, { ...SPACE, bias: "free" }]) {
    const X = maths.patches(scene),
      a = maths.dimension(scene);
    for (let trial = 0; trial < 30; trial += 1) {
      const u = randomDirection(draw, a),
        filter = filterAt(scene, X, balanced, u),
        responses = X.flat().map((row) => maths.dot(row, filter)),
        height = Math.abs(maths.vphi(scene, X, balanced, filter));
      assert.deepEqual(filter.slice(0, a), u);
      assert.ok(Math.min(...responses.map(Math.abs)) < 1e-12);
      for (let t = -6; t <= 6; t += 0.25)
        assert.ok(Math.abs(maths.vphi(scene, X, balanced, [...u, t])) <= height + 1e-9);
    }
  }
});

test("with free biases patches have no lines of their own but one with every other patch", () => {
  const X = maths.patches(FORMS.knees),
    N = X.flat().length;
  assert.equal(circleLines(FORMS.knees, X).length, 0);
  assert.equal(circleTies(FORMS.knees, X).length, N * (N - 1));
  const lines = orderLines(FORMS.knees, X, 1, 2);
  assert.equal(lines.length, N - 1);
  for (const { i, k, u } of lines)
    assert.ok(Math.abs(maths.dot(u, X[1][2].slice(0, 2)) - maths.dot(u, X[i][k].slice(0, 2))) < 1e-12);
  // no two patches change their order inside a cell
  for (const { from, to } of circleCells(FORMS.knees, X)) {
    const width = to - from;
    const [u, w] = [from + 0.2 * width, from + 0.8 * width].map((angle) => [...directionAt(angle), 0]);
    assert.ok(sameCell(FORMS.knees, X, u, w));
    assert.ok(!sameCell(FORMS.knees, X, u, [...directionAt(to + 0.1), 0]) || width > 359);
  }
});

test("the highest point of a line of numbers with a free bias is a knot at one of them", () => {
  const scene = { ...FORMS.knots, X: [[-1.5], [-0.2], [0.4], [1.3]], y: [0, 0, 0, 0] },
    X = maths.patches(scene);
  const [w, t] = filterAt(scene, X, balanced, peak(scene, X, balanced).u);
  assert.ok(scene.X.some(([x]) => Math.abs(w * x + t) < 1e-9) || Math.abs(t) > 1.5);
  // all directions that point to the same knot are one filter
  assert.deepEqual(filterAt(scene, X, balanced, [0.6, 0.3]), [1, 0.5]);
  assert.equal(Math.abs(filterAt(scene, X, balanced, [0, 1])[0]), 1);
});

test("the size of a neuron does not change when its length goes over to its weight by the degree", () => {
  for (const scene of Object.values(FORMS)) {
    const X = maths.patches(scene),
      w = [1.2, -0.7, 0.4].slice(0, maths.filterEntries(scene)),
      net = maths.toNet(scene, { filters: [w], weights: [-1.5] });
    const raw = maths.phi(scene, X, w).map((value) => -1.5 * value);
    maths.outputs(scene, X, net).forEach((value, i) => assert.ok(Math.abs(value - raw[i]) < 1e-12));
    assert.ok(Math.abs(maths.filterLength(scene, net.filters[0]) - 1) < 1e-12);
  }
});

test("the best output bias balances the dual vector, with both losses", () => {
  for (const loss of ["squared", "logistic"]) {
    const scene = { ...TRAP, bias: "output", loss, y: [1, -1, 1, 1] },
      v = maths.dual(scene, [0.3, 0.2, -1.1, 2]);
    assert.ok(Math.abs(v.reduce((sum, value) => sum + value, 0)) < 1e-12);
  }
  const level = maths.bestLevel({ ...TRAP, loss: "squared" }, [0, 0, 0, 0]);
  assert.ok(Math.abs(level - 0.325) < 1e-12);
});

test("a network that does not say its output bias has the best one, and keeps its own otherwise", () => {
  const scene = { ...TRAP, bias: "output" };
  const optimum = { filters: [directionAt(40)], sizes: [0.5], objective: 1, lower_bound: 1, gap: 0, peak: [1, 0], ceiling: 1 };
  const state = { scene, fresh: true, show: "optimum", seed: 0, frame: 0, hover: null, pin: null, sgd: null, hand: null };
  const said = createDerive()({ ...state, answer: { optimum: { ...optimum, free: [0.25] } } });
  assert.equal(said.net.level, 0.25);
  const found = createDerive()({ ...state, answer: { optimum } });
  const f = maths.outputs(scene, found.patches, { filters: optimum.filters, sizes: optimum.sizes });
  assert.ok(Math.abs(found.net.level - maths.bestLevel(scene, f)) < 1e-12);
  // a network that was made with one has none where there is none any more
  const changed = createDerive()({ ...state, scene: TRAP, fresh: false, answer: { optimum: { ...optimum, free: [0.25] } } });
  assert.equal(changed.net.level, undefined);
});

test("what the library has no program for is refused in a sentence, and changes nothing", () => {
  for (const [scene, name, value] of [
    [FORMS.maxima, "activation", "quadratic"],
    [FORMS.maxima, "activation", "threshold"],
    [FORMS.knees, "activation", "threshold"],
    [FORMS.squares, "pooling", "max"],
    [FORMS.knees, "pooling", "max"],
    [FORMS.steps, "bias", "free"],
    [FORMS.maxima, "bias", "free"],
    [LINE, "bias", "none"],
    [LINE, "bias", "output"],
    [TRAP, "activation", "maxout"],
    [FORMS.maxima, "activation", "maxout"],
  ]) {
    const choice = choices(scene, name).find((option) => option.value === value);
    assert.ok(choice.refused, `${name} ${value}`);
    assert.match(choice.reason, /^[A-Z].*\.$/);
    assert.equal(setControl(scene, name, value), scene);
  }
  for (const name of ["pooling", "activation", "bias"])
    for (const { value, refused } of choices(TRAP, name)) assert.equal(refused, value in UNDRAWN, `${name} ${value}`);
});

test("a filter of three entries may have a free bias or one of the output", () => {
  assert.deepEqual(setControl(SPACE, "bias", "free").filter, [3]);
  assert.deepEqual(setControl(SPACE, "bias", "output").filter, [3]);
  assert.equal(setControl({ ...TRAP, bias: "free" }, "filter", 3).bias, "free");
});

test("a square is drawn large on both sides of the line on which it is zero", () => {
  const shape = filterShape({ ...PLANE, bias: "none", activation: "quadratic" }, [1, 0], 1);
  assert.equal(shape.solid.match(/M/g).length, 2);
  assert.match(filterShape({ ...LINE, activation: "threshold" }, [1, 0], 1).hollow, /L/);
});

test("a free bias far away is drawn inside its tile", () => {
  const { solid } = filterShape({ ...randomScene(1), bias: "free" }, [0.6, 0.8, -40], 1);
  const heights = [...solid.matchAll(/v(-?[\d.]+)/g)].map(([, height]) => Math.abs(Number(height)));
  assert.ok(Math.max(...heights) < 0.5);
});

test("a seed that diverged is the worst of all, and is called so", () => {
  const nets = [0, 1].map(() => ({ filters: [[1, 0]], weights: [1] }));
  const frames = readFrames([
    { it: 0, objective: [2, 3], lower: [0, 0], ceiling: [2, 2], peak: [[1, 0], [1, 0]], nets },
    { it: 9, objective: [1, null], lower: [0, 0], ceiling: [2, 2], peak: [[1, 0], [1, 0]], nets },
  ]);
  const optimum = {
    objective: 0.5, lower_bound: 0.5, gap: 0, status: "optimal", scope: "global", filters: [], sizes: [], dual: [0, 0, 0, 0],
    ceiling: 1, peak: [1, 0],
  };
  const state = {
    scene: FORMS.squares, answer: { optimum }, fresh: true, show: "sgd", seed: 1, frame: 1, hover: null, pin: null, hand: null,
    sgd: { frames, done: true, run: "a", settings: { optimiser: "momentum", iterations: 9 } }, sgdFresh: true, handFresh: false,
    error: null, zero: 3,
  };
  const derived = createDerive()(state);
  assert.equal(derived.best, 0);
  const { seeds } = outcomeView(state, derived).run;
  assert.deepEqual(seeds.map(({ place }) => place), [1, Infinity]);
  assert.equal(objectiveText(Infinity), "diverged");
  assert.equal(excessText(Infinity, { fresh: true, objective: 1 }), "");
  assert.match(story(state, derived).plain, /has diverged/);
});

test("of thresholds it is said why descent cannot move their filters", () => {
  const scene = FORMS.steps,
    net = { filters: [[1, 0]], weights: [1] };
  const frame = { it: 0, objective: [2], lower: [0], ceiling: [2], peak: [[1, 0]], nets: [net] };
  const optimum = {
    objective: 0.5, lower_bound: 0.5, gap: 0, status: "optimal", scope: "global", filters: [], sizes: [], dual: [0, 0, 0, 0],
    ceiling: 1, peak: [1, 0],
  };
  for (const done of [false, true]) {
    const state = {
      scene, answer: { optimum }, fresh: true, show: "sgd", seed: 0, frame: 0, hover: null, pin: null, hand: null, error: null,
      sgd: { frames: [frame], done, run: "a", settings: { optimiser: "momentum" } }, sgdFresh: true, handFresh: false,
    };
    const { plain } = story(state, createDerive()(state));
    assert.match(plain, done ? /never moved/ : /cannot move/);
    assert.ok(plain.length <= 116, plain);
  }
});

test("among very many cells the peak is still as high as any direction", () => {
  for (let seed = 0; seed < 4; seed += 1) {
    const scene = randomScene(seed, { n: 8, d: 9, filter: [2], bias: "free" }),
      X = maths.patches(scene),
      v = maths.dual(scene, scene.y.map(() => 0)),
      value = dualFunction(scene, X, v);
    const height = Math.abs(peak(scene, X, v).value);
    for (let degrees = 0; degrees < 360; degrees += 0.05)
      assert.ok(Math.abs(value(directionAt(degrees))) <= height * (1 + 1e-12));
  }
});
