/**
 * The direction on the sphere with the largest |v . phi(u)|, by the form of v . phi (dual_function.js).
 *
 * Where it is linear on every cell of the arrangement of great circles its peaks are corners of cells, places on one
 * circle, or places inside a cell at which the cell's gradient points, and a walk along every circle meets all of them
 * (sphere_walk.js). With free biases that holds seen from each anchor.
 *
 * With max pooling, or many anchors, there is a circle for every pair of patches, too many to walk. There the search climbs
 * from the best places of a grid, and tries the circles near it, their crossings, and the direction of the gradient.
 */
import { activationOf } from "./activations.js";
import { dualForm, dualFunction } from "./dual_function.js";
import { anchorGradients, kneeScan } from "./dual_knees.js";
import { gradientFunction } from "./dual_slopes.js";
import { principalAxes, squaresForm } from "./dual_squares.js";
import { stepRows, zeroStep } from "./dual_steps.js";
import { dot, winner } from "./maths.js";
import { cross, mix, spanning, unit3 } from "./sphere.js";
import { walkCircles, walkSteps } from "./sphere_walk.js";

/** Directions of the grid that a climb begins on, and how many of them are climbed from. */
const GRID = 1500;
const CLIMBS = 12;
/** Directions looked at before the walk, which leaves out what is below the best of them. */
const FIRST = 300;
const TINY = 1e-12;
/** So many different patches are walked from each of them. */
const MOST_WALKED = 24;
/** From more patches the search is a coarser one: a drag goes on meanwhile. */
const MANY_ANCHORS = { grid: 500, climbs: 4 };

/** The direction with the largest |v . phi|, and v . phi there. */
export function peakOnSphere(scene, X, v) {
  const value = dualFunction(scene, X, v),
    best = { u: [0, 0, 1], value: value([0, 0, 1]) };
  // a direction counts with its own value, whatever the walk thought of it
  const offer = (u) => {
    const found = value(u);
    if (Math.abs(found) > Math.abs(best.value)) [best.u, best.value] = [u, found];
  };
  SPHERE_PEAKS[dualForm(scene)]({ scene, X, v, value, best, offer });
  return best;
}

const SPHERE_PEAKS = { slopes: slopePeak, maxima: climbFromGrid, squares: squarePeak, steps: stepPeak, knees: kneePeak };

function slopePeak({ scene, X, v, value, best, offer }) {
  spiral(FIRST).forEach(offer);
  offer(climb(winnerWalls(X), value, gradientFunction(scene, X, v), best.u));
  walkCircles(kinkedRows(scene, X, v), best, offer);
}

function squarePeak({ scene, X, v, offer }) {
  for (const { u } of principalAxes(squaresForm(scene, X, v))) offer(u);
}

/** Constant on every cell: the direction is moved to the middle of its cell, where it is drawn best. */
function stepPeak({ scene, X, v, value, best, offer }) {
  const grid = spiral(GRID);
  // not a direction on a wall: what is there may be no cell
  [best.u, best.value] = [grid[0], value(grid[0])];
  grid.forEach(offer);
  walkSteps(stepRows(scene, X, v), best, offer);
  const inCell = grid.filter((u) => sameSides(X, u, best.u)),
    middle = inCell.reduce((sum, u) => mix(1, sum, 1, u), best.u);
  if (inCell.length && value(unit3(middle)) === best.value) best.u = unit3(middle);
  const everywhere = zeroStep(scene, X, v);
  if (Math.abs(everywhere) > Math.abs(best.value)) [best.u, best.value] = [[0, 0, 0], everywhere];
}

/** Whether the same patches fire at two directions. */
function sameSides(X, u, w) {
  return X.every((rows) => rows.every((row) => dot(row, u) >= 0 === dot(row, w) >= 0));
}

/** Free biases: a walk for the rows as they are seen from each anchor, as long as they are few. */
function kneePeak({ scene, X, v, value, best, offer }) {
  const { rows, weights, scan } = kneeScan(scene, X, v),
    gradients = anchorGradients(scene, X, v),
    gradient = (u) => {
      const { anchor } = scan(u);
      return [...gradients(u).subarray(3 * anchor, 3 * anchor + 3)];
    },
    walls = (u, reach) => {
      const anchor = rows[scan(u).anchor];
      return nearest(
        u,
        reach,
        rows.map((row) => mix(1, row, -1, anchor)),
      );
    };
  spiral(FIRST).forEach(offer);
  offer(climb(walls, value, gradient, best.u));
  if (rows.length > MOST_WALKED) return climbFromPlaces(walls, value, gradient, offer, MANY_ANCHORS);
  const { above, below } = activationOf(scene);
  for (const anchor of rows) {
    const seen = { linear: [0, 0, 0], rows: [], kinks: [] };
    rows.forEach((row, j) => addKinked(seen, mix(1, row, -1, anchor), weights[j], above, below));
    walkCircles(seen, best, offer);
  }
}

