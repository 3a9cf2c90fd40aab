/**
 * The conversation with the library: one request on its way, the newest wins.
 *
 * A drag makes many scenes a second. The next one is sent only when the answer to the last has come, and it is the
 * newest: what lay between is never asked for. Frames of a training run are pulled in the same way, so a run that
 * nobody looks at any more is not computed any further.
 */
import { sceneKey } from "./scene_key.js";

/** Without an answer for this long, a request counts as lost (the library itself stops after 5 seconds). */
const ANSWER_LIMIT_MS = 20000;
/** Frames kept ready of what is shown; beyond that the library may rest. */
const FRAMES_AHEAD = 60;
const LATENCIES_KEPT = 100;

/** The loop of a store: `connect(send)`, `receive(answer)`, `stop()`. `root` carries the median latency as an attribute. */
export function createLive(store, root) {
  const latencies = [];
  let send = null;
  let serial = Date.now(); // an answer to an earlier mount of the page never has the number of a request of this one
  let flight = null; // the request on its way, the key of its scene, and since when that scene has been the newest
  let asked = { key: null, final: false }; // the last scene that was sent
  let newest = { key: null, since: 0 };
  let watchdog = 0;

  /** What to ask for next, the most urgent first; null when nothing has changed. */
  function wanted(state, key) {
    if (asked.key !== key || (state.final && !asked.final)) return { kind: "solve" };
    if (state.wish) return state.wish;
    const { sgd } = state;
    const hungry = sgd && !sgd.done && state.sgdFresh && state.playing && sgd.frames.length < state.frame + FRAMES_AHEAD;
    return hungry ? { kind: "sgd", sgd: sgd.settings, run: sgd.run, have: sgd.frames.length } : null;
  }

  function next() {
    const { state } = store;
    const key = sceneKey(state.scene);
    if (newest.key !== key) newest = { key, since: performance.now() };
    if (!send || flight) return;
    const wish = wanted(state, key);
    if (!wish) return;
    serial += 1;
    const request = { id: serial, final: state.final, scene: state.scene, ...wish };
    flight = { request, key, since: newest.since };
    if (wish.kind === "solve") asked = { key, final: state.final };
    watchdog = setTimeout(lost, ANSWER_LIMIT_MS);
    store.update({ pending: true, ...(wish === state.wish && { wish: null }) });
    send(request);
  }

  function lost() {
    flight = null;
    store.update({
      pending: false,
      playing: false,
      error: `The library has not answered for ${ANSWER_LIMIT_MS / 1000} seconds. Change something to ask again.`,
    });
  }

  /** Take an answer; one that comes again with a redraw of the page, or after its time, belongs to no request. */
  function receive(answer) {
    if (!flight || answer?.id !== flight.request.id) return;
    clearTimeout(watchdog);
    const { request, key, since } = flight;
    flight = null;
    if (request.kind === "solve" && answer.optimum) record(performance.now() - since);
    store.take(answer, request, key);
  }

  function record(latency) {
    latencies.push(latency);
    if (latencies.length > LATENCIES_KEPT) latencies.shift();
    const sorted = [...latencies].sort((a, b) => a - b);
    root.dataset.latency = sorted[sorted.length >> 1].toFixed(1);
    root.dataset.latencyLast = latency.toFixed(1);
    root.dataset.answers = String(Number(root.dataset.answers ?? 0) + 1);
  }

  const leave = store.subscribe(next);
  return {
    connect(sender) {
      send = sender;
      next();
    },
    receive,
    stop() {
      clearTimeout(watchdog);
      leave();
    },
  };
}
