/**
 * Filters of three entries: all directions form a sphere, drawn as two discs of equal area (Lambert 1772).
 *
 * Disc 0 shows the half around a pole, disc 1 the other half, with the direction -u at the place where disc 0 has u.
 * So the great circle of a patch looks the same on both discs, and what leaves disc 0 at an angle of its rim enters
 * disc 1 at the opposite angle. Places (x, y) lie in the unit disc, y upwards. In coordinates of the frame
 *
 *   u = (x sqrt(2 - q), y sqrt(2 - q), 1 - q),   q = x^2 + y^2,   and back   (x, y) = (u_1, u_2) / sqrt(1 + u_3).
 */
import { activationOf } from "./activations.js";
import { dualForm } from "./dual_function.js";
import { differentPatches } from "./dual_knees.js";
import { dot } from "./maths.js";

const NO_CIRCLE = 1e-12;
/** With free biases so many circles, one for every two patches, are drawn at most. */
const MOST_ORDER_CIRCLES = 60;

/** The length-one multiple of a vector of three. */
export function unit3(w) {
  const length = Math.sqrt(dot(w, w));
  return [w[0] / length, w[1] / length, w[2] / length];
}

/** Cross product. */
export function cross(p, q) {
  return [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
}

/** s p + t q. */
export function mix(s, p, t, q) {
  return [s * p[0] + t * q[0], s * p[1] + t * q[1], s * p[2] + t * q[2]];
}

/** Two unit vectors that span the plane at right angles to a vector, counter-clockwise seen from its tip. */
export function spanning(normal) {
  const least = normal.reduce((best, entry, e) => (Math.abs(entry) < Math.abs(normal[best]) ? e : best), 0);
  const p = unit3(
    cross(
      normal,
      [0, 1, 2].map((e) => (e === least ? 1 : 0)),
    ),
  );
  return [p, unit3(cross(normal, p))];
}

/** Right-handed rows (x, y, pole): the pole is the bias if there is one, else the direction of equal entries. */
export function sphereFrame(scene) {
  const biased = scene.bias === "regularised",
    pole = biased ? [0, 0, 1] : unit3([1, 1, 1]);
  // the last entry upwards, as in the library's picture of the sphere; around the bias the plane of the data as it is
  if (biased) return [[1, 0, 0], [0, 1, 0], pole];
  const y = unit3(mix(1, [0, 0, 1], -pole[2], pole));
  return [cross(y, pole), y, pole];
}

/** The disc of a direction, and its place there. */
export function toDisc(frame, u) {
  const z = dot(frame[2], u),
    sign = z < 0 ? -1 : 1,
    scale = sign / Math.sqrt(1 + Math.abs(z));
  return { side: z < 0 ? 1 : 0, x: scale * dot(frame[0], u), y: scale * dot(frame[1], u) };
}

/** The direction at a place of a disc; beyond the rim that of the nearest point on it. */
export function fromDisc(frame, side, x, y) {
  const radius = Math.hypot(x, y),
    shrink = radius > 1 ? 1 / radius : 1,
    q = Math.min(radius, 1) ** 2;
  const flat = shrink * Math.sqrt(2 - q),
    sign = side ? -1 : 1;
  return mix(sign, mix(flat * x, frame[0], flat * y, frame[1]), sign * (1 - q), frame[2]);
}

/** The great circle of every patch that is not zero, by its normal: on it the patch is about to fire. */
export function sphereLines(scene, X) {
  const lines = [],
    form = dualForm(scene);
  if (form === "squares" || form === "knees") return lines;
  X.forEach((rows, i) =>
    rows.forEach((row, k) => {
      if (Math.hypot(...row) >= NO_CIRCLE) lines.push({ i, k, normal: unit3(row) });
    }),
  );
  return lines;
}

/** Places (x0, y0, x1, y1, ...) along a great circle, from rim to rim; the same on both discs. */
export function greatCircle(frame, normal, count = 49) {
  const across = cross(frame[2], normal),
    length = Math.hypot(...across),
    points = new Float64Array(2 * count);
  const rim = length < NO_CIRCLE;
  const start = rim ? frame[0] : across.map((entry) => entry / length);
  let middle = rim ? frame[1] : unit3(cross(normal, start));
  if (!rim && dot(middle, frame[2]) < 0) middle = middle.map((entry) => -entry);
  for (let s = 0; s < count; s++) {
    // the rim itself is a whole circle
    const t = ((rim ? 2 : 1) * Math.PI * s) / (count - 1),
      u = mix(Math.cos(t), start, Math.sin(t), middle);
    const scale = 1 / Math.sqrt(1 + Math.max(dot(frame[2], u), 0));
    points[2 * s] = scale * dot(frame[0], u);
    points[2 * s + 1] = scale * dot(frame[1], u);
  }
  return points;
}

/** A path of directions as polylines on the discs, cut where it passes from one to the other. */
export function trailOnDiscs(frame, path) {
  const parts = [];
  let before = null;
  for (const u of path) {
    const { side, x, y } = toDisc(frame, u);
    if (before && before.side === side) parts[parts.length - 1].points.push([x, y]);
    else {
      const points = [];
      if (before) {
        // the rim is crossed where the height above it, linear between the two directions, is zero
        const h = Math.abs(dot(frame[2], before.u)),
          g = Math.abs(dot(frame[2], u)),
          t = h + g > 0 ? h / (h + g) : 0.5;
        const at = mix(1 - t, before.u, t, u),
          ex = dot(frame[0], at),
          ey = dot(frame[1], at),
          r = Math.hypot(ex, ey);
        if (r > 0) {
          const sign = side ? -1 : 1;
          parts[parts.length - 1].points.push([(-sign * ex) / r, (-sign * ey) / r]);
          points.push([(sign * ex) / r, (sign * ey) / r]);
        }
      }
      points.push([x, y]);
      parts.push({ side, points });
    }
    before = { side, u };
  }
  return parts;
}

/**
 * On the discs, with max pooling the arcs where the winner of a sample changes from patch k to patch l; with free biases
 * the great circles where two patches change their order, unless they are too many to be seen; else none.
 */
export function sphereTies(scene, X, frame) {
  if (dualForm(scene) === "knees") return orderCircles(scene, X, frame);
  if (scene.pooling !== "max") return [];
  const ties = [],
    falls = activationOf(scene).below > 0;
  X.forEach((rows, i) => {
    for (let k = 0; k < rows.length; k++)
      for (let l = k + 1; l < rows.length; l++) {
        const difference = mix(1, rows[k], -1, rows[l]);
        if (Math.hypot(...difference) < NO_CIRCLE) continue;
        const path = tieArc(rows, k, l, spanning(difference), falls);
        for (const part of trailOnDiscs(frame, path)) ties.push({ i, k, l, side: part.side, points: part.points });
      }
  });
  return ties;
}

/** The great circle of every two different patches, on both discs. */
function orderCircles(scene, X, frame) {
  const all = differentPatches(scene, X),
    ties = [];
  if ((all.length * (all.length - 1)) / 2 > MOST_ORDER_CIRCLES) return ties;
  all.forEach((one, p) => {
    for (const other of all.slice(p + 1)) {
      const difference = mix(1, one.row, -1, other.row);
      if (Math.hypot(...difference) < NO_CIRCLE) continue;
      const flat = greatCircle(frame, unit3(difference)),
        points = Array.from({ length: flat.length / 2 }, (_, s) => [flat[2 * s], flat[2 * s + 1]]);
      for (const side of [0, 1]) ties.push({ i: one.i, k: one.k, side, points });
    }
  });
  return ties;
}

/** Directions along the arc of a great circle where patches k and l tie and no other patch leads; empty if nowhere. */
function tieArc(rows, k, l, [p, q], falls) {
  // k is not behind m on half of the circle, around an angle; the arc is what all these halves share
  const against = rows.filter((_, m) => m !== k && m !== l).map((row) => mix(1, rows[k], -1, row));
  if (!falls) against.push(rows[k]);
  let origin = null,
    low = -Math.PI,
    high = Math.PI;
  for (const w of against) {
    const c = dot(w, p),
      s = dot(w, q);
    if (Math.hypot(c, s) < NO_CIRCLE) continue;
    const center = Math.atan2(s, c);
    if (origin === null) [origin, low, high] = [center, -Math.PI / 2, Math.PI / 2];
    const turned = Math.atan2(Math.sin(center - origin), Math.cos(center - origin));
    low = Math.max(low, turned - Math.PI / 2);
    high = Math.min(high, turned + Math.PI / 2);
    if (!(high - low > 1e-9)) return [];
  }
  const steps = Math.max(2, Math.ceil((high - low) / 0.1));
  return Array.from({ length: steps + 1 }, (_, step) => {
    const t = (origin ?? 0) + low + ((high - low) * step) / steps;
    return mix(Math.cos(t), p, Math.sin(t), q);
  });
}
