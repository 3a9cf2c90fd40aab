/**
 * Signals as bars to drag, one row a sample, its target at the end, and below the bars a bracket for each window.
 *
 * The brackets are the legend of the lines in the other panel: the hue is the sample, the dashes are the window.
 */
import { createSampleName, createValueBar, targetStyle } from "./data_handle.js";
import { keyedChildren, setAttributes, svgNode } from "./dom.js";
import { sampleHue, windowDash } from "./format.js";
import { hoversOver, pointsAt, reachOf } from "./handles.js";

/** Pixels: room left and right of the bars, a row's height, a bracket's, a number's. */
const BARS = { left: 26, right: 52, tall: 230, low: 58, bracket: 5, number: 17, margin: 5, target: 26 };
/** Narrower bars have no number below them; it is shown while they are pointed at. */
const NUMBER_WIDTH = 27;
const NUMBER_ROOMY = 34;
const NUMBER_HEIGHT = 84;

/** Build in `box`, a scrolling element; `remove(i)` deletes a sample. Returns `update(state, derived)`. */
export function createBars(box, store, remove) {
  let geometry = null;
  const scale = () => geometry;

  function makeRow(i) {
    const row = svgNode("svg", { class: "cc-row", style: `--hue: ${sampleHue(i)}` });
    hoversOver(row, store, () => ({ kind: "sample", i }));
    row.parts = {
      back: svgNode("rect", { rx: 6 }, row),
      name: createSampleName(row, store, i, remove),
      axis: svgNode("path", { class: "cc-axis" }, row),
      entries: svgNode("g", {}, row),
      target: createValueBar(row, store, i, null, scale),
      windows: svgNode("g", {}, row),
    };
    return row;
  }

  function makeEntry(i, e) {
    const bar = createValueBar(undefined, store, i, e, scale);
    return Object.assign(bar.node, { bar });
  }

  function makeWindow(i, k) {
    const node = svgNode("g", { tabindex: -1, role: "button", "aria-label": `patch ${k + 1} of sample ${i + 1}` });
    const line = svgNode("path", { class: "cc-window-line" }, node);
    node.parts = { line, room: svgNode("rect", { class: "cc-hit" }, node) };
    pointsAt(node, store, () => ({ kind: "patch", i, k }));
    node.addEventListener("pointerleave", (event) => event.buttons || store.actions.hover({ kind: "sample", i }));
    return node;
  }

  function measure(scene, { n, d, windows }) {
    const levels = Math.min(Math.ceil(scene.filter[0] / scene.stride[0]), windows.length);
    const width = box.clientWidth;
    const tall = Math.floor(Math.min(Math.max(box.clientHeight / n, BARS.low), BARS.tall));
    const step = (width - BARS.left - BARS.right) / d;
    const numbers = step >= NUMBER_WIDTH && tall >= NUMBER_HEIGHT;
    const room = tall - 2 * BARS.margin - levels * BARS.bracket - 3 - (numbers ? BARS.number : 0);
    const reach = reachOf([...scene.X.flat(), ...scene.y]);
    const gap = Math.min(8, step * 0.22);
    return { width, tall, step, gap, levels, reach, middle: BARS.margin + room / 2, unit: room / 2 / reach,
      press: 2 * BARS.margin + room, below: numbers ? tall - 5 : null };
  }

  function placeRow(row, i, { X, y }, { windows, d, focus }) {
    const { width, tall, step, gap, levels, middle, press, below } = geometry;
    const { back, name, axis, entries, target } = row.parts;
    const className = `cc-row${step < NUMBER_ROOMY ? " narrow" : ""}`;
    setAttributes(row, { class: className, width, height: tall, viewBox: `0 0 ${width} ${tall}` });
    setAttributes(back, { width, height: tall, class: `cc-row-back${focus?.samples[i] ? " on" : ""}` });
    name.place(BARS.left - 2, tall, middle + 5, focus);
    const end = width - BARS.right + 12;
    setAttributes(axis, { d: `M${BARS.left} ${middle}h${step * d}M${end - 4} ${middle}h${BARS.target + 8}` });
    const lit = windows.map((_, k) => focus !== null && focus.target.kind !== "sample" && focus.lit(i, k));
    const wide = step - gap;
    keyedChildren(entries, X[i], (_, e) => e, (_, e) => makeEntry(i, e), ({ bar }, value, e) => {
      const read = lit.some((on, k) => on && windows[k].includes(e));
      const x = BARS.left + step * e + gap / 2;
      bar.place(value, { x, wide, tall: press, below, className: `cc-entry${read ? " on" : ""}` });
    });
    target.place(y[i], { x: end, wide: BARS.target, tall: press, below, style: targetStyle(y[i]), className: "cc-target" });
    const some = focus !== null && focus.target.kind !== "sample";
    keyedChildren(row.parts.windows, windows, (_, k) => k, (_, k) => makeWindow(i, k), (node, inside, k) => {
      const from = BARS.left + step * inside[0] + gap / 2;
      const to = BARS.left + step * (inside.at(-1) + 1) - gap / 2;
      const at = press + (k % levels) * BARS.bracket + 1;
      setAttributes(node, { class: `cc-window${lit[k] ? " on" : some ? " dim" : ""}` });
      setAttributes(node.parts.line, { d: `M${from} ${at}H${to}`, "stroke-dasharray": windowDash(k) });
      setAttributes(node.parts.room, { x: from, width: Math.max(to - from, 1), y: at - 2.5, height: BARS.bracket });
    });
  }

  return function update({ scene }, derived) {
    geometry = measure(scene, derived);
    const place = (row, _, i) => placeRow(row, i, scene, derived);
    keyedChildren(box, scene.X, (_, i) => i, (_, i) => makeRow(i), place);
  };
}
