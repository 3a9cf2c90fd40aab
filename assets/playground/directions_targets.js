/**
 * Pointing at things in the middle panel, by pointer and by keyboard alike.
 *
 * A mark (line, star, dot, ring) is a button that carries its target; one mark of each group can be reached by Tab, the
 * arrow keys walk through the group. Focus is the same as the pointer being there, Enter pins, Escape unpins. What has
 * no mark (a cell, a bare direction) is found from the pointer's position by the picture itself.
 */
import { setAttributes, svgNode } from "./dom.js";
import { decimals } from "./format.js";

/** A finger means a line from so many times farther away than a mouse does. */
const FINGER_WIDE = 2.5;

/** Make a node a mark: `target` is what pointing at it means, `label` is what a screen reader says. */
export function markTarget(node, target, label, pressed) {
  node.__target = target;
  setAttributes(node, { role: "button", "aria-label": label, "aria-pressed": pressed ? "true" : "false" });
  if (!node.hasAttribute("tabindex")) node.setAttribute("tabindex", "-1");
}

/** The target of the mark under the pointer, or null: stars, dots and the missing filter lie above everything else. */
export function markUnder(event) {
  return event.target.closest?.(".cc-dir-star, .cc-dir-dot, .cc-dir-peak")?.__target ?? null;
}

/**
 * The patch whose line lies nearest to a pointer, as a target, by `awayFrom(line)`; null where none is nearer than
 * `limit`, or a finger's width of it.
 */
export function nearestPatch(event, lines, limit, awayFrom) {
  let near = null;
  let nearest = event.pointerType === "touch" ? FINGER_WIDE * limit : limit;
  for (const line of lines) {
    const away = awayFrom(line);
    if (away < nearest) [near, nearest] = [line, away];
  }
  return near && { kind: "patch", i: near.i, k: near.k };
}

/** Let exactly one mark of a group be reached by Tab: the one that was last, else the first. */
export function tabStop(group) {
  const marks = [...group.children].filter((node) => node.__target);
  const stop = marks.find((node) => node.getAttribute("tabindex") === "0") ?? marks[0];
  for (const node of marks) {
    const wanted = node === stop ? "0" : "-1";
    if (node.getAttribute("tabindex") !== wanted) node.setAttribute("tabindex", wanted);
  }
}

/** Whether two targets are about the same thing. */
export function isSame(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Listen to everything that happens on a picture.
 *
 * `find(event)` returns {target, probe}: what lies under the pointer, and the bare direction there (null outside).
 * `mayAdd()` says whether a click on the missing filter adds it; everything else is pinned by a click.
 */
export function pointAt(svg, { find, probe, mayAdd, hooks }) {
  const { actions } = hooks;
  let last = null;
  const hover = (target) => {
    if (isSame(target, last)) return;
    last = target;
    actions.hover(target);
  };
  const choose = (target) => {
    if (target.kind === "direction" && mayAdd()) hooks.add();
    else actions.pin(target);
  };
  svg.addEventListener("pointerdown", ({ target, pointerId }) => {
    // a finger is captured by what it touches first: let go, so that it finds what lies under it, as a mouse does
    if (target.hasPointerCapture(pointerId)) target.releasePointerCapture(pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    const found = find(event);
    probe(found.probe);
    hover(found.target);
  });
  svg.addEventListener("pointerleave", () => {
    probe(null);
    hover(null);
  });
  svg.addEventListener("click", (event) => {
    const { target } = find(event);
    if (target) choose(target);
    else actions.pin(null);
  });
  // Chromium makes a stop of the Tab key of every svg that listens to the focus
  svg.setAttribute("tabindex", "-1");
  svg.addEventListener("focusin", (event) => {
    const mark = event.target.closest("[role=button]");
    if (mark?.__target && mark.matches(":focus-visible")) hover(mark.__target);
  });
  svg.addEventListener("focusout", () => hover(null));
  svg.addEventListener("keydown", (event) => {
    const mark = event.target.closest("[role=button]");
    if (event.key === "Escape") {
      actions.pin(null);
      return;
    }
    if (!mark?.__target) return;
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") choose(mark.__target);
    else if (by) walk(mark, by);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * A handle for the keyboard: a direction that the arrow keys turn, so that cells and heights can be looked at without a
 * pointer. `turned(u, across, up)` is the direction after so many steps to the right and upwards; `draw(u)` puts the
 * handle there. Returns {update(u)}: where the handle starts, as long as it has not been moved.
 */
export function createHandle(parent, { turned, draw, actions }) {
  const node = svgNode(
    "circle",
    { class: "cc-dir-handle", r: 7, role: "slider", tabindex: "0", "aria-label": "direction to look at" },
    parent,
  );
  let here = null;
  const show = () => {
    const [x, y, degrees] = draw(here);
    setAttributes(node, {
      cx: x,
      cy: y,
      "aria-valuemin": 0,
      "aria-valuemax": 360,
      "aria-valuenow": Math.round(degrees),
      "aria-valuetext": `filter ${here.map((entry) => decimals(entry, 2)).join(", ")}`,
    });
  };
  node.addEventListener("focus", () => node.matches(":focus-visible") && actions.hover({ kind: "direction", u: here }));
  node.addEventListener("keydown", (event) => {
    const steps = {
      ArrowRight: [1, 0],
      ArrowLeft: [-1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
      PageUp: [0, 10],
      PageDown: [0, -10],
    }[event.key];
    if (event.key === "Enter") actions.pin({ kind: "direction", u: here });
    else if (steps) {
      here = turned(here, ...steps);
      show();
      actions.hover({ kind: "direction", u: here });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    update(start) {
      if (here?.length !== start.length) here = start;
      show();
    },
  };
}

/** Move the focus to the next mark of the group, around its end. */
function walk(mark, by) {
  const marks = [...mark.parentNode.children].filter((node) => node.__target);
  const next = marks[(marks.indexOf(mark) + by + marks.length) % marks.length];
  mark.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}
