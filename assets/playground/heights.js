/**
 * The dual function over the sphere as two height maps, and the line where it meets the ceiling.
 *
 * One pass over the patches serves both discs: a place of disc 1 is minus the direction of that place on disc 0. What is
 * computed of u gives the value at -u too, whatever the form of v . phi (dual_function.js). Arrays are made once and filled
 * ever again.
 */
import { activationOf } from "./activations.js";
import { dualForm } from "./dual_function.js";
import { kneeScan } from "./dual_knees.js";
import { ridgeForm } from "./dual_slopes.js";
import { dualOfSquares } from "./dual_squares.js";
import { stepRows } from "./dual_steps.js";
import { dot } from "./maths.js";

/** Pixels beyond the rim that are filled too, so that a contour can be drawn up to it. */
const MARGIN = 2;

/** Empty maps of size x size pixels, row 0 at the top (y = 1), with the direction of every pixel near the disc. */
export function createHeights(size) {
  const pixels = [],
    directions = [],
    reach = (1 + (2 * MARGIN) / size) ** 2;
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const x = (2 * column + 1) / size - 1,
        y = 1 - (2 * row + 1) / size,
        q = x * x + y * y;
      if (q > reach) continue;
      const flat = Math.sqrt(2 - q);
      pixels.push(row * size + column);
      directions.push(x * flat, y * flat, 1 - q);
    }
  return {
    size,
    pixels: Int32Array.from(pixels),
    directions: Float64Array.from(directions),
    front: new Float32Array(size * size).fill(NaN),
    back: new Float32Array(size * size).fill(NaN),
  };
}

/** Fill both maps with v . phi / beta, signed. */
export function fillHeights(heights, scene, X, v, frame) {
  // rows in the coordinates of the frame, as the directions of the pixels are
  const turned = X.map((rows) => rows.map((row) => frame.map((axis) => dot(axis, row))));
  const weights = v.map((value) => value / scene.beta);
  FILLS[dualForm(scene)](heights, scene, turned, weights);
  return heights;
}

const FILLS = { slopes: fillSum, maxima: fillMax, squares: fillSquares, steps: fillSteps, knees: fillKnees };

/** A quadratic form is the same at u and -u, whatever the coordinates. */
function fillSquares({ pixels, directions, front, back }, scene, X, v) {
  const value = dualOfSquares(scene, X, v);
  for (let p = 0; p < pixels.length; p++)
    front[pixels[p]] = back[pixels[p]] = value([directions[3 * p], directions[3 * p + 1], directions[3 * p + 2]]);
}

/** Thresholds: at -u fires what did not fire at u, and what is on its line. */
function fillSteps({ pixels, directions, front, back }, scene, X, v) {
  const { rows, weights } = stepRows(scene, X, v);
  for (let p = 0; p < pixels.length; p++) {
    const x = directions[3 * p],
      y = directions[3 * p + 1],
      z = directions[3 * p + 2];
    let here = 0,
      there = 0;
    for (let j = 0, r = 0; j < weights.length; j++, r += 3) {
      const response = rows[r] * x + rows[r + 1] * y + rows[r + 2] * z;
      if (response >= 0) here += weights[j];
      if (response <= 0) there += weights[j];
    }
    front[pixels[p]] = here;
    back[pixels[p]] = there;
  }
}

/** Free biases: the order of the patches at -u is the opposite one. */
function fillKnees({ pixels, directions, front, back }, scene, X, v) {
  const ones = X.map((rows) => rows.map((row) => [...row, 1])),
    { scan } = kneeScan(scene, ones, v);
  for (let p = 0; p < pixels.length; p++) {
    const { here, there } = scan([directions[3 * p], directions[3 * p + 1], directions[3 * p + 2]]);
    front[pixels[p]] = here;
    back[pixels[p]] = there;
  }
}

/** Sum and mean pooling. */
function fillSum({ pixels, directions, front, back }, scene, X, v) {
  const { linear, rows, split } = ridgeForm(scene, X, v);
  const [lx, ly, lz] = linear,
    length = rows.length;
  for (let p = 0; p < pixels.length; p++) {
    const x = directions[3 * p],
      y = directions[3 * p + 1],
      z = directions[3 * p + 2];
    let even = 0,
      r = 0;
    for (; r < split; r += 3) even += Math.abs(rows[r] * x + rows[r + 1] * y + rows[r + 2] * z);
    for (; r < length; r += 3) even -= Math.abs(rows[r] * x + rows[r + 1] * y + rows[r + 2] * z);
    const odd = lx * x + ly * y + lz * z;
    front[pixels[p]] = even + odd;
    back[pixels[p]] = even - odd;
  }
}

/** Max pooling: the largest response wins at u, minus the smallest at -u. */
function fillMax({ pixels, directions, front, back }, scene, X, weights) {
  const { above, below } = activationOf(scene),
    rows = Float64Array.from(X.flat(2));
  const K = rows.length / (3 * weights.length);
  for (let p = 0; p < pixels.length; p++) {
    const x = directions[3 * p],
      y = directions[3 * p + 1],
      z = directions[3 * p + 2];
    let here = 0,
      there = 0;
    for (let i = 0, e = 0; i < weights.length; i++) {
      let largest = -Infinity,
        smallest = Infinity;
      for (let k = 0; k < K; k++, e += 3) {
        const t = rows[e] * x + rows[e + 1] * y + rows[e + 2] * z;
        largest = Math.max(largest, t);
        smallest = Math.min(smallest, t);
      }
      here += weights[i] * (largest >= 0 ? above : below) * largest;
      there -= weights[i] * (smallest <= 0 ? above : below) * smallest;
    }
    front[pixels[p]] = here;
    back[pixels[p]] = there;
  }
}

/** Segments (x0, y0, x1, y1, ...) of the line |value| = level, in the coordinates of the disc (marching squares). */
export function contour(size, values, level = 1) {
  const segments = [],
    ends = new Float64Array(8);
  for (let row = 0; row + 1 < size; row++)
    for (let column = 0; column + 1 < size; column++) {
      const at = row * size + column;
      // corners in the order of a walk around the square
      const a = Math.abs(values[at]) - level,
        b = Math.abs(values[at + 1]) - level;
      const c = Math.abs(values[at + size + 1]) - level,
        d = Math.abs(values[at + size]) - level;
      if (!(a + b + c + d === a + b + c + d)) continue; // a corner outside
      if (a > 0 === b > 0 && b > 0 === c > 0 && c > 0 === d > 0) continue;
      let found = 0;
      if (a > 0 !== b > 0) {
        ends[found++] = column + a / (a - b);
        ends[found++] = row;
      }
      if (b > 0 !== c > 0) {
        ends[found++] = column + 1;
        ends[found++] = row + b / (b - c);
      }
      if (c > 0 !== d > 0) {
        ends[found++] = column + d / (d - c);
        ends[found++] = row + 1;
      }
      if (d > 0 !== a > 0) {
        ends[found++] = column;
        ends[found++] = row + a / (a - d);
      }
      // four ends: where the middle of the square is on the other side than corner a, a and c are cut off, else b and d
      const order = found === 8 && a + b + c + d > 0 !== a > 0 ? [6, 0, 2, 4] : [0, 2, 4, 6];
      for (let s = 0; s < found / 2; s += 2)
        for (const end of [order[s], order[s + 1]])
          segments.push(placeOf(ends[end], size), -placeOf(ends[end + 1], size));
    }
  return Float32Array.from(segments);
}

/** From a column (or row) of pixels to the coordinate of the disc. */
function placeOf(place, size) {
  return (2 * place + 1) / size - 1;
}
