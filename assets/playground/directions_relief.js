/**
 * The dual function on the two discs as colours, and the cell that is pointed at.
 *
 * Up to the ceiling the colour deepens to green, above it purple begins at once: the edge between the two is the ceiling.
 * While something moves a coarse grid is filled, and a fine one as soon as it rests.
 */
import { htmlNode, setAttributes } from "./dom.js";
import { dualForm } from "./dual_function.js";
import { contour, createHeights, fillHeights } from "./heights.js";
import { dot } from "./maths.js";
import { pixelPen } from "./pixels.js";

const COARSE = 132;
const FINE = 264;
/** Milliseconds of rest after which the fine grid is filled, and while a hand still holds something. */
const REST_MS = 110;
const HELD_REST_MS = 600;
/** Steps of the scale below the ceiling, in proportion, and above it, by the logarithm up to the highest point. */
const STEPS = 256;
/** The darkest purple stands for the highest point, or for this height if nothing is so high. */
const DARKEST_AT_LEAST = 1.6;
/** Heights below the ceiling at which a faint level line is drawn, in steps of this part. */
const LEVELS = 4;

/** Red, green, blue of a colour that the style sheet names, as six hexadecimal digits. */
function channels(style, name) {
  const text = style.getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16) || 0);
}

function blend(from, to, share) {
  return from.map((value, c) => value + (to[c] - value) * share);
}

/** A colour as one pixel: alpha, blue, green, red. */
function packed([r, g, b]) {
  return ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
}

/** The scale as packed pixels (alpha, blue, green, red): STEPS below the ceiling, STEPS above. */
export function reliefScale(style) {
  const [paper, green, purple] = ["--panel", "--green", "--purple"].map((name) => channels(style, name));
  const scale = new Uint32Array(2 * STEPS);
  for (let step = 0; step < STEPS; step += 1) {
    const height = step / STEPS;
    const band = Math.floor(height * LEVELS) / LEVELS;
    scale[step] = packed(blend(paper, green, 0.04 + 0.5 * (0.35 * band + 0.65 * height)));
    scale[STEPS + step] = packed(blend(paper, purple, 0.42 + (0.58 * step) / STEPS));
  }
  return scale;
}

/** Colours of heights, one pixel each; what lies outside stays transparent. */
function paintRelief(canvas, size, pixels, heights, scale, highest, through) {
  const context = pixelPen(canvas);
  // made once for each size: what lies outside the disc is transparent and stays so
  const image = ((canvas.__images ??= {})[size] ??= context.createImageData(size, size));
  const target = new Uint32Array(image.data.buffer);
  const steps = (STEPS - 1) / Math.log(Math.max(DARKEST_AT_LEAST, highest));
  // what pokes through no further than rounding does is at the ceiling
  const most = through ? Infinity : 1 - 1 / STEPS;
  for (let p = 0; p < pixels.length; p += 1) {
    const at = pixels[p];
    const height = Math.min(Math.abs(heights[at]), most);
    target[at] =
      height < 1 ? scale[(height * STEPS) | 0] : scale[STEPS + Math.min(STEPS - 1, (Math.log(height) * steps) | 0)];
  }
  context.putImageData(image, 0, 0);
}

/**
 * Whether a direction is in the cell of another: the same signs, with max pooling the same winners, with free biases the
 * same order of all patches.
 */
export function patternTest(scene, rows, u) {
  const form = dualForm(scene);
  if (form === "squares") return () => true;
  if (form === "knees") {
    const ordered = rows.flat().map((row) => ({ row, at: dot(u, row) }));
    ordered.sort((one, other) => other.at - one.at);
    const steps = ordered.slice(1).map(({ row }, place) => row.slice(0, 3).map((entry, e) => ordered[place].row[e] - entry));
    return (v) => steps.every((step) => step[0] * v[0] + step[1] * v[1] + step[2] * v[2] >= -1e-12);
  }
  if (scene.pooling === "max") {
    const winner = (sample, v) => {
      let best = 0;
      let most = -Infinity;
      sample.forEach((row, k) => {
        const value = dot(row, v);
        if (value > most) [best, most] = [k, value];
      });
      return most > 0 || scene.activation !== "relu" ? best : -1;
    };
    const winners = rows.map((sample) => winner(sample, u));
    return (v) => rows.every((sample, i) => winner(sample, v) === winners[i]);
  }
  const flat = rows.flat().map((row) => ({ row, fires: dot(row, u) >= 0 }));
  return (v) => flat.every(({ row, fires }) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2] >= 0 === fires);
}

