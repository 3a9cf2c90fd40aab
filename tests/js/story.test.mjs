import assert from "node:assert/strict";
import { test } from "node:test";
import { createDerive } from "../../assets/playground/derive.js";
import { directionAt } from "../../assets/playground/circle.js";
import { dual, outputs, patches, phi } from "../../assets/playground/maths.js";
import { peak } from "../../assets/playground/peak.js";
import { LONGEST, story } from "../../assets/playground/story.js";
import {
  countText,
  directionNote,
  directionWords,
  listText,
  percentWords,
  thousands,
} from "../../assets/playground/words.js";
import { LINE, PIXELS, PLANE, randomScene, SPACE, TRAP } from "./cases.mjs";

const NET = { filters: [directionAt(330.26), directionAt(229.77)], sizes: [-0.6, 1.3] };

/** A state in which nothing has happened, with an answer of the library's form about a network. */
function stateOf(scene, net = NET, more = {}) {
  const X = patches(scene),
    f = outputs(scene, X, net),
    v = dual(scene, f),
    top = peak(scene, X, v);
  const optimum = {
    objective: 1,
    lower_bound: 1,
    gap: 0,
    status: "optimal",
    scope: "global",
    filters: net.filters,
    sizes: net.sizes,
    predictions: f,
    dual: v,
    ceiling: top.ceiling,
    peak: top.u,
  };
  return {
    scene,
    answer: { optimum },
    fresh: true,
    sgd: null,
    sgdFresh: false,
    hand: null,
    handFresh: false,
    show: "optimum",
    seed: 0,
    frame: 0,
    playing: false,
    hover: null,
    pin: null,
    error: null,
    estimate: null,
    ...more,
  };
}

/** A run of two frames and two seeds that ends with the given excess and ceiling. */
function runOf(scene, { above = 0.23, ceiling = 2.7, start = 2, done = true } = {}) {
  const a = scene.filter.reduce((product, size) => product * size, 1) + (scene.bias === "none" ? 0 : 1);
  const w = Array.from({ length: a }, (_, e) => e - 0.5),
    net = { filters: [w, w.map((entry) => -entry)], weights: [0.5, 0] };
  const u = w.map((entry) => entry / Math.hypot(...w));
  const frame = (it, value, high) => ({
    it,
    nets: [net, net],
    objective: [value, value],
    lower: [0.5, 0.5],
    ceiling: [high, high],
    peak: [u, u],
  });
  return {
    run: "x",
    settings: { optimiser: "gradient descent", m: 2, iterations: 5000 },
    done,
    frames: [frame(0, start, 20), frame(4000, 1 + above, ceiling), frame(5000, 1 + above, ceiling)],
  };
}

const tell = (state) => story(state, createDerive()(state));

test("a sentence is its parts, fits into two lines, and never says undefined or NaN", () => {
  const scenes = [TRAP, { ...TRAP, pooling: "max" }, SPACE, PIXELS, PLANE, LINE, randomScene(2, { n: 12, d: 16 })];
  let said = 0;
  for (const scene of scenes) {
    const a = patches(scene)[0][0].length,
      unit = (e) => Array.from({ length: a }, (_, at) => (at === e ? 1 : 0));
    const net = { filters: [unit(0), unit(a - 1).map((entry) => -entry)], sizes: [1.234, -0.5] },
      run = runOf(scene);
    const step = {
      filters: [unit(0)],
      weights: [1],
      objective: 1.2345,
      lower_bound: 0.1,
      best_lower: 0.4567,
      ceiling: 3,
      peak: unit(1),
      done: false,
    };
    const targets = [
      null,
      { kind: "sample", i: 1 },
      { kind: "patch", i: 1, k: 0 },
      { kind: "cell", u: unit(0) },
      { kind: "direction", u: unit(a - 1) },
      { kind: "filter", j: 0 },
      { kind: "neuron", j: 1 },
      { kind: "sample", i: 99 },
      { kind: "filter", j: 9 },
    ];
    const shows = [
      {},
      { fresh: false },
      { answer: null, fresh: false },
      { fresh: false, estimate: "about 2 s" },
      { error: `y: got ${"long ".repeat(60)}` },
      { show: "sgd", playing: true },
      { show: "sgd" },
      ...[0, 0.4, 1, 2].map((frame) => ({ show: "sgd", sgd: run, sgdFresh: true, frame })),
      { show: "sgd", sgd: run, frame: 2 },
      { show: "sgd", sgd: runOf(scene, { above: 0 }), sgdFresh: true, frame: 2 },
      { show: "sgd", sgd: run, sgdFresh: true, frame: 2, fresh: false },
      { show: "sgd", sgd: run, sgdFresh: true, frame: 2, seed: 1 },
      { show: "hand", hand: { start: { filters: [], weights: [] }, steps: [] }, handFresh: true },
      ...[false, true].map((done) => ({
        show: "hand",
        hand: { start: { filters: [], weights: [] }, steps: [step, { ...step, done }] },
        handFresh: true,
      })),
    ];
    for (const shown of shows)
      for (const hover of targets) {
        const { parts, plain } = tell(stateOf(scene, net, { ...shown, hover }));
        assert.equal(plain, parts.map(({ text }) => text).join(""));
        assert.ok(plain.length > 10 && plain.length <= LONGEST, `${plain.length} ${plain}`);
        assert.doesNotMatch(plain, /undefined|NaN|null|Infinity|–|  /, plain);
        for (const { tone } of parts)
          assert.ok([undefined, "green", "purple", "orange", "blue", "muted"].includes(tone));
        said++;
      }
  }
  assert.ok(said > 900);
});

