/**
 * Undo and redo, as values: a history is never changed, each step gives a new one. A drag is one step, however many
 * scenes it passes through.
 *
 * @typedef {{past: object[], scene: object, future: object[], open: boolean}} History  open: in the middle of a drag
 */
import { sceneKey } from "./scene_key.js";

/** Steps that can be undone. */
const STEPS_KEPT = 200;

/** A history that begins with a scene. */
export function historyOf(scene) {
  return { past: [], scene, future: [], open: false };
}

/** One step on; while `final` is false the step goes on with the next push. */
export function historyPush(history, scene, final = true) {
  const { past, open } = history,
    changed = scene !== history.scene;
  if (!changed && open === !final) return history;
  const before = open || !changed ? past : [...past, history.scene].slice(-STEPS_KEPT);
  const future = changed ? [] : history.future;
  // a drag that ends where it began leaves no step behind
  if (open && final && before.length && sceneKey(before[before.length - 1]) === sceneKey(scene))
    return { past: before.slice(0, -1), scene: before[before.length - 1], future, open: false };
  return { past: before, scene, future, open: !final && (open || changed) };
}

/** One step back. */
export function historyUndo({ past, scene, future }) {
  if (!past.length) return { past, scene, future, open: false };
  return { past: past.slice(0, -1), scene: past[past.length - 1], future: [scene, ...future], open: false };
}

/** One step on again. */
export function historyRedo({ past, scene, future }) {
  if (!future.length) return { past, scene, future, open: false };
  return { past: [...past, scene], scene: future[0], future: future.slice(1), open: false };
}
