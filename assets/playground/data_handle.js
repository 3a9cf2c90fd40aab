/** A number as a bar that grows from a middle line: an entry of a signal, or a target; and the name of a sample. */
import { setAttributes, setText, svgNode } from "./dom.js";
import { flipTarget, setEntry, setTarget } from "./edits.js";
import { decimals } from "./format.js";
import { draggable, keyedValue, pointsAt, settle, sliderAttributes } from "./handles.js";
import { pointerIn } from "./pixels.js";

/** What a hand can place: a twentieth is a pixel on the screen, and reads well. */
const HAND_GRAIN = 20;

/**
 * A bar in `parent`, an SVG drawn pixel by pixel: a slider for entry `e` of sample `i`, or for its target if `e` is null.
 *
 * `scale()` says where values are: `{middle, unit, reach}`, pixels. `place(look)` draws it.
 */
export function createValueBar(parent, store, i, e, scale) {
  const isTarget = e === null;
  const node = svgNode("g", { tabindex: 0, role: "slider", "aria-orientation": "vertical" }, parent);
  node.setAttribute("aria-label", isTarget ? `target ${i + 1}` : `sample ${i + 1}, entry ${e + 1}`);
  const bar = svgNode("rect", { class: "cc-bar-body", rx: 1.5 }, node);
  const grip = svgNode("rect", { class: "cc-bar-grip", rx: 2, height: 4 }, node);
  const number = svgNode("text", { class: "cc-bar-number", "text-anchor": "middle" }, node);
  const room = svgNode("rect", { class: "cc-hit cc-drag" }, node);

  const present = ({ X, y }) => (isTarget ? y[i] : X[i][e]);
  const put = (value, final) =>
    store.actions.edit((scene) => (isTarget ? setTarget(scene, i, value) : setEntry(scene, i, e, value)), { final });
  const flip = (final) => store.actions.edit((scene) => flipTarget(scene, i), { final });
  const isClass = () => isTarget && store.state.scene.loss === "logistic";

  draggable(room, {
    move(event, first) {
      if (isClass()) {
        if (first) flip(false);
        return;
      }
      const { middle, unit } = scale();
      const y = pointerIn(event, room.ownerSVGElement)[1];
      put(Math.round(((middle - y) / unit) * HAND_GRAIN) / HAND_GRAIN, false);
    },
    end: () => settle(store),
  });
  node.addEventListener("keydown", (event) => {
    const value = present(store.state.scene);
    const wanted = keyedValue(event, value, scale().reach);
    const crosses = isClass() && wanted !== null && Math.sign(wanted - value) !== value;
    const flips = isTarget && (event.key === "Enter" || crosses);
    if (wanted === null && !flips) return;
    event.preventDefault();
    if (flips) flip(true);
    else if (!isClass()) put(wanted, true);
  });

  return {
    node,
    /** Draw `value` from x, so wide; the room to press is `tall`; the number stands at `below`, or close to the bar. */
    place(value, { x, wide, tall, below, style, className }) {
      const { middle, unit, reach } = scale();
      const y = middle - unit * value;
      const beside = value > 0 ? middle + 13 : middle - 5;
      setAttributes(node, { class: className, ...sliderAttributes(value, reach) });
      setAttributes(bar, { x, width: wide, y: Math.min(y, middle), height: Math.max(Math.abs(y - middle), 0.5), style });
      setAttributes(grip, { x: x - 0.5, width: wide + 1, y: y - 2, style });
      setAttributes(room, { x: x - 2, width: wide + 4, y: 0, height: tall });
      setAttributes(number, { class: `cc-bar-number${below ? "" : " brief"}`, x: x + wide / 2, y: below ?? beside });
      setText(number, decimals(value, 1));
    },
  };
}

/** The fill of a target: orange above zero, blue below. */
export function targetStyle(value) {
  return `fill: ${value > 0 ? "var(--orange)" : value < 0 ? "var(--blue)" : "var(--dead)"}`;
}

/** The number of a sample at the head of its row: pointed at it lights up, pressed it is pinned, Delete removes it. */
export function createSampleName(parent, store, i, remove) {
  const node = svgNode("g", { class: "cc-row-name", tabindex: 0, role: "button", "aria-label": `sample ${i + 1}` }, parent);
  const room = svgNode("rect", { class: "cc-hit" }, node);
  const text = svgNode("text", { x: 12, "text-anchor": "middle" }, node);
  setText(text, i + 1);
  pointsAt(node, store, () => ({ kind: "sample", i }), { hovers: false });
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    remove(i);
  });
  return {
    /** Draw it in a row of this height, its baseline at `y`. */
    place(wide, tall, y, focus) {
      const pinned = focus?.pinned === true && focus.target.kind === "sample" && focus.i === i;
      setAttributes(node, { "aria-pressed": String(pinned) });
      setAttributes(room, { width: wide, height: tall });
      setAttributes(text, { y });
    },
  };
}
