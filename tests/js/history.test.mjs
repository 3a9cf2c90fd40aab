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
  const window = new EventTarget(), asked = [], passed = [], replaced = [];
  window.location = { pathname: "/three_layer", href: "http://here/three_layer", search: "" };
  window.history = {
    state: {}, pushState() {}, back: () => passed.push(window.location.pathname),
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
