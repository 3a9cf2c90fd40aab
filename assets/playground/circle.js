/**
 * Filters of two entries: all directions form a circle, a patch is silent on one side of a line through its centre.
 *
 * Angles are degrees in [0, 360), counter-clockwise from the filter's first entry. With sum and mean pooling the cells
 * are the arcs between the lines of all patches. With max pooling a cell says which patch wins in each sample: the line
 * of a patch matters only where that patch wins, and so does a tie of two patches.
 */
import { dot, dualFunction, gradientFunction, slopes } from "./maths.js";

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
  const lines = [];
  X.forEach((rows, i) =>
    rows.forEach((row, k) => {
      let u = alongLine(row);
      if (!u) return;
      // the end of the line in the upper half
      if (u[1] < 0 || (u[1] === 0 && u[0] < 0)) u = [-u[0], -u[1]];
      lines.push({ i, k, angle: angleOf(u) % 180, u });
    }),
  );
  return lines;
}

/** Whether patch k of a sample has the largest response at u. */
function leadsAt(rows, k, u) {
  const own = dot(rows[k], u),
    slack = 1e-12 * Math.max(1, Math.abs(own));
  return rows.every((row) => dot(row, u) <= own + slack);
}

/** With max pooling the rays where the winner of a sample changes from patch k to patch l; else none. */
export function circleTies(scene, X) {
  if (scene.pooling !== "max") return [];
  const ties = [],
    falls = slopes(scene).below > 0;
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

/** Directions inside a cell at which v . phi, there linear, is largest or smallest. */
function stationaryAngles(gradient, cell) {
  const g = gradient(cell.u);
  if (g[0] === 0 && g[1] === 0) return [];
  const up = angleOf(g);
  return [up, up + 180].filter((angle) => (((angle - cell.from) % 360) + 360) % 360 < cell.to - cell.from);
}

/**
 * v . phi / beta with its sign, all around: at `count` equally spaced angles, at every wall, and at every direction at
 * which it is stationary, so that the picture of a filter on a wall reaches what the filter reaches.
 */
export function circleCurve(scene, X, v, count = 360, cells = circleCells(scene, X)) {
  const gradient = gradientFunction(scene, X, v),
    places = Array.from({ length: count }, (_, s) => (s * 360) / count);
  for (const cell of cells) {
    places.push(cell.from);
    for (const angle of stationaryAngles(gradient, cell)) places.push(angle % 360);
  }
  const angles = Float64Array.from(places).sort(),
    value = dualFunction(scene, X, v);
  return { angles, values: angles.map((angle) => value(directionAt(angle)) / scene.beta) };
}

/** The direction where |v . phi| is largest: exact, since v . phi is linear in u on every cell. */
export function peakOnCircle(scene, X, v, cells = circleCells(scene, X)) {
  const value = dualFunction(scene, X, v),
    gradient = gradientFunction(scene, X, v);
  let best = { u: [1, 0], value: value([1, 0]) };
  for (const cell of cells)
    for (const angle of [cell.from, ...stationaryAngles(gradient, cell)]) {
      const u = directionAt(angle),
        found = value(u);
      if (Math.abs(found) > Math.abs(best.value)) best = { u, value: found };
    }
  return best;
}
