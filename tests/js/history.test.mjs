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
function browser() {
  const window = new EventTarget(), asked = [], passed = [];
  window.location = { pathname: "/three_layer", href: "http://here/three_layer" };
  window.history = {
    state: {}, pushState() {}, replaceState(state) { this.state = state; }, back: () => passed.push(window.location.pathname),
  };
  const document = new EventTarget();
  Object.assign(globalThis, { window, document, PopStateEvent: PopState });
  start();
  window.addEventListener("popstate", () => asked.push(window.location.pathname));
  const back = (state = { convexCore: true }) => {
    window.location.pathname = "/solve";
    window.history.state = state;
    window.dispatchEvent(new PopState("popstate", { state }));
  };
  return { press: () => document.dispatchEvent(new Event("keydown")), back, asked, passed };
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
