import assert from "node:assert/strict";
import { mock, test } from "node:test";

import start from "../../assets/history.js";

class PopState extends Event {
  constructor(type, { state }) {
    super(type);
    this.state = state;
  }
}

/** A browser whose address a test may change, and the pages that were asked for. */
function browser(opened = "http://here/three_layer") {
  const window = Object.assign(new EventTarget(), { pushed: [] }), asked = [], passed = [], replaced = [];
  window.location = { pathname: "/three_layer", href: "http://here/three_layer", search: "" };
  window.history = {
    state: {}, pushState: (state, title, url) => window.pushed.push(url), back: () => passed.push(window.location.pathname),
    replaceState(state, title, url) { this.state = state; replaced.push(url); },
  };
  mock.method(performance, "getEntriesByType", () => [{ name: opened }]);
  const document = new EventTarget();
  Object.assign(globalThis, { window, document, PopStateEvent: PopState });
  start();
  window.addEventListener("popstate", () => asked.push(window.location.pathname));
  const back = (state = { convexCore: true }) => {
    window.location.pathname = "/solve";
    window.history.state = state;
    window.dispatchEvent(new PopState("popstate", { state }));
  };
  return { window, replaced, press: () => document.dispatchEvent(new Event("keydown")), back, asked, passed };
}

function timed(body) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const now = mock.method(performance, "now", () => 1000);
  try {
    body((ms) => { mock.timers.tick(ms); now.mock.mockImplementation(() => 1000 + ms); });
  } finally {
    mock.restoreAll();
    mock.timers.reset();
  }
}

test("Back straight after a key asks for the page before once more, when the key has been sent", () => timed((tick) => {
  const { press, back, asked, passed } = browser();
  press();
  back();
  assert.deepEqual(asked, ["/solve"]);
  tick(1000);
  assert.deepEqual(asked, ["/solve", "/solve"]);
  assert.deepEqual(passed, []);
}));

test("the page before that is asked for once more is not passed over, marked or not", () => timed((tick) => {
  const { press, back, asked, passed } = browser();
  press();
  back({});
  tick(1000);
  assert.deepEqual(asked, ["/solve", "/solve"]);
  assert.deepEqual(passed, []);
}));

test("Back later asks once", () => timed((tick) => {
  const { press, back, asked } = browser();
  press();
  tick(400);
  back();
  tick(1000);
  assert.deepEqual(asked, ["/solve"]);
}));

test("who leaves the first page before this runs finds its settings again", () => timed(() => {
  const { window, replaced } = browser("http://here/three_layer?circular_d=7");
  window.history.pushState({}, "", "/solve");
  assert.equal(replaced.at(-1), "http://here/three_layer?circular_d=7");
}));

test("settings of another page than the first are not those it was opened with", () => timed(() => {
  const { window, replaced } = browser("http://here/dataset?data=edge");
  window.history.pushState({}, "", "/solve");
  assert.equal(replaced.at(-1), "http://here/three_layer");
}));

test("what the page that was left still says of its settings does not change the address of the page before", () => timed(() => {
  const { window, back, replaced } = browser();
  document.title = "Three layers";
  back();
  const before = replaced.length;
  window.history.replaceState({}, "", "/solve");
  window.history.pushState({}, "", "/solve?circular_d=8");
  window.history.pushState({}, "", "/three_layer");
  assert.equal(replaced.length, before);
  assert.deepEqual(window.pushed, []);
  document.title = "Solve";
  window.history.pushState({}, "", "/solve?stride=2");
  assert.equal(replaced.at(-1), "/solve?stride=2");
}));

test("after Back straight after a key nobody changes the address until somebody turns to the page", () => timed((tick) => {
  const { window, press, back, replaced } = browser();
  document.title = "Three layers";
  press();
  back();
  document.title = "Solve";
  tick(1000);
  const before = replaced.length;
  window.history.replaceState({}, "", "/solve");
  assert.equal(replaced.length, before);
  press();
  window.history.replaceState({}, "", "/solve?stride=2");
  assert.equal(replaced.at(-1), "/solve?stride=2");
}));

test("who turns to the page that Back brought changes its address", () => timed(() => {
  const { window, back, replaced } = browser();
  document.title = "Three layers";
  back();
  document.dispatchEvent(new Event("pointerdown"));
  window.history.replaceState({}, "", "/solve?stride=2");
  assert.equal(replaced.at(-1), "/solve?stride=2");
}));
