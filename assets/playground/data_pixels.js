/**
 * Small pictures to paint: a press or a stroke gives pixels the brush's value, a stroke that begins on one that has it
 * already rubs out. Keys change a pixel little by little; with Shift the arrow keys walk from pixel to pixel.
 */
import { createSampleName, createValueBar, targetStyle } from "./data_handle.js";
import { htmlNode, keyedChildren, setAttributes, svgNode } from "./dom.js";
import { paint, setEntry } from "./edits.js";
import { sampleHue, signed, windowDash } from "./format.js";
import { draggable, hoversOver, keyedValue, reachOf, settle, sliderAttributes } from "./handles.js";
import { pointerIn } from "./pixels.js";

/** Pixels: side of a pixel and the least it may be, room for the name, for the target, between them, around. */
const PICTURE = { side: 24, low: 11, name: 22, target: 18, gap: 8, margin: 5 };
const BRUSHES = [-2, -1, 0, 1, 2];

/** Build in `box`, a scrolling element, with the brushes in `tools`; returns `update(state, derived)`. */
export function createPixels(box, tools, store, remove) {
  let brush = 1;
  let side = PICTURE.side;
  let reach = 2;
  let tall = 0;
  const scale = () => ({ middle: tall / 2, unit: (tall / 2 - PICTURE.margin) / reach, reach });
  const brushes = htmlNode("div", { class: "cc-brushes", role: "group", "aria-label": "Brush" }, tools);
  htmlNode("span", { class: "cc-sub" }, brushes, "Brush");
  const swatches = BRUSHES.map((value) => {
    const style = `background: ${pixelColour(value, 2)}`;
    const names = { "aria-label": `brush ${signed(value, 0)}`, "data-tip": `Paint ${signed(value, 0)}` };
    const swatch = htmlNode("button", { type: "button", class: "cc-brush", style, ...names }, brushes);
    // on a ground of its own: no ink has enough contrast to every colour
    htmlNode("span", {}, swatch, signed(value, 0));
    swatch.addEventListener("click", () => choose(value));
    return swatch;
  });
  function choose(value) {
    brush = value;
    swatches.forEach((swatch, b) => setAttributes(swatch, { "aria-pressed": String(BRUSHES[b] === brush) }));
  }
  choose(1);

  function makePicture(i) {
    const picture = svgNode("svg", { class: "cc-row cc-picture" });
    hoversOver(picture, store, () => ({ kind: "sample", i }));
    const back = svgNode("rect", { rx: 6 }, picture);
    const name = createSampleName(picture, store, i, remove);
    const pixels = svgNode("g", { class: "cc-pixels" }, picture);
    const marks = svgNode("g", {}, picture);
    const axis = svgNode("path", { class: "cc-axis" }, picture);
    const target = createValueBar(picture, store, i, null, scale);
    makeStroke(pixels, i);
    return Object.assign(picture, { parts: { back, name, pixels, marks, axis, target } });
  }

  /** The entry under a pointer; null beside the picture. */
  function entryAt(pixels, event, [rows, columns]) {
    const [x, y] = pointerIn(event, pixels);
    const column = Math.floor(x / side);
    const row = Math.floor(y / side);
    return column >= 0 && column < columns && row >= 0 && row < rows ? row * columns + column : null;
  }

  function makeStroke(pixels, i) {
    let value = 0;
    let touched = [];
    const touch = (event) => {
      const entry = entryAt(pixels, event, store.state.scene.shape);
      if (entry === null || touched.includes(entry)) return;
      touched.push(entry);
      store.actions.edit((now) => paint(now, i, [entry], value), { final: false });
    };
    draggable(pixels, {
      move(event, first) {
        if (first) {
          const { scene } = store.state;
          const entry = entryAt(pixels, event, scene.shape);
          value = scene.X[i][entry] === brush ? 0 : brush;
          touched = [];
          pixels.children[entry]?.focus({ preventScroll: true });
        }
        // a quick stroke passes several pixels between two events
        const passed = event.getCoalescedEvents?.() ?? [];
        for (const place of passed.length ? passed : [event]) touch(place);
      },
      end: () => settle(store),
    });
  }

  function makePixel(pixels, i, e) {
    const pixel = svgNode("rect", { role: "slider", class: "cc-pixel cc-drag", tabindex: e ? -1 : 0 }, pixels);
    pixel.setAttribute("aria-label", `sample ${i + 1}, entry ${e + 1}`);
    pixel.addEventListener("keydown", (event) => {
      const { scene } = store.state;
      if (event.shiftKey && walk(event, pixels, e, scene.shape)) return;
      if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        const value = scene.X[i][e] === brush ? 0 : brush;
        store.actions.edit((now) => setEntry(now, i, e, value));
        return;
      }
      const wanted = keyedValue(event, scene.X[i][e], reach);
      if (wanted === null) return;
      event.preventDefault();
      store.actions.edit((now) => setEntry(now, i, e, wanted));
    });
    return pixel;
  }

  /** Walk to a neighbour: only one pixel of a picture is in the order of the Tab key, and it is the last one visited. */
  function walk(event, pixels, e, [rows, columns]) {
    const by = { ArrowUp: -columns, ArrowDown: columns, ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return false;
    event.preventDefault();
    const next = e + by;
    const wraps = Math.abs(by) === 1 && Math.floor(next / columns) !== Math.floor(e / columns);
    if (next < 0 || next >= rows * columns || wraps) return true;
    setAttributes(pixels.children[e], { tabindex: -1 });
    setAttributes(pixels.children[next], { tabindex: 0 });
    pixels.children[next].focus();
    return true;
  }

  function placePicture(picture, i, scene, { windows, focus }) {
    const columns = scene.shape[1];
    const { back, name, pixels, marks, axis, target } = picture.parts;
    const width = PICTURE.name + side * columns + PICTURE.gap + PICTURE.target + PICTURE.margin;
    setAttributes(picture, { width, height: tall, viewBox: `0 0 ${width} ${tall}`, style: `--hue: ${sampleHue(i)}` });
    setAttributes(back, { width, height: tall, class: `cc-row-back${focus?.samples[i] ? " on" : ""}` });
    name.place(PICTURE.name, tall, 19, focus);
    const place = `translate(${PICTURE.name} ${PICTURE.margin})`;
    setAttributes(pixels, { transform: place });
    keyedChildren(pixels, scene.X[i], (_, e) => e, (_, e) => makePixel(pixels, i, e), (pixel, value, e) =>
      setAttributes(pixel, {
        x: side * (e % columns), y: side * Math.floor(e / columns), width: side, height: side,
        style: `fill: ${pixelColour(value, reach)}`, ...sliderAttributes(value, reach),
      }));
    setAttributes(marks, { transform: place });
    const lit = focus && focus.target.kind !== "sample" ? windows.map((_, k) => k).filter((k) => focus.lit(i, k)) : [];
    const makeMark = (k) => svgNode("rect", { class: "cc-window-on", rx: 3, "stroke-dasharray": windowDash(k) });
    keyedChildren(marks, lit, (k) => k, makeMark, (mark, k) =>
      placeWindow(mark, windows[k], columns, lit.length > 1 ? 2.5 + (k % 3) : 1.5));
    const x = width - PICTURE.margin - PICTURE.target;
    setAttributes(axis, { d: `M${x - 3} ${tall / 2}h${PICTURE.target + 6}` });
    const style = targetStyle(scene.y[i]);
    target.place(scene.y[i], { x, wide: PICTURE.target, tall, below: null, style, className: "cc-target always" });
  }

  function placeWindow(mark, inside, columns, inset) {
    const [left, top] = [inside[0] % columns, Math.floor(inside[0] / columns)];
    const [right, bottom] = [(inside.at(-1) % columns) + 1, Math.floor(inside.at(-1) / columns) + 1];
    setAttributes(mark, {
      x: side * left + inset, y: side * top + inset,
      width: side * (right - left) - 2 * inset, height: side * (bottom - top) - 2 * inset,
    });
  }

  return function update({ scene }, derived) {
    const [rows, columns] = scene.shape;
    const width = box.clientWidth || 252;
    const fixed = PICTURE.name + PICTURE.gap + PICTURE.target + PICTURE.margin;
    const pairs = Math.ceil(scene.X.length / 2);
    const free = ((box.clientHeight || 460) / pairs - 2 * PICTURE.margin - 4) / rows;
    side = Math.floor(Math.max(Math.min((width / 2 - fixed - 3) / columns, free, PICTURE.side), PICTURE.low));
    reach = reachOf([...scene.X.flat(), ...scene.y]);
    tall = side * rows + 2 * PICTURE.margin;
    const place = (picture, _, i) => placePicture(picture, i, scene, derived);
    keyedChildren(box, scene.X, (_, i) => i, (_, i) => makePicture(i), place);
  };
}

/** Blue for what is negative, orange for what is positive, the panel's own colour for zero. */
function pixelColour(value, reach) {
  const strength = Math.round(100 * Math.min(Math.abs(value) / reach, 1) ** 0.8);
  return `color-mix(in srgb, ${value > 0 ? "var(--orange)" : "var(--blue)"} ${strength}%, var(--panel))`;
}
