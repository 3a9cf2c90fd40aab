/** Small line drawings for buttons, on a grid of 16; they take the colour of the text. */
import { svgNode } from "./dom.js";

const DRAWINGS = {
  undo: "M6 3 2.5 6.5 6 10M3 6.5h6.5a4 4 0 0 1 0 8H7",
  redo: "M10 3l3.5 3.5L10 10M13 6.5H6.5a4 4 0 0 0 0 8H9",
  reset: "M3.2 5.2A5.6 5.6 0 1 1 2.4 8M3 2v3.4h3.4",
  link: "M6.6 9.4a2.6 2.6 0 0 0 3.7 0l2.6-2.6a2.6 2.6 0 0 0-3.7-3.7L8.3 4M9.4 6.6a2.6 2.6 0 0 0-3.7 0L3.1 9.2a2.6 2.6 0 0 0 3.7 3.7l.9-.9",
  report: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M6 11l1.6 1.6L10.8 9",
  send: "M2.5 8h10M9 4.2 12.8 8 9 11.8M14.5 2.5v11",
  down: "M4 6l4 4 4-4",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  sliders: "M2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M9 4.5a2 2 0 1 0 4 0a2 2 0 1 0-4 0M3 11.5a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
  help: "M5.8 6a2.3 2.3 0 1 1 3.4 2c-.8.4-1.2.9-1.2 1.8M8 12.4h.01M1.5 8a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0",
  plus: "M8 3v10M3 8h10",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  bin: "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9M6.7 7v4M9.3 7v4",
  shift: "M2 8h11M9.5 4.5 13 8l-3.5 3.5M2 4.5v7",
  mirror: "M8 2v2M8 7v2M8 12v2M5.5 4 2 12h3.5zM10.5 4l3.5 8h-3.5z",
  noise: "M1.5 8h1.7l1.3-4 2 8.5 2-10 2 8 1.4-2.5h2.6",
};

/** The drawing of this name, appended to `parent`. */
export function icon(name, parent) {
  const drawing = svgNode("svg", { class: "cc-icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, parent);
  svgNode("path", { d: DRAWINGS[name] }, drawing);
  return drawing;
}
