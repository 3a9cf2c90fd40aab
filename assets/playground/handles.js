/**
 * What every bar, pixel, point and target has in common: it is dragged with a mouse or a finger, and moved with keys.
 *
 * One drag is many edits and one step of the history; a key press is one edit.
 */
import { decimals } from "./format.js";

const KEY_STEPS = {
  ArrowUp: 0.1, ArrowRight: 0.1, ArrowDown: -0.1, ArrowLeft: -0.1, PageUp: 0.5, PageDown: -0.5, Home: -Infinity, End: Infinity,
};
/** Values are kept to a thousandth, so that ten steps of a tenth make one. */
const GRAIN = 1000;

/** The value that a key moves a slider to, within [-reach, reach]; null for a key that is not one of a slider's. */
export function keyedValue(event, value, reach) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const step = KEY_STEPS[event.key];
  return step === undefined ? null : boundedValue(value + step, reach);
}

/** A value rounded to a thousandth and kept in [-reach, reach]. */
export function boundedValue(value, reach) {
  return Math.min(Math.max(Math.round(value * GRAIN) / GRAIN, -reach), reach);
}

/** How far values reach: 2 by hand, further for data that came from elsewhere. */
export function reachOf(values) {
  let reach = 2;
  for (const value of values) reach = Math.max(reach, Math.ceil(Math.abs(value) - 1e-9));
  return reach;
}

/** Attributes of a slider for this value. */
export function sliderAttributes(value, reach, text = decimals(value, 2)) {
  return { "aria-valuenow": value, "aria-valuemin": -reach, "aria-valuemax": reach, "aria-valuetext": text };
}

/**
 * Let a node be dragged: `move(event, first)` from the press on, `end()` once at its release.
 *
 * The pointer is captured, so a drag that leaves the node, or the window, goes on. A finger's drag is no scrolling: that
 * is said by an event, since browsers heed `touch-action` only on boxes, not on what is inside an SVG.
 */
export function draggable(node, { move, end }) {
  let pointer = null;
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointer !== null) return;
    pointer = event.pointerId;
    node.setPointerCapture(pointer);
    // the press does not select text, so it has to give the focus itself
    event.preventDefault();
    node.closest("[tabindex]")?.focus({ preventScroll: true });
    move(event, true);
  });
  node.addEventListener("pointermove", (event) => {
    if (event.pointerId === pointer) move(event, false);
  });
  const release = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    end(event);
  };
  node.addEventListener("pointerup", release);
  node.addEventListener("pointercancel", release);
  node.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
}

/** Finish a drag: the newest scene is the one that counts. */
export function settle(store) {
  store.actions.edit((scene) => scene, { final: true });
}

/** Let what belongs to a target light up while a pointer that drags nothing is over `node`. */
export function hoversOver(node, store, target) {
  node.addEventListener("pointerenter", (event) => event.buttons || store.actions.hover(target()));
  node.addEventListener("pointerleave", (event) => event.buttons || store.actions.hover(null));
}

/** Let what belongs to a target light up while `node` is pointed at or has the focus; Enter and a click pin it. */
export function pointsAt(node, store, target, { pins = true, hovers = true } = {}) {
  const { actions } = store;
  if (hovers) hoversOver(node, store, target);
  node.addEventListener("focus", () => node.matches(":focus-visible") && actions.hover(target()));
  node.addEventListener("blur", () => actions.hover(null));
  if (!pins) return;
  node.addEventListener("click", () => actions.pin(target()));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    actions.pin(target());
  });
}
