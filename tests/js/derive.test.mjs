import assert from "node:assert/strict";
import { test } from "node:test";
import { createDerive } from "../../assets/playground/derive.js";
import { setEntry, setTarget } from "../../assets/playground/edits.js";
import { sameCell } from "../../assets/playground/focus.js";
import { setControl } from "../../assets/playground/settings.js";
import { cellIndex, circleCells, directionAt } from "../../assets/playground/circle.js";
import { counted, dual, outputs, patches, phi, toNet, vphi } from "../../assets/playground/maths.js";
import { generator, randomDirection, randomScene, SPACE, TRAP } from "./cases.mjs";

const OPTIMUM = {
  objective: 0.5506,
  lower_bound: 0.5505,
  gap: 1e-4,
  status: "optimal",
  scope: "global",
  filters: [directionAt(330), directionAt(50)],
  sizes: [-0.6, 0.2],
  ceiling: 1,
  peak: directionAt(330),
  dual: [0.1, -0.2, 0.3, 0.4],
};
const frame = (it, turned) => ({
  it,
  objective: [0.9, 0.7],
  lower: [0.1, 0.2],
  ceiling: [3, 2],
  peak: [directionAt(1), directionAt(2)],
  nets: [0, 1].map((seed) => ({ filters: [directionAt(turned), [0, 2 + seed]], weights: [1, -1] })),
});
const RUN = {
  run: "x",
  settings: { optimiser: "momentum" },
  frames: [frame(0, 10), frame(10, 30), frame(100, 40)],
  done: true,
};
const HAND = {
  start: { filters: [], weights: [] },
  steps: [
    { filters: [[0, 1]], weights: [2], objective: 0.8, lower_bound: 0.2, best_lower: 0.4, ceiling: 2.5, peak: [1, 0] },
  ],
};

const ANSWER = { optimum: OPTIMUM };
const state = (more = {}) => ({
  scene: TRAP,
  answer: ANSWER,
  fresh: true,
  sgd: RUN,
  sgdFresh: true,
  hand: HAND,
  handFresh: true,
  show: "optimum",
  seed: 0,
  frame: 2,
  hover: null,
  pin: null,
  ...more,
});

test("outputs, dual vector and numbers belong to the network that is drawn", () => {
  const derive = createDerive(),
    X = patches(TRAP);
  const nets = {
    optimum: { filters: OPTIMUM.filters, sizes: OPTIMUM.sizes },
    sgd: toNet(TRAP, RUN.frames[2].nets[1]),
    hand: toNet(TRAP, HAND.steps[0]),
  };
  for (const show of ["optimum", "sgd", "hand"]) {
    const derived = derive(state({ show, seed: 1 }));
    assert.deepEqual(derived.net, nets[show]);
    assert.deepEqual(derived.f, outputs(TRAP, X, nets[show]));
    assert.deepEqual(derived.outputs[show], derived.f);
    assert.deepEqual(derived.v, show === "optimum" ? OPTIMUM.dual : dual(TRAP, derived.f));
    const { angles, values } = derived.curve;
    for (let s = 0; s < angles.length; s += 50)
      assert.ok(Math.abs(values[s] * TRAP.beta - vphi(TRAP, X, derived.v, directionAt(angles[s]))) < 1e-9);
  }
  assert.deepEqual(derive(state({ show: "sgd", seed: 1 })).numbers, {
    objective: 0.7,
    lower: 0.2,
    gap: (0.7 - 0.2) / 0.7,
    ceiling: 2,
    peak: directionAt(2),
    active: 2,
  });
  const { objective, lower, ceiling, active } = derive(state({ show: "hand" })).numbers;
  assert.deepEqual([objective, lower, ceiling, active], [0.8, 0.4, 2.5, 1]);
  assert.deepEqual(derive(state()).numbers, {
    objective: 0.5506,
    lower: 0.5505,
    gap: 1e-4,
    ceiling: 1,
    peak: OPTIMUM.peak,
    active: 2,
  });
});

test("the filters of an optimum are counted as the library counts them, neurons that do nothing not at all", () => {
  const sizes = [1, 1e-9];
  const found = { ...OPTIMUM, sizes, filters: [[1, 0], [0, 1]] };
  assert.equal(createDerive()(state({ answer: { optimum: found } })).numbers.active, 2);
  const hand = { ...HAND, steps: [{ ...HAND.steps[0], filters: found.filters, weights: sizes }] };
  assert.equal(createDerive()(state({ show: "hand", hand })).numbers.active, 1);
});