test("the patch's sentence says which filters it fires for, and what the most important one adds", () => {
  const X = patches(TRAP),
    { plain } = tell(stateOf(TRAP, NET, { hover: { kind: "patch", i: 1, k: 2 } }));
  const firing = NET.filters
    .map((u, j) => [j, X[1][2][0] * u[0] + X[1][2][1] * u[1]])
    .filter(([, response]) => response > 0);
  assert.deepEqual(
    firing.map(([j]) => j),
    [0],
  );
  assert.ok(plain.startsWith("Patch 3 of sample 2 fires for filter 1 of the optimum; filter 1 adds −"), plain);
  assert.ok(plain.includes((Math.abs(NET.sizes[0]) * firing[0][1]).toFixed(2)), plain);
});

test("the filter's sentence gives its largest contributions", () => {
  const { plain } = tell(stateOf(TRAP, NET, { pin: { kind: "filter", j: 1 } })),
    adds = phi(TRAP, patches(TRAP), NET.filters[1]).map((value) => 1.3 * value);
  const most = adds.indexOf(Math.max(...adds));
  assert.ok(plain.includes(`(at 230°, size +1.30) adds +${adds[most].toFixed(2)} to sample ${most + 1}`), plain);
});

test("what is pinned comes before what is pointed at, and both before how things stand", () => {
  const pinned = tell(stateOf(TRAP, NET, { pin: { kind: "sample", i: 0 }, hover: { kind: "sample", i: 1 } }));
  assert.match(pinned.plain, /^Sample 1/);
  assert.match(tell(stateOf(TRAP, NET, { hover: { kind: "sample", i: 1 } })).plain, /^Sample 2/);
  assert.match(tell(stateOf(TRAP)).plain, /^Optimum/);
});

test("nothing is called an optimum, and no filter counted, before the library has answered for the present data", () => {
  for (const state of [
    stateOf(TRAP, NET, { fresh: false }),
    stateOf(TRAP, NET, { fresh: false, answer: null }),
    stateOf(TRAP, NET, { fresh: false, estimate: "about 2 s" }),
  ])
    assert.doesNotMatch(tell(state).plain, /\d filter|^Optimum|proved|no other filter/);
});

test("an optimum that is not proved is not called one", () => {
  const change = (part) => {
    const state = stateOf(TRAP);
    return tell({ ...state, answer: { optimum: { ...state.answer.optimum, ...part } } }).plain;
  };
  assert.match(change({}), /no other filter can help/);
  assert.match(change({ scope: "restricted", gap: null, lower_bound: null }), /not proved to be the best/);
  assert.doesNotMatch(change({ scope: "restricted", gap: null, lower_bound: null }), /Optimum/);
  assert.match(change({ status: "time limit", lower_bound: 0.5, gap: 0.5 }), /best so far.*between 0\.5 and 1/);
  assert.match(change({ sizes: [], filters: [] }), /no filter at all/);
});

test("a run is stuck only if it no longer moves, pokes through, and is over", () => {
  const at = (options, frame = 2) =>
    tell(stateOf(TRAP, NET, { show: "sgd", sgd: runOf(TRAP, options), sgdFresh: true, frame })).plain;
  assert.match(
    at({}),
    /^Gradient descent, seed 1, is stuck 23 % above the best possible\. Still missing: a filter at 135°\.$/,
  );
  const moving = runOf(TRAP);
  moving.frames[1].objective = [1.4, 1.4];
  assert.match(
    tell(stateOf(TRAP, NET, { show: "sgd", sgd: moving, sgdFresh: true, frame: 2 })).plain,
    /seed 1, ends 23 %/,
  );
  assert.match(at({ above: 2.2 }), /is stuck at 3\.2 times the best possible\./);
  assert.match(at({ ceiling: 1.0001 }), /only has to train on/);
  assert.match(at({ above: 1e-5 }), /found the optimum/);
  assert.match(at({}, 0), /step 0: 2\.0 times the best\. Peak: .* 20\u00a0× the ceiling/);
  assert.match(at({ above: 0.5 }, 1), /step 4,000: 50 % above the best\./);
  assert.doesNotMatch(at({ done: false }), /stuck|ends/);
});

test("a network trained on other data says nothing about these", () => {
  assert.match(
    tell(stateOf(TRAP, NET, { show: "sgd", sgd: runOf(TRAP), sgdFresh: false, frame: 2 })).plain,
    /^Trained on other data.*Press Play\.$/,
  );
});

