/**
 * The dual function around the circle: its curve, and its highest point, by its form (dual_function.js).
 *
 * Both look at every wall and at every direction inside a cell at which the function is stationary, so that the curve
 * reaches what a filter there reaches, and the peak is exact. Only among very many cells, as free biases make them, the
 * search stays near the highest of many directions.
 */
import { angleOf, cellIndex, circleCells, directionAt } from "./circle.js";
import { dualForm, dualFunction } from "./dual_function.js";
import { anchorGradients } from "./dual_knees.js";
import { gradientFunction } from "./dual_slopes.js";
import { principalAxes, squaresForm } from "./dual_squares.js";
import { zeroStep } from "./dual_steps.js";

/** A curve has no points of its own for more walls than these; between two of a step's ends no gap is seen. */
const WALLS_DRAWN = 1500;
/** Among more cells: directions looked at first, and how many of the highest are searched, with so many cells around. */
const TRIED = 1440;
const TRIED_NEAR = 6;
const CELLS_AROUND = 40;

/** The angles of a gradient and of minus the gradient, where they lie in a cell. */
function stationaryAngles(g, cell) {
  if (g[0] === 0 && g[1] === 0) return [];
  const up = angleOf(g);
  return [up, up + 180].filter((angle) => (((angle - cell.from) % 360) + 360) % 360 < cell.to - cell.from);
}

/** Linear on every cell: the walls, and where the gradient of a cell points. */
function linearPlaces(scene, X, v, cells) {
  const gradient = gradientFunction(scene, X, v);
  return cells.flatMap((cell) => [cell.from, ...stationaryAngles(gradient(cell.u), cell)]);
}

/** The cells around the highest directions of many. */
function cellsNearTop(cells, value) {
  const angles = Array.from({ length: TRIED }, (_, s) => (s * 360) / TRIED),
    heights = new Map(angles.map((angle) => [angle, Math.abs(value(directionAt(angle)))]));
  const near = new Set();
  angles.sort((one, other) => heights.get(other) - heights.get(one));
  for (const angle of angles.slice(0, TRIED_NEAR)) {
    const at = cellIndex(cells, angle) + cells.length;
    for (let step = -CELLS_AROUND; step <= CELLS_AROUND; step++) near.add(cells[(at + step) % cells.length]);
  }
  return [...near];
}

/** For every anchor linear on every cell. */
function kneePlaces(scene, X, v, all, value) {
  const cells = all.length > WALLS_DRAWN ? cellsNearTop(all, value) : all;
  const gradients = anchorGradients(scene, X, v),
    places = cells.map(({ from }) => from);
  const best = places.reduce((most, angle) => Math.max(most, Math.abs(value(directionAt(angle)))), 0);
  for (const cell of cells) {
    const g = gradients(cell.u);
    for (let at = 0; at < g.length; at += 2) {
      // an anchor whose sum is steep enough to get above all walls
      if (g[at] * g[at] + g[at + 1] * g[at + 1] > best * best)
        places.push(...stationaryAngles([g[at], g[at + 1]], cell));
    }
  }
  return places;
}

const PLACES = {
  slopes: linearPlaces,
  maxima: linearPlaces,
  squares: (scene, X, v) =>
    principalAxes(squaresForm(scene, X, v)).flatMap(({ u }) => [angleOf(u), angleOf(u) + 180]),
  steps: (scene, X, v, cells) => cells.map(({ mid }) => mid),
  knees: kneePlaces,
  // it rises or falls from knot to knot, and has its ends where the filter turns to the other side
  knots: (scene, X, v, cells) => [...cells.map(({ from }) => from), 90, 270],
};

/** v . phi / beta with its sign, all around: at `count` equally spaced angles and at all places that matter. */
export function circleCurve(scene, X, v, count = 360, cells = circleCells(scene, X)) {
  const form = dualForm(scene),
    value = dualFunction(scene, X, v);
  if (form === "steps") return stepCurve(scene, count, cells, value);
  const places = Array.from({ length: count }, (_, s) => (s * 360) / count);
  if (cells.length <= WALLS_DRAWN) for (const angle of PLACES[form](scene, X, v, cells, value)) places.push(angle % 360);
  const angles = Float64Array.from(places).sort();
  return { angles, values: angles.map((angle) => value(directionAt(angle)) / scene.beta) };
}

/** Constant on every cell: a wall is there twice, with the values of both its sides. */
function stepCurve(scene, count, cells, value) {
  const angles = [],
    values = [];
  const add = (from, to, height) => {
    for (const angle of [from, ...between(from, to, 360 / count), to]) {
      angles.push(angle);
      values.push(height);
    }
  };
  const last = cells[cells.length - 1];
  if (last.to > 360) add(0, cells[0].from, value(last.u) / scene.beta);
  for (const { from, to, u } of cells) add(from, Math.min(to, 360), value(u) / scene.beta);
  return { angles: Float64Array.from(angles), values: Float64Array.from(values) };
}

/** Multiples of a step strictly between two angles. */
function between(from, to, step) {
  const found = [];
  for (let multiple = Math.floor(from / step) + 1; multiple * step < to; multiple++) found.push(multiple * step);
  return found;
}

/** The direction where |v . phi| is largest, exactly; for thresholds the filter of zeros may be it. */
export function peakOnCircle(scene, X, v, cells = circleCells(scene, X)) {
  const form = dualForm(scene),
    value = dualFunction(scene, X, v);
  // in the middle of its cell a step is drawn best
  const first = form === "steps" ? cells[0].u : [1, 0];
  let best = { u: first, value: value(first) };
  const offer = (u, found) => {
    if (Math.abs(found) > Math.abs(best.value)) best = { u, value: found };
  };
  for (const angle of PLACES[form](scene, X, v, cells, value)) {
    const u = directionAt(angle);
    offer(u, value(u));
  }
  if (form === "steps") offer([0, 0], zeroStep(scene, X, v));
  return best;
}
