/**
 * Filters of two entries: all directions form a circle, a patch is silent on one side of a line through its centre.
 *
 * Angles are degrees in [0, 360), counter-clockwise from the filter's first entry. With sum and mean pooling the cells
 * are the arcs between the lines of all patches. With max pooling a cell says which patch wins in each sample: the line
 * of a patch matters only where that patch wins, and so does a tie of two patches. Squares have no lines, and one cell.
 * With free biases patches have no lines of their own: a cell says in which order they respond, and the rays are those
 * of two patches that respond alike.
 */
import { activationOf } from "./activations.js";
import { dualForm } from "./dual_function.js";
import { differentPatches } from "./dual_knees.js";
import { dot } from "./maths.js";

/** Below this length a patch, or a difference of two, has no line. */
const NO_LINE = 1e-12;
/** Angles closer than this, in degrees, are one wall. */
const ONE_WALL = 1e-9;

/** Angle of a direction in degrees, [0, 360). */
export function angleOf(u) {
  const angle = (Math.atan2(u[1], u[0]) * 180) / Math.PI;
  return angle < 0 ? (angle + 360) % 360 : angle;
}

/** The direction at an angle. */
export function directionAt(degrees) {
  const radians = (degrees * Math.PI) / 180;
  return [Math.cos(radians), Math.sin(radians)];
}

/** The shortest turn that leads from one angle to another, (-180, 180]. */
export function turn(from, to) {
  const way = (((to - from) % 360) + 360) % 360;
  return way > 180 ? way - 360 : way;
}

/** The direction at right angles to a row, or null if the row is zero. */
function alongLine(row) {
  const length = Math.hypot(row[0], row[1]);
  return length < NO_LINE ? null : [-row[1] / length, row[0] / length];
}

/** The line of every patch that is not zero: it passes through `angle`, in [0, 180), and `angle + 180`. */
export function circleLines(scene, X) {
  const lines = [],
    form = dualForm(scene);
  if (form === "squares" || form === "knees") return lines;
  X.forEach((rows, i) =>
    rows.forEach((row, k) => {
      const line = lineOf(row);
      if (line) lines.push({ i, k, ...line });
    }),
  );
  return lines;
}

/** The line at right angles to a row, by its end in the upper half; null if the row is zero. */
function lineOf(row) {
  const u = alongLine(row);
  if (!u) return null;
  const upper = u[1] < 0 || (u[1] === 0 && u[0] < 0) ? [-u[0], -u[1]] : u;
  return { angle: angleOf(upper) % 180, u: upper };
}

/** With free biases the lines on which a patch responds as another one does. */
export function orderLines(scene, X, i, k) {
  const lines = differentPatches(scene, X).map((other, pair) => {
    const normal = other.row.map((entry, e) => entry - X[i][k][e]);
    return { i: other.i, k: other.k, pair, normal, ...(normal.length === 2 && lineOf(normal)) };
  });
  return lines.filter(({ normal }) => Math.hypot(...normal) >= NO_LINE);
}

/** Whether patch k of a sample has the largest response at u. */
function leadsAt(rows, k, u) {
  const own = dot(rows[k], u),
    slack = 1e-12 * Math.max(1, Math.abs(own));
  return rows.every((row) => dot(row, u) <= own + slack);
}

/**
 * With max pooling the rays where the winner of a sample changes from patch k to patch l; with free biases those where
 * two patches, of whatever samples, change their order; else none.
 */
export function circleTies(scene, X) {
  if (dualForm(scene) === "knees") return orderRays(scene, X);
  if (scene.pooling !== "max") return [];
  const ties = [],
    falls = activationOf(scene).below > 0;
  X.forEach((rows, i) => {
    for (let k = 0; k < rows.length; k++)
      for (let l = k + 1; l < rows.length; l++) {
        const u = alongLine([rows[k][0] - rows[l][0], rows[k][1] - rows[l][1]]);
        if (!u) continue;
        for (const end of [u, [-u[0], -u[1]]]) {
          const value = dot(rows[k], end);
          if (!(value > NO_LINE || (falls && value < -NO_LINE)) || !leadsAt(rows, k, end)) continue;
          ties.push({ i, k, l, angle: angleOf(end), u: end });
        }
      }
  });
  return ties;
}

/** Both ends of the line of every two different patches. */
function orderRays(scene, X) {
  const all = differentPatches(scene, X),
    rays = [];
  all.forEach((one, p) => {
    for (const other of all.slice(p + 1)) {
      const u = alongLine([one.row[0] - other.row[0], one.row[1] - other.row[1]]);
      if (!u) continue;
      for (const end of [u, [-u[0], -u[1]]]) rays.push({ i: one.i, k: one.k, angle: angleOf(end), u: end });
    }
  });
  return rays;
}

/** Directions at which the pattern changes, as angles that rise, no two the same. */
function patternWalls(scene, X, lines, ties) {
  const angles = ties.map((tie) => tie.angle);
  for (const { i, k, angle, u } of lines) {
    if (scene.pooling !== "max" || leadsAt(X[i], k, u)) angles.push(angle);
    if (scene.pooling !== "max" || leadsAt(X[i], k, [-u[0], -u[1]])) angles.push(angle + 180);
  }
  angles.sort((one, other) => one - other);
  const kept = angles.filter((angle, w) => w === 0 || angle - angles[w - 1] > ONE_WALL);
  if (kept.length > 1 && kept[0] + 360 - kept[kept.length - 1] <= ONE_WALL) kept.pop();
  return kept;
}

/** The arcs on which the pattern does not change, counter-clockwise; the last may end beyond 360. */
export function circleCells(scene, X, lines = circleLines(scene, X), ties = circleTies(scene, X)) {
  const ends = patternWalls(scene, X, lines, ties);
  if (!ends.length) return [{ from: 0, to: 360, mid: 180, u: [-1, 0] }];
  return ends.map((from, w) => {
    const to = w + 1 < ends.length ? ends[w + 1] : ends[0] + 360,
      mid = ((from + to) / 2) % 360;
    return { from, to, mid, u: directionAt(mid) };
  });
}

/** Number of the cell at an angle; at a wall the cell that begins there. */
export function cellIndex(cells, degrees) {
  const angle = ((degrees % 360) + 360) % 360;
  let low = 0,
    high = cells.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cells[middle].from <= angle) low = middle + 1;
    else high = middle;
  }
  // before the first wall: still in the arc that passes 360
  return low ? low - 1 : cells.length - 1;
}
