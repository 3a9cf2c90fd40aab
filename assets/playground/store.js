/**
 * The state of the playground and everything that may be done to it.
 *
 * A state is never changed: each action puts a new one in its place and tells the subscribers. What follows from a
 * state (outputs, lines, firing sets) is not kept here but derived, see derive.js.
 */
import { readFrames } from "./frames.js";
import { historyOf, historyPush, historyRedo, historyUndo } from "./scene_history.js";
import { saveFile } from "./save.js";
import { sceneKey } from "./scene_key.js";
import { setControl } from "./settings.js";

/** Frames of a training run shown in a second at speed 1. */
const FRAMES_A_SECOND = 24;
const MESSAGE_MS = 3500;
/** One that leads somewhere stays until there was time to follow it. */
const LEADING_MESSAGE_MS = 15000;

/** What a run of SGD is trained with unless something else is chosen: full batches, so the name says what it does. */
const FIRST_TRAINING = { optimiser: "gradient descent", m: 5, seeds: 8, iterations: 20000 };

/**
 * A store that begins with a scene.
 *
 * `state`, `subscribe(listener)` and `actions` are for everybody; `update(patch)`, `take(answer, request, key)` and
 * `tick(seconds)` are for the loop and the clock.
 */
export function createStore({ scene, scenes, dark, reduced, presented = false, terms = {} }) {
  const listeners = new Set();
  let first = scene; // what Reset goes back to
  let history = historyOf(scene);
  let forget = 0;
  let state = {
    scene, scenes, dark, reduced, presented, terms, past: history.past, future: history.future, final: true,
    answer: null, fresh: false, pending: false, error: null, estimate: null, zero: null, message: null, leads: null, wish: null,
    show: "optimum", sgd: null, sgdFresh: false, training: FIRST_TRAINING, seed: 0, frame: 0, playing: false, speed: 1,
    trails: true, hand: null, handFresh: false, hover: null, pin: null, flat: false, tab: "directions", sent: false,
  };

  function update(patch) {
    const next = { ...state, ...patch };
    const key = sceneKey(next.scene);
    next.fresh = next.answer?.sceneKey === key;
    next.sgdFresh = next.sgd?.sceneKey === key;
    next.handFresh = next.hand?.sceneKey === key;
    state = next;
    for (const listener of [...listeners]) listener(state);
  }

  /** A message for a few seconds; `leads` is what a button beside it says and does. */
  function say(message, leads = null) {
    clearTimeout(forget);
    forget = setTimeout(() => update({ message: null, leads: null }), leads ? LEADING_MESSAGE_MS : MESSAGE_MS);
    update({ message, leads });
  }

  /** Go to a place in the history; a network belongs to the data it was made on, so training stops there. */
  function go(next, final) {
    history = next;
    const { scene: there, past, future } = history;
    const moved = sceneKey(there) !== sceneKey(state.scene);
    const i = state.pin?.i ?? -1;
    update({
      scene: there, past, future, final,
      ...(moved && { error: null, sent: false, playing: false, hand: null, hover: null }),
      // no other network of the new data is begun by itself
      ...(moved && { show: "optimum" }),
      ...((i >= there.X.length || there.filter.length !== state.scene.filter.length) && { pin: null }),
    });
  }

  const edit = (change, { final = true } = {}) =>
    go(historyPush(history, typeof change === "function" ? change(state.scene) : change, final), final);

  /** Begin again with a scene, as when the page is opened. */
  function open(next) {
    first = next;
    history = historyOf(next);
    update({
      scene: next, past: [], future: [], final: true, error: null, estimate: null, sent: false, show: "optimum", sgd: null,
      seed: 0, frame: 0, playing: false, hand: null, hover: null, pin: null,
    });
  }

  function play() {
    const { sgd, sgdFresh, frame, training } = state;
    if (sgdFresh) {
      const over = sgd.done && frame >= sgd.frames.length - 1;
      return update({ show: "sgd", playing: true, pin: null, ...(over && { frame: 0 }) });
    }
    const run = Math.random().toString(36).slice(2, 10);
    const started = { run, sceneKey: sceneKey(state.scene), settings: training, frames: [], done: false };
    const seed = Math.min(state.seed, training.seeds - 1);
    return update({ show: "sgd", sgd: started, seed, frame: 0, playing: true, pin: null, error: null });
  }

  /** The network that a step by hand begins with. */
  function beginning() {
    const { hand, handFresh, show, sgd, sgdFresh, seed, frame } = state;
    if (handFresh) return hand;
    const shown = show === "sgd" && sgdFresh && sgd.frames[Math.round(frame)];
    const start = shown
      ? { ...shown.nets[seed], from: "sgd", lower: shown.lower[seed] }
      : { filters: [], weights: [], from: "empty", lower: null };
    return { sceneKey: sceneKey(state.scene), start, steps: [] };
  }

  function addMissing() {
    const hand = beginning();
    const last = hand.steps.at(-1);
    if (last?.done) return;
    const { filters, weights } = last ?? hand.start;
    const best = last ? last.best_lower : hand.start.lower;
    const wish = { kind: "add", network: { filters, weights }, best_lower: best };
    update({ hand, show: "hand", playing: false, wish });
  }

  const address = () => new URL(state.answer?.link ?? "", window.location.href).href;

  async function copyLink() {
    const link = address();
    try {
      await navigator.clipboard.writeText(link);
      say("The link is copied: it opens this scene, data included.");
    } catch {
      window.prompt("Copy this link", link);
    }
  }

  const actions = {
    edit,
    setControl: (name, value, options) => edit((present) => setControl(present, name, value), options),
    undo: () => state.past.length && go(historyUndo(history), true),
    redo: () => state.future.length && go(historyRedo(history), true),
    setScene(name) {
      const found = state.scenes.find((entry) => entry.name === name);
      if (found) open(found.scene);
    },
    reset: () => open(first),
    hover: (target) => sameTarget(target, state.hover) || update({ hover: target }),
    pin: (target) => update({ pin: sameTarget(target, state.pin) ? null : target }),
    show(which) {
      update({ show: which, playing: which === "sgd" && state.playing, ...(which === "hand" && { hand: beginning() }) });
    },
    seed: (seed) => update({ seed, show: "sgd" }),
    frame: (frame) => update({ frame: within(frame), playing: false }),
    play,
    pause: () => update({ playing: false }),
    step: (by) => update({ frame: within(Math.round(state.frame) + by), playing: false, show: "sgd" }),
    speed: (speed) => update({ speed }),
    trails: (trails) => update({ trails }),
    training: (change) => update({ training: { ...state.training, ...change }, sgd: null, playing: false }),
    addMissing,
    flat: (flat) => update({ flat }),
    tab: (tab) => update({ tab }),
    copyLink,
    send: () => update({ wish: { kind: "send" } }),
    report: () => update({ wish: { kind: "report", link: address() } }),
    say,
  };

  function within(frame) {
    return Math.min(Math.max(frame, 0), Math.max((state.sgd?.frames.length ?? 0) - 1, 0));
  }

  /** Take in an answer to a request about the scene with this key. */
  function take(answer, request, key) {
    const patch = { pending: false };
    if (answer.error) {
      update({ ...patch, error: answer.error, ...(request.kind === "sgd" && { playing: false }) });
      return;
    }
    if (request.kind === "solve") {
      const whole = answer.optimum && { answer: { ...answer, sceneKey: key } };
      Object.assign(patch, whole, { zero: answer.zero, estimate: answer.live ? null : answer.estimate });
    }
    const { sgd, hand } = state;
    if (answer.sgd && sgd && answer.sgd.run === sgd.run) {
      const { settings, frames, done } = answer.sgd;
      patch.sgd = { ...sgd, settings, done, frames: sgd.frames.concat(readFrames(frames)) };
    }
    if (answer.added && hand?.sceneKey === key) patch.hand = { ...hand, steps: hand.steps.concat(answer.added) };
    update(patch);
    if (request.kind === "report" && answer.report) {
      saveFile("report.html", "text/html", answer.report);
      say("The report is saved: one page that works offline, and that convex-core verify computes again.");
    }
    if (request.kind === "send" && answer.sent) {
      update({ sent: true });
      // their optimum is another one where their settings are
      say(`The other pages now use these data${answer.differs ? `, with ${answer.differs}` : ""}.`, {
        text: "Open Solve",
        act: () => update({ message: null, leads: null, wish: { kind: "go" } }),
      });
    }
  }

  /** Let a training run that plays go on by so many seconds. */
  function tick(seconds) {
    const { playing, sgd, frame, speed } = state;
    if (!playing || !sgd) return;
    const last = sgd.frames.length - 1;
    if (sgd.done && frame >= last) update({ playing: false });
    else if (frame < last) update({ frame: Math.min(frame + seconds * FRAMES_A_SECOND * speed, last) });
  }

  return {
    get state() {
      return state;
    },
    actions,
    update,
    take,
    tick,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Whether two targets are the same thing. */
function sameTarget(a, b) {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
