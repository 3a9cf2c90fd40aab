/** Marks of the outcome panel that can be pointed at, pinned and reached with the keyboard. */

import { setAttributes } from "./dom.js";

/**
 * Make a node a target: the pointer or the focus lights it, a click or Enter pins it, Escape lets it go.
 * `read()` returns the Target (see store.js), or null where there is none.
 */
export function asTarget(node, store, read) {
  const hover = () => store.actions.hover(read());
  const leave = () => store.actions.hover(null);
  const pin = () => {
    const target = read();
    const held = JSON.stringify(store.state.pin) === JSON.stringify(target);
    store.actions.pin(held ? null : target);
  };
  node.addEventListener("pointerenter", hover);
  node.addEventListener("pointerleave", leave);
  node.addEventListener("focus", hover);
  node.addEventListener("blur", leave);
  node.addEventListener("click", pin);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") pin();
    else if (event.key === "Escape") store.actions.pin(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * One stop of the tab key for all children of a group; arrow keys, Home and End go from one to the next. `host` is an
 * HTML element around the group: an SVG element that listens to the focus would be a stop of its own.
 */
export function asRow(group, host) {
  let at = 0;
  const children = () => [...group.children];
  const settle = () => children().forEach((child, index) => setAttributes(child, { tabindex: index === at ? 0 : -1 }));
  group.addEventListener("keydown", (event) => {
    const nodes = children();
    const last = nodes.length - 1;
    const next = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined || !nodes.length) return;
    event.preventDefault();
    event.stopPropagation();
    nodes[Math.max(0, Math.min(last, next))].focus();
  });
  host.addEventListener("focusin", (event) => {
    const index = children().findIndex((child) => child.contains(event.target));
    if (index < 0) return;
    at = index;
    settle();
  });
  return () => {
    at = Math.max(0, Math.min(group.children.length - 1, at));
    settle();
  };
}