/** Add weight sigma(row . u) to linear . u + sum_r kinks_r (rows_r . u)_+; what has no kink is in the linear part alone. */
function addKinked({ linear, rows, kinks }, row, weight, above, below) {
  for (let e = 0; e < 3; e++) linear[e] += below * weight * row[e];
  if ((above - below) * weight === 0 || dot(row, row) <= TINY * TINY) return;
  rows.push(...row);
  kinks.push((above - below) * weight);
}

/** v . phi(u) = linear . u + sum_r kinks_r (rows_r . u)_+; rows behind each other. */
function kinkedRows(scene, X, v) {
  const { above, below } = activationOf(scene),
    found = { linear: [0, 0, 0], rows: [], kinks: [] };
  X.forEach((patch, i) => {
    const weight = scene.pooling === "mean" ? v[i] / patch.length : v[i];
    for (const row of patch) addKinked(found, row, weight, above, below);
  });
  return found;
}

/** Directions on a spiral, each with the same share of the sphere. */
function spiral(count) {
  return Array.from({ length: count }, (_, s) => {
    const z = 1 - (2 * s + 1) / count,
      r = Math.sqrt(1 - z * z),
      t = s * Math.PI * (3 - Math.sqrt(5));
    return [r * Math.cos(t), r * Math.sin(t), z];
  });
}

/** Max pooling; over one patch it is sum pooling. */
function climbFromGrid(given) {
  const { scene, X, v, value, offer } = given;
  if (X.every((rows) => rows.length === 1)) return slopePeak({ ...given, scene: { ...scene, pooling: "sum" } });
  return climbFromPlaces(winnerWalls(X), value, gradientFunction(scene, X, v), offer);
}

/** The best places of a grid, each improved. */
function climbFromPlaces(walls, value, gradient, offer, { grid = GRID, climbs = CLIMBS } = {}) {
  const places = spiral(grid).map((u) => ({ u, height: Math.abs(value(u)) }));
  places.sort((one, other) => other.height - one.height);
  const starts = [];
  for (const { u } of places) {
    if (starts.every((other) => dot(u, other) < 0.985)) starts.push(u);
    if (starts.length === climbs) break;
  }
  for (const u of starts) offer(climb(walls, value, gradient, u));
}

/**
 * A local peak near u: ever smaller steps, among them to and along the walls nearby, `walls(u, reach)`, and to where walls
 * cross.
 */
function climb(walls, value, gradient, start) {
  let u = start,
    height = Math.abs(value(u));
  for (let reach = 0.1; reach > 1e-7;) {
    const candidates = [],
      near = walls(u, 2 * reach),
      [p, q] = spanning(u);
    for (let s = 0; s < 8; s++)
      candidates.push(mix(1, u, reach, mix(Math.cos((s * Math.PI) / 4), p, Math.sin((s * Math.PI) / 4), q)));
    const g = gradient(u);
    candidates.push(
      g,
      g.map((entry) => -entry),
    );
    near.forEach((normal, w) => {
      const on = unit3(mix(1, u, -dot(normal, u), normal)),
        way = cross(normal, on);
      candidates.push(
        on,
        mix(1, on, reach, way),
        mix(1, on, -reach, way),
        mix(1, on, reach / 8, way),
        mix(1, on, -reach / 8, way),
      );
      for (const other of near.slice(0, w)) {
        const corner = cross(normal, other);
        candidates.push(dot(corner, u) < 0 ? corner.map((entry) => -entry) : corner);
      }
    });
    let better = null;
    for (const candidate of candidates) {
      if (!(dot(candidate, candidate) > TINY * TINY)) continue;
      const place = unit3(candidate),
        found = Math.abs(value(place));
      if (found > height * (1 + 1e-14)) [better, height] = [place, found];
    }
    if (better) u = better;
    else reach /= 2;
  }
  return u;
}

/** The walls of winners: against zero, and against the other patches of their sample. */
function winnerWalls(X) {
  return (u, reach) => {
    const normals = X.flatMap((rows) => {
      const first = rows[winner(rows, u)];
      return rows.map((row) => (row === first ? row : mix(1, first, -1, row)));
    });
    return nearest(u, reach, normals);
  };
}

/** Unit normals of the walls within `reach` of u, the nearest six. */
function nearest(u, reach, normals) {
  const found = [];
  for (const normal of normals) {
    const length = Math.sqrt(dot(normal, normal));
    if (length < TINY) continue;
    const far = Math.abs(dot(normal, u)) / length;
    if (far < reach) found.push({ far, normal: unit3(normal) });
  }
  return found
    .sort((one, other) => one.far - other.far)
    .slice(0, 6)
    .map((wall) => wall.normal);
}
