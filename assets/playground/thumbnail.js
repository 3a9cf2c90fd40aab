/** A scene as a stamp of 60 x 40: its data, as small as they can be and still be recognised. */
import { svgNode } from "./dom.js";

const STAMP_WIDTH = 60;
const STAMP_HEIGHT = 40;
const STAMP_MARGIN = 4;
/** Samples drawn; more would be dust. */
const STAMP_SAMPLES = 4;

/** Draw the data of a scene, appended to `parent`. */
export function drawThumbnail(scene, parent) {
  const viewBox = `0 0 ${STAMP_WIDTH} ${STAMP_HEIGHT}`;
  const stamp = svgNode("svg", { class: "cc-stamp", viewBox, "aria-hidden": "true" }, parent);
  STAMPS[scene.view](scene, stamp);
  return stamp;
}

const STAMPS = { signals: stampSignals, pixels: stampPixels, plane: stampPlane, line: stampLine };

const stampScale = (values) => Math.max(1e-9, ...values.map(Math.abs));

function stampSignals({ X, y }, stamp) {
  const rows = X.slice(0, STAMP_SAMPLES);
  const scale = stampScale(rows.flat());
  const tall = (STAMP_HEIGHT - 2 * STAMP_MARGIN) / rows.length;
  const wide = (STAMP_WIDTH - 2 * STAMP_MARGIN) / rows[0].length;
  rows.forEach((x, i) => {
    const middle = STAMP_MARGIN + tall * (i + 0.5);
    svgNode("path", { class: "axis", d: `M${STAMP_MARGIN} ${middle}H${STAMP_WIDTH - STAMP_MARGIN}` }, stamp);
    x.forEach((value, e) => {
      const height = Math.abs((value / scale) * tall * 0.46);
      const top = value > 0 ? middle - height : middle;
      const place = { x: STAMP_MARGIN + wide * e + 0.6, y: top, width: Math.max(wide - 1.2, 0.8), height };
      svgNode("rect", { class: stampSign(y[i]), ...place }, stamp);
    });
  });
}

function stampPixels({ X, shape: [rows, columns] }, stamp) {
  const shown = X.slice(0, 2);
  const side = Math.min((STAMP_HEIGHT - 2 * STAMP_MARGIN) / rows, (STAMP_WIDTH / shown.length - 2 * STAMP_MARGIN) / columns);
  const scale = stampScale(shown.flat());
  shown.forEach((x, i) => {
    const left = (STAMP_WIDTH * (i + 0.5)) / shown.length - (side * columns) / 2;
    const top = STAMP_HEIGHT / 2 - (side * rows) / 2;
    const frame = { class: "frame", x: left, y: top, width: side * columns, height: side * rows };
    svgNode("rect", frame, stamp);
    x.forEach((value, e) => {
      if (!value) return;
      const place = { x: left + side * (e % columns), y: top + side * Math.floor(e / columns), width: side, height: side };
      svgNode("rect", { class: stampSign(value), ...place, opacity: Math.abs(value) / scale }, stamp);
    });
  });
}

function stampPlane({ X, y }, stamp) {
  const scale = (STAMP_HEIGHT / 2 - STAMP_MARGIN) / stampScale(X.flat());
  X.forEach((x, i) => stampDot(stamp, STAMP_WIDTH / 2 + scale * x[0], STAMP_HEIGHT / 2 - scale * x[1], y[i]));
}

function stampLine({ X, y }, stamp) {
  const wide = (STAMP_WIDTH / 2 - STAMP_MARGIN) / stampScale(X.flat());
  const tall = (STAMP_HEIGHT / 2 - STAMP_MARGIN) / stampScale(y);
  svgNode("path", { class: "axis", d: `M${STAMP_MARGIN} ${STAMP_HEIGHT / 2}H${STAMP_WIDTH - STAMP_MARGIN}` }, stamp);
  X.forEach(([x], i) => stampDot(stamp, STAMP_WIDTH / 2 + wide * x, STAMP_HEIGHT / 2 - tall * y[i], y[i]));
}

function stampDot(stamp, cx, cy, value) {
  svgNode("circle", { class: stampSign(value), cx, cy, r: 2.2 }, stamp);
}

function stampSign(value) {
  return value > 0 ? "positive" : value < 0 ? "negative" : "zero";
}