test("a place above the ceiling is worth its penalty, one below is not", () => {
  const zero = { filters: [], sizes: [] },
    top = peak(TRAP, patches(TRAP), TRAP.y);
  const above = tell(stateOf(TRAP, zero, { hover: { kind: "direction", u: top.u } })).plain;
  assert.match(
    above,
    new RegExp(
      `would help ${top.ceiling < 10 ? top.ceiling.toFixed(1) : top.ceiling.toFixed(0)}\u00a0× what it costs: above the ceiling`,
    ),
  );
  const silent = { ...TRAP, X: [[1, 1, 1, 1]], y: [1] };
  assert.match(
    tell(stateOf(silent, zero, { hover: { kind: "direction", u: [-Math.SQRT1_2, -Math.SQRT1_2] } })).plain,
    /0\.00\u00a0× what it costs: below the ceiling/,
  );
});

test("directions have names that a filter of their kind deserves", () => {
  const say = (scene, ...w) =>
    directionWords(
      scene,
      w.map((entry) => entry / Math.hypot(...w)),
    );
  assert.deepEqual(
    [
      say(SPACE, 1, 2, 3),
      say(SPACE, 3, 2, 1),
      say(SPACE, 0, 1, 0),
      say(SPACE, 1, 0, 1),
      say(SPACE, 1, 1, 1),
      say(SPACE, -1, -1, -1),
    ],
    ["that rises", "that falls", "that has a peak", "that has a dip", "that is flat (+)", "that is flat (−)"],
  );
  assert.deepEqual(
    [say(TRAP, 0, -1), say(PLANE, 1, 0, 5), say(PLANE, -1, -1, 0), say(PLANE, 0, 0, 1)],
    ["at 270°", "to the right", "to the lower left", "that is only a bias"],
  );
  assert.deepEqual(
    [say(LINE, 2, -1), say(LINE, -2, -1), say(LINE, 1, 2.5), say(LINE, 1, -2.5), say(LINE, 0, 1)],
    ["acting right of 0.50", "acting left of −0.50", "acting everywhere", "acting nowhere", "acting everywhere"],
  );
  assert.equal(directionNote(SPACE, [0.6, 0, -0.8]), "falling");
});

test("numbers are said as people say them", () => {
  assert.deepEqual([0.234, 0.0234, 0.000234, 1e-7, 2].map(percentWords), [
    "23 %",
    "2.3 %",
    "0.02 %",
    "less than 0.01 %",
    "200 %",
  ]);
  assert.deepEqual(
    [listText([1]), listText([1, 3]), listText([1, 2, 3, 4]), listText([1, 2, 3, 4, 5])],
    ["1", "1 and 3", "1, 2, 3 and 4", "1, 2, 3 and 2 more"],
  );
  assert.deepEqual(
    [thousands(1234567), thousands(999), countText(1, "filter"), countText(4, "filter")],
    ["1,234,567", "999", "1 filter", "4 filters"],
  );
});

test("beside an optimum that is not proved, no run and no step by hand is called the best possible", () => {
  const state = stateOf(TRAP, NET, { sgdFresh: true, handFresh: true, frame: 2 });
  state.answer = { optimum: { ...state.answer.optimum, scope: "restricted", gap: null, lower_bound: null } };
  const step = {
    filters: NET.filters,
    weights: NET.sizes,
    objective: 1,
    lower_bound: null,
    best_lower: null,
    ceiling: 1,
    peak: NET.filters[0],
    done: true,
  };
  const hand = { start: { filters: [], weights: [] }, steps: [step] };
  const runs = [{}, { above: 0 }, { above: 0, ceiling: 1 }, { ceiling: 1 }].map((run) => ({
    show: "sgd",
    sgd: runOf(TRAP, run),
  }));
  for (const shown of [...runs, ...runs.map((run) => ({ ...run, frame: 1 })), { show: "hand", hand }]) {
    const { plain } = tell({ ...state, ...shown });
    assert.doesNotMatch(plain, /possible|the optimum|its proof|Nothing pokes|No filter is missing|undefined|false/, plain);
    assert.ok(plain.length <= LONGEST, plain);
  }
});

test("an optimum of zero is known, and a peak above the ceiling is not denied", () => {
  const state = stateOf(TRAP, NET, { show: "sgd", sgdFresh: true, frame: 2 });
  const zero = { answer: { optimum: { ...state.answer.optimum, objective: 0, lower_bound: 0 } } };
  assert.match(tell({ ...state, ...zero, sgd: runOf(TRAP) }).plain, /ends at objective 1\.23; the optimum is 0\.$/);
  const near = tell({ ...state, sgd: runOf(TRAP, { above: 1e-5, ceiling: 1.01 }) }).plain;
  assert.match(near, /found the optimum: its peak is 1\.010\u00a0× the ceiling/);
  assert.doesNotMatch(near, /nothing pokes/);
});
