/**
 * Keyboard shortcuts of the whole playground.
 *
 * They are for a visitor whose focus is on the page or in the playground, but not in something that uses the key
 * itself: a field, a slider, a button, an open list. Streamlit's own keys (R, C) are left alone.
 */

/** What the help lists, in this order. */
export const SHORTCUTS = [
  ["Space", "play or pause SGD"],
  ["1  2  3", "show the optimum, SGD, the steps by hand"],
  ["Ctrl Z", "undo"],
  ["Ctrl Y", "redo"],
  ["← →", "one frame of SGD back or on, when nothing is chosen"],
  ["Arrow keys", "change the bar, pixel, point or target that has the focus"],
  ["Page ↑ ↓, Home, End", "change it by half a unit, to its limits"],
  ["Delete", "delete the point, or the sample whose number has the focus"],
  ["Shift arrows", "walk from pixel to pixel"],
  ["Enter", "pin what has the focus; change the class of a target"],
  ["Esc", "unpin"],
  ["?", "this list"],
];

const USES_KEYS = "input, textarea, select, [contenteditable], [role=slider], [role=listbox], [role=menu], [role=dialog]";

/** Listen; `help()` shows the list. Returns `stop()`. */
export function createShortcuts(root, store, help) {
  const { actions } = store;
  const plain = {
    " ": () => (store.state.playing ? actions.pause() : actions.play()),
    1: () => actions.show("optimum"),
    2: () => actions.show("sgd"),
    3: () => actions.show("hand"),
    "?": help,
    ArrowLeft: () => store.state.sgdFresh && actions.step(-1),
    ArrowRight: () => store.state.sgdFresh && actions.step(1),
    Escape: () => store.state.pin && actions.pin(null),
  };
  const withControl = { z: actions.undo, y: actions.redo, Z: actions.redo };

  function press(event) {
    const [target] = event.composedPath();
    const here = target === document.body || target === document.documentElement || root.contains(target);
    if (event.defaultPrevented || event.altKey || !here) return;
    const element = target instanceof Element ? target : null;
    if (event.ctrlKey || event.metaKey) {
      const act = withControl[event.key];
      if (!act || element?.closest("input, textarea, [contenteditable]")) return;
      event.preventDefault();
      act();
      return;
    }
    const act = plain[event.key];
    const pressed = event.key === " " && element?.closest("button, a, [role=button], [role=tab]");
    const taken = event.key !== "Escape" && element?.closest(USES_KEYS);
    if (!act || pressed || taken) return;
    event.preventDefault();
    act();
  }

  document.addEventListener("keydown", press);
  return { stop: () => document.removeEventListener("keydown", press) };
}