/** Two canvases for the heights and two for the lit cell, in `parent`; `contours(paths)` is told the ceiling's line. */
export function createRelief(parent, contours) {
  const layers = [0, 1].map(() => {
    const relief = htmlNode("canvas", { class: "cc-dir-relief", "aria-hidden": "true" }, parent);
    const cell = htmlNode("canvas", { class: "cc-dir-cellmap", "aria-hidden": "true" }, parent);
    return { relief, cell };
  });
  const grids = {};
  let scale = null;
  let light = 0;
  let themed = null;
  let filled = {};
  let shownCell = null;
  let timer = 0;

  const grid = (size) => (grids[size] ??= createHeights(size));

  function fill(model, size) {
    const { derived } = model;
    const heights = grid(size);
    fillHeights(heights, derived.scene, derived.patches, derived.v, derived.frame);
    const maps = [heights.front, heights.back];
    layers.forEach(({ relief }, s) => {
      setAttributes(relief, { width: size, height: size });
      paintRelief(relief, size, heights.pixels, maps[s], scale, derived.peak.ceiling, model.through);
    });
    contours(model.through ? maps.map((values) => contour(size, values, 1)) : [[], []]);
  }

  function update(model, root) {
    const { derived, state } = model;
    if (themed !== state.dark) {
      themed = state.dark;
      const style = getComputedStyle(root);
      scale = reliefScale(style);
      light = packed(channels(style, "--light"));
      shownCell = null;
      filled = {};
    }
    for (const { relief } of layers) setAttributes(relief, { class: `cc-dir-relief${model.faded}`, hidden: !derived.v });
    if (!derived.v) return;
    if (filled.v === derived.v && filled.patches === derived.patches && filled.through === model.through) return;
    const moving = filled.v && (state.playing || !state.final);
    filled = { v: derived.v, patches: derived.patches, through: model.through };
    clearTimeout(timer);
    fill(model, moving ? COARSE : FINE);
    if (moving) timer = setTimeout(() => fill(model, FINE), state.final ? REST_MS : HELD_REST_MS);
  }

  /** Light up the cell of a direction; null for none. */
  function lightCell(derived, u) {
    const key = u && `${u.join()} ${derived.key}`;
    if (key === shownCell) return;
    shownCell = key;
    for (const { cell } of layers) cell.hidden = !u;
    if (!u) return;
    const { size, pixels, directions } = grid(FINE);
    const turned = (row) => derived.frame.map((axis) => dot(axis, row));
    const rows = derived.patches.map((sample) => sample.map(turned));
    const inCell = patternTest(derived.scene, rows, turned(u));
    layers.forEach(({ cell }, s) => {
      setAttributes(cell, { width: size, height: size });
      const context = pixelPen(cell);
      const image = context.createImageData(size, size);
      const target = new Uint32Array(image.data.buffer);
      const sign = s ? -1 : 1;
      const place = [0, 0, 0];
      for (let p = 0; p < pixels.length; p += 1) {
        for (let e = 0; e < 3; e += 1) place[e] = sign * directions[3 * p + e];
        if (inCell(place)) target[pixels[p]] = light;
      }
      context.putImageData(image, 0, 0);
    });
  }

  return {
    update,
    lightCell,
    /** Where the discs lie: [{x, y, radius}], centres in pixels of the parent. */
    place(discs) {
      layers.forEach((layer, s) => {
        const { x, y, radius } = discs[s];
        for (const node of [layer.relief, layer.cell]) {
          Object.assign(node.style, {
            left: `${x - radius}px`,
            top: `${y - radius}px`,
            width: `${2 * radius}px`,
            height: `${2 * radius}px`,
          });
        }
      });
    },
  };
}