test("the optimum that is drawn in the place of a network that is not there yet lends it no numbers", () => {
  const unknown = { objective: null, lower: null, gap: null, ceiling: null, peak: null, active: null };
  const waiting = { sgd: { ...RUN, frames: [] } };
  for (const more of [{ show: "sgd", sgd: null }, { show: "sgd", ...waiting }, { show: "hand", hand: null }]) {
    const derived = createDerive()(state(more));
    assert.equal(derived.show, "optimum");
    assert.deepEqual(derived.numbers, unknown);
  }
});

test("the library's numbers are withheld as soon as the scene is another one, and the dual vector follows the data", () => {
  const derive = createDerive(),
    moved = setEntry(TRAP, 0, 0, -1);
  for (const [show, flag] of [
    ["optimum", "fresh"],
    ["sgd", "sgdFresh"],
    ["hand", "handFresh"],
  ]) {
    const derived = derive(state({ scene: moved, show, fresh: false, sgdFresh: false, handFresh: false }));
    assert.deepEqual(
      derived.numbers,
      { objective: null, lower: null, gap: null, ceiling: null, peak: null, active: null },
      flag,
    );
    assert.deepEqual(derived.v, dual(moved, outputs(moved, patches(moved), derived.net)));
    assert.equal(derived.excess, null);
    assert.equal(derived.seeds, null);
  }
});

test("what did not change keeps its identity", () => {
  const derive = createDerive(),
    before = derive(state()),
    geometry = ["patches", "lines", "cells", "windows", "setting"];
  const parts = (derived) => [...geometry, "v", "curve", "peak", "numbers", "outputs"].map((name) => derived[name]);
  const one = parts(before),
    two = parts(derive(state({ hover: { kind: "sample", i: 0 } })));
  one.slice(0, -1).forEach((value, p) => assert.equal(two[p], value));
  assert.equal(two[two.length - 1].optimum, one[one.length - 1].optimum);
  const target = derive(state({ scene: setTarget(TRAP, 0, 1) })),
    beta = derive(state({ scene: setControl(TRAP, "beta", 0.5) }));
  for (const derived of [target, beta]) for (const name of geometry) assert.equal(derived[name], before[name]);
  const moved = derive(state({ scene: setEntry(TRAP, 0, 0, 1) }));
  for (const name of ["patches", "lines", "cells"]) assert.notEqual(moved[name], before[name]);
});

test("two memories do not share what they remember", () => {
  const [one, other] = [createDerive(), createDerive()];
  const first = one(state()).curve;
  other(state({ scene: setEntry(TRAP, 0, 0, 2) })).curve;
  assert.equal(one(state()).curve, first);
});

test("between two frames a network is on its way from one to the other", () => {
  const derive = createDerive(),
    middle = derive(state({ show: "sgd", frame: 0.5 })).net;
  const [w, v] = [RUN.frames[0].nets[0].filters[0], RUN.frames[1].nets[0].filters[0]];
  const half = w.map((entry, e) => (entry + v[e]) / 2),
    length = Math.hypot(...half);
  half.forEach((entry, e) => assert.ok(Math.abs(middle.filters[0][e] - entry / length) < 1e-15));
  assert.equal(derive(state({ show: "sgd", frame: 0.5 })).net, middle);
  assert.deepEqual(derive(state({ show: "sgd", frame: 1 })).net, toNet(TRAP, RUN.frames[1].nets[0]));
  const { trails } = derive(state({ show: "sgd", frame: 0.5 }));
  assert.deepEqual(
    trails.map((trail) => trail.length),
    [2, 2],
  );
  assert.equal(trails[0][1], derive(state({ show: "sgd", frame: 0.5 })).net.filters[0]);
  assert.deepEqual(
    derive(state({ show: "sgd", frame: 2 })).trails.map((trail) => trail.length),
    [3, 3],
  );
});

test("excess is measured in units of the optimum, seed by seed", () => {
  const { excess, seeds, best } = createDerive()(state());
  assert.deepEqual(excess.iterations, [0, 10, 100]);
  assert.deepEqual(excess.curves[1], new Array(3).fill((0.7 - OPTIMUM.objective) / OPTIMUM.objective));
  assert.deepEqual([seeds.length, seeds[0].objective, best], [2, 0.9, 1]);
});

