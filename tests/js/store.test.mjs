import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { createLive } from "../../assets/playground/live.js";
import { sceneKey } from "../../assets/playground/scene_key.js";
import { createStore } from "../../assets/playground/store.js";

const SCENE = {
  name: "two", edited: false, X: [[1, 0, -1], [0, 0.5, 1]], y: [1, -1], shape: [3], filter: [2], stride: [1], pooling: "sum",
  activation: "relu", slope: 0, bias: "none", loss: "squared", beta: 0.1, view: "signals",
};
const OTHER = { ...SCENE, name: "other", y: [0.5, 0.5] };
const SCENES = [SCENE, OTHER].map((scene) => ({ name: scene.name, title: scene.name, text: "", scene }));

const storeOf = () => createStore({ scene: SCENE, scenes: SCENES, dark: false, reduced: false });
const withTarget = (value) => (scene) => ({ ...scene, y: [value, scene.y[1]], edited: true });
const optimum = (objective) => ({ objective, lower_bound: objective, filters: [], sizes: [] });

// a request that a test leaves open waits for its answer, and node with it
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

/** A store with its loop and a library that answers when it is told to. */
function conversation() {
  const store = storeOf();
  const sent = [];
  const live = createLive(store, { dataset: {} });
  live.connect((request) => sent.push(request));
  const answer = (more = {}) => {
    const { id, kind } = sent.at(-1);
    const solved = kind === "solve" && { optimum: optimum(1), zero: 2, live: true };
    live.receive({ id, kind, error: null, live: true, estimate: null, sgd: null, added: null, ...solved, ...more });
  };
  return { store, sent, live, answer };
}

const frames = (count) => Array.from({ length: count }, (_, it) => ({
  it, nets: [{ filters: [[it, 1]], weights: [1] }], objective: [2 - it / 10], lower: [0.2], ceiling: [3], peak: [[1, 0]],
}));

test("a drag of many edits is one step of undo, and undo brings back the very scene", () => {
  const store = storeOf();
  for (const value of [0.9, 0.7, 0.4]) store.actions.edit(withTarget(value), { final: false });
  store.actions.edit((scene) => scene, { final: true });
  assert.equal(store.state.scene.y[0], 0.4);
  assert.equal(store.state.past.length, 1);
  store.actions.undo();
  assert.equal(store.state.scene, SCENE);
  store.actions.undo();
  assert.equal(store.state.scene, SCENE);
  store.actions.redo();
  assert.equal(store.state.scene.y[0], 0.4);
});

test("an answer is fresh for its own scene only, and fresh again when the scene comes back", () => {
  const { store, answer } = conversation();
  assert.equal(store.state.fresh, false);
  answer();
  assert.equal(store.state.fresh, true);
  store.actions.edit(withTarget(0.3));
  assert.equal(store.state.fresh, false);
  assert.equal(store.state.answer.optimum.objective, 1, "the last optimum stays to be seen");
  store.actions.undo();
  assert.equal(store.state.fresh, true);
});

test("one request is on its way, and what comes next is the newest scene", () => {
  const { store, sent, answer } = conversation();
  assert.equal(sent.length, 1);
  for (const value of [0.1, 0.2, 0.3]) store.actions.edit(withTarget(value), { final: false });
  assert.equal(sent.length, 1);
  answer();
  assert.equal(sent.length, 2);
  assert.equal(sent[1].scene.y[0], 0.3);
  assert.equal(sent[1].final, false);
});

test("nothing is asked while nothing changes", () => {
  const { store, sent, answer } = conversation();
  answer();
  store.actions.hover({ kind: "sample", i: 1 });
  store.actions.pin({ kind: "sample", i: 1 });
  store.actions.tab("data");
  store.actions.edit((scene) => scene);
  assert.equal(sent.length, 1);
});

test("the end of a drag asks once more, for the final answer", () => {
  const { store, sent, answer } = conversation();
  answer();
  store.actions.edit(withTarget(0.2), { final: false });
  answer({ optimum: null, live: false, estimate: "about 3 s" });
  assert.equal(store.state.estimate, "about 3 s");
  assert.equal(sent.length, 2);
  store.actions.edit((scene) => scene, { final: true });
  assert.deepEqual([sent.length, sent[2].final], [3, true]);
  answer();
  assert.deepEqual([store.state.fresh, store.state.estimate], [true, null]);
});

test("an answer that nobody waits for changes nothing", () => {
  const { store, live, sent, answer } = conversation();
  answer();
  const { state } = store;
  live.receive({ id: sent[0].id, kind: "solve", error: null, optimum: optimum(9) });
  live.receive({ id: -1, kind: "solve", error: null, optimum: optimum(9) });
  live.receive(null);
  assert.equal(store.state, state);
});

test("a fault is told, and the next change asks again", () => {
  const { store, sent, answer } = conversation();
  answer({ error: "y: got a list, expected numbers", optimum: null });
  assert.match(store.state.error, /expected numbers/);
  assert.equal(store.state.pending, false);
  store.actions.edit(withTarget(0.2));
  assert.deepEqual([store.state.error, sent.length], [null, 2]);
});