test("a network whose filters have another length is not drawn; without any there is nothing to draw", () => {
  const derive = createDerive();
  const wrong = derive(state({ scene: SPACE, fresh: false, sgdFresh: false, handFresh: false, show: "sgd" }));
  assert.deepEqual(
    [wrong.nets.optimum, wrong.nets.sgd, wrong.nets.hand, wrong.net, wrong.v, wrong.curve, wrong.peak, wrong.f],
    new Array(8).fill(null),
  );
  assert.equal(wrong.show, "optimum");
  assert.equal(wrong.a, 3);
  const empty = derive(state({ answer: null, fresh: false, sgd: null, sgdFresh: false, hand: null, handFresh: false }));
  assert.deepEqual([empty.net, empty.trails, empty.excess, empty.seeds, empty.focus], new Array(5).fill(null));
  assert.equal(empty.cells.length, 24);
  const zero = derive(state({ show: "hand", hand: { start: { filters: [], weights: [] }, steps: [] } }));
  assert.deepEqual([zero.net.sizes, zero.f, zero.v], [[], [0, 0, 0, 0], TRAP.y]);
});

test("what is pointed at lights what belongs to it", () => {
  const derive = createDerive(),
    X = patches(TRAP);
  const sample = derive(state({ show: "sgd", hover: { kind: "sample", i: 1 } })).focus;
  assert.deepEqual(sample.samples, [false, true, false, false]);
  assert.ok(sample.lit(1, 2) && !sample.lit(0, 2));
  OPTIMUM.filters.forEach((u, j) =>
    assert.ok(Math.abs(sample.filterShares[j] - OPTIMUM.sizes[j] * phi(TRAP, X, u)[1]) < 1e-15),
  );
  assert.equal(sample.neuronShares.length, 2);
  const patch = derive(state({ pin: { kind: "patch", i: 1, k: 2 }, hover: { kind: "sample", i: 0 } })).focus;
  assert.ok(patch.pinned && patch.i === 1 && patch.k === 2 && patch.lit(1, 2) && !patch.lit(1, 1));
  const total = [0, 1, 2]
    .map((k) => derive(state({ pin: { kind: "patch", i: 1, k } })).focus.filterShares[0])
    .reduce((sum, share) => sum + share, 0);
  assert.ok(Math.abs(total - sample.filterShares[0]) < 1e-15);
  const filter = derive(state({ hover: { kind: "filter", j: 1 } })).focus;
  assert.deepEqual([filter.filters, filter.neurons, filter.size], [[false, true], [false, false], 0.2]);
  assert.deepEqual(filter.fires, counted(TRAP, X, OPTIMUM.filters[1]));
  assert.deepEqual(
    filter.contributions,
    phi(TRAP, X, OPTIMUM.filters[1]).map((value) => 0.2 * value),
  );
  const neuron = derive(state({ hover: { kind: "neuron", j: 1 } })).focus;
  assert.deepEqual([neuron.u, neuron.size, neuron.neurons], [[0, 1], -2, [false, true]]);
  const cell = derive(state({ hover: { kind: "cell", u: directionAt(331) } })).focus;
  assert.deepEqual(cell.filters, [true, false]);
  for (const gone of [
    { kind: "sample", i: 4 },
    { kind: "patch", i: 0, k: 3 },
    { kind: "filter", j: 2 },
    { kind: "neuron", j: 5 },
    { kind: "direction", u: [1, 0, 0] },
  ])
    assert.equal(derive(state({ hover: gone })).focus, null);
});

test("two directions share a cell when the circle's cells say so", () => {
  const draw = generator(7);
  for (const pooling of ["sum", "max"])
    for (const activation of ["relu", "residual"])
      for (let seed = 0; seed < 6; seed++) {
        const scene = randomScene(seed, { pooling, activation, n: 3 }),
          X = patches(scene),
          cells = circleCells(scene, X);
        for (let s = 0; s < 200; s++) {
          const [one, other] = [360 * draw(), 360 * draw()],
            same = cellIndex(cells, one) === cellIndex(cells, other);
          assert.equal(
            sameCell(scene, X, directionAt(one), directionAt(other)),
            same,
            `${pooling} ${activation} ${seed} ${one} ${other}`,
          );
          assert.ok(sameCell(scene, X, directionAt(one), directionAt(cells[cellIndex(cells, one)].mid)));
        }
      }
});

test("in space too, directions in one cell make the same patches fire", () => {
  const draw = generator(11),
    X = patches(SPACE);
  let shared = 0;
  for (let s = 0; s < 3000; s++) {
    const u = randomDirection(draw, 3),
      w = randomDirection(draw, 3);
    const same = JSON.stringify(counted(SPACE, X, u)) === JSON.stringify(counted(SPACE, X, w));
    assert.equal(sameCell(SPACE, X, u, w), same);
    shared += same;
  }
  assert.ok(shared > 30);
});