test("a request without an answer is given up, with a sentence", () => {
  const { store, sent } = conversation();
  mock.timers.tick(60000);
  assert.match(store.state.error, /not answered/);
  store.actions.edit(withTarget(0.2));
  assert.equal(sent.length, 2);
});

test("frames are pulled while a run plays, in order, and not beyond its end", () => {
  const { store, sent, answer } = conversation();
  answer();
  store.actions.play();
  assert.deepEqual([sent[1].kind, sent[1].have], ["sgd", 0]);
  const { run } = sent[1];
  answer({ sgd: { run, done: false, settings: sent[1].sgd, frames: frames(3) } });
  assert.deepEqual([sent.length, sent[2].have], [3, 3]);
  answer({ sgd: { run, done: true, settings: sent[1].sgd, frames: frames(2) } });
  assert.equal(sent.length, 3);
  assert.equal(store.state.sgd.frames.length, 5);
  store.tick(1000);
  store.tick(1000);
  assert.deepEqual([store.state.frame, store.state.playing], [4, false]);
  store.actions.play();
  assert.deepEqual([store.state.frame, store.state.playing, sent.length], [0, true, 3]);
});

test("a run that is paused is not computed any further", () => {
  const { store, sent, answer } = conversation();
  answer();
  store.actions.play();
  store.actions.pause();
  answer({ sgd: { run: sent[1].run, done: false, settings: sent[1].sgd, frames: frames(3) } });
  assert.equal(sent.length, 2);
});

test("frames of an older run are dropped, and changed data make a run stale", () => {
  const { store, sent, answer } = conversation();
  answer();
  store.actions.play();
  store.actions.edit(withTarget(0.2));
  assert.deepEqual([store.state.sgdFresh, store.state.playing, store.state.show], [false, false, "optimum"]);
  store.actions.play();
  answer({ sgd: { run: sent[1].run, done: false, settings: sent[1].sgd, frames: frames(3) } });
  assert.equal(store.state.sgd.frames.length, 0);
  assert.equal(sent[2].kind, "solve");
});

test("a step by hand begins with the network that is shown and goes on from its answer", () => {
  const { store, sent, answer } = conversation();
  answer();
  store.actions.play();
  const { run } = sent[1];
  answer({ sgd: { run, done: true, settings: sent[1].sgd, frames: frames(3) } });
  store.actions.frame(2);
  store.actions.addMissing();
  assert.deepEqual([sent[2].kind, sent[2].network.filters, sent[2].best_lower], ["add", [[2, 1]], 0.2]);
  const step = { filters: [[1, 0], [0, 1]], weights: [1, 2], objective: 1.1, lower_bound: 0.9, best_lower: 0.9, done: false };
  answer({ added: step });
  store.actions.addMissing();
  assert.deepEqual([sent[3].network, sent[3].best_lower], [{ filters: step.filters, weights: step.weights }, 0.9]);
  answer({ added: { ...step, done: true } });
  store.actions.addMissing();
  assert.equal(sent.length, 4, "nothing is missing any more");
  store.actions.edit(withTarget(0.3));
  assert.deepEqual([store.state.hand, store.state.show], [null, "optimum"]);
});

test("another scene begins a history of its own, and Reset goes back to it as it was", () => {
  const store = storeOf();
  store.actions.edit(withTarget(0.3));
  store.actions.setScene("other");
  assert.deepEqual([store.state.scene, store.state.past.length], [OTHER, 0]);
  store.actions.setControl("beta", 0.7);
  store.actions.reset();
  assert.deepEqual(store.state.scene, OTHER);
});

test("pinning twice unpins, and a pin on a sample that is gone goes too", () => {
  const store = storeOf();
  store.actions.pin({ kind: "sample", i: 1 });
  store.actions.pin({ kind: "sample", i: 1 });
  assert.equal(store.state.pin, null);
  store.actions.pin({ kind: "sample", i: 1 });
  store.actions.edit((scene) => ({ ...scene, X: scene.X.slice(0, 1), y: scene.y.slice(0, 1) }));
  assert.equal(store.state.pin, null);
});

test("the key of a scene is that of its objective, not of its name", () => {
  assert.equal(sceneKey(SCENE), sceneKey({ ...SCENE, name: "x", edited: true }));
  assert.notEqual(sceneKey(SCENE), sceneKey({ ...SCENE, beta: 0.2 }));
});

test("a report is asked for with the link to the scene, and its answer is saved as a file", () => {
  const { store, sent, answer } = conversation();
  const saved = [];
  globalThis.window = { location: { href: "https://example.org/playground?play=old" } };
  globalThis.document = { createElement: () => ({ click() { saved.push(this.download); } }) };
  try {
    answer({ link: "?play=two" });
    store.actions.report();
    assert.deepEqual([sent.at(-1).kind, sent.at(-1).link], ["report", "https://example.org/playground?play=two"]);
    answer({ report: "<!doctype html>" });
    assert.deepEqual(saved, ["report.html"]);
    assert.match(store.state.message, /report is saved/);
  } finally {
    delete globalThis.window;
    delete globalThis.document;
  }
});
