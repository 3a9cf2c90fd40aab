/**
 * The direction on the sphere with the largest |v . phi(u)|.
 *
 * With sum and mean pooling v . phi is linear in u on every cell of the arrangement of great circles, so that its peaks
 * are corners of cells, places on one circle, or places inside a cell at which the cell's gradient points. Walking once
 * along every circle meets all of them: N circles with 2 N arcs each, the gradient kept up from arc to arc.
 *
 * With max pooling there is a circle for every pair of patches, too many to walk. There the search climbs from the best
 * places of a grid, and tries the circles near it, their crossings, and the direction of the gradient.
 */
import { dot, dualFunction, gradientFunction, slopes, winner } from "./maths.js";
import { cross, mix, spanning, unit3 } from "./sphere.js";

/** Directions of the grid that a climb begins on, and how many of them are climbed from. */
const GRID = 1500;
const CLIMBS = 12;
/** Directions looked at before the walk, which leaves out what is below the best of them. */
const FIRST = 300;
const TINY = 1e-12;
/** What lies this far outside a cell is still looked at. */
const NEAR = 1e-9;

/** The direction with the largest |v . phi|, and v . phi there. */
export function peakOnSphere(scene, X, v) {
  const value = dualFunction(scene, X, v),
    best = { u: [0, 0, 1], value: value([0, 0, 1]) };
  // a direction counts with its own value, whatever the walk thought of it
  const offer = (u) => {
    const found = value(u);
    if (Math.abs(found) > Math.abs(best.value)) [best.u, best.value] = [u, found];
  };
  if (scene.pooling === "max" && X.some((rows) => rows.length > 1)) climbFromGrid(scene, X, v, value, offer);
  else {
    spiral(FIRST).forEach(offer);
    offer(climb(X, value, gradientFunction(scene, X, v), best.u));
    walkCircles(scene, X, v, best, offer);
  }
  return best;
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

/** Every circle once; `best` is read to leave out what cannot win. Nothing is allocated from arc to arc. */
function walkCircles(scene, X, v, best, offer) {
  const { linear, rows, kinks } = kinkedRows(scene, X, v);
  const N = kinks.length;
  if (!N) {
    const length = Math.sqrt(dot(linear, linear));
    if (length > Math.abs(best.value)) for (const sign of [1, -1]) offer(unit3(linear.map((entry) => sign * entry)));
    return;
  }
  const walk = { linear, rows, kinks, fires: new Uint8Array(N), turns: new Float64Array(N), keys: new Float64Array(N) };
  for (let r = 0; r < N; r++) walkOne({ ...walk, best, offer }, r);
}

/** v . phi(u) = linear . u + sum_r kinks_r (rows_r . u)_+, without what has no kink; rows behind each other. */
function kinkedRows(scene, X, v) {
  const { above, below } = slopes(scene);
  const linear = [0, 0, 0];
  const rows = [];
  const kinks = [];
  X.forEach((patch, i) => {
    const weight = scene.pooling === "mean" ? v[i] / patch.length : v[i];
    for (const row of patch) {
      for (let e = 0; e < 3; e++) linear[e] += below * weight * row[e];
      if ((above - below) * weight !== 0 && dot(row, row) > TINY * TINY) {
        rows.push(...row);
        kinks.push((above - below) * weight);
      }
    }
  });
  return { linear, rows: Float64Array.from(rows), kinks: Float64Array.from(kinks) };
}

/** Row t times a vector. */
function rowTimes(rows, t, x, y, z) {
  return rows[3 * t] * x + rows[3 * t + 1] * y + rows[3 * t + 2] * z;
}

/** Once around the circle at right angles to row r. */
function walkOne(walk, r) {
  const { linear, rows, kinks, fires, turns, best, offer } = walk;
  const [p, q] = spanning([rows[3 * r], rows[3 * r + 1], rows[3 * r + 2]]);
  const own = [];
  const crossing = crossings(walk, p, q, own);
  const count = crossing.length;
  // just before the first crossing, half way back to the last one
  const start = count ? (turns[crossing[0]] + turns[crossing[count - 1]] - Math.PI) / 2 : 0;
  const here = mix(Math.cos(start), p, Math.sin(start), q);
  let [gx, gy, gz] = linear;
  for (let place = 0; place < count; place++) {
    const t = crossing[place];
    fires[t] = rowTimes(rows, t, here[0], here[1], here[2]) > 0 ? 1 : 0;
    gx += fires[t] * kinks[t] * rows[3 * t];
    gy += fires[t] * kinks[t] * rows[3 * t + 1];
    gz += fires[t] * kinks[t] * rows[3 * t + 2];
  }
  const sides = ownSides(walk, own, r);
  let from = start;
  let behind = count ? crossing[count - 1] : r;
  for (let step = 0; step <= 2 * count; step++) {
    const ahead = count ? crossing[step % count] : r;
    const to = step === 2 * count ? start + 2 * Math.PI : turns[ahead] + (step >= count ? Math.PI : 0);
    const gp = gx * p[0] + gy * p[1] + gz * p[2];
    const gq = gx * q[0] + gy * q[1] + gz * q[2];
    if (gp * gp + gq * gq > best.value * best.value) offerArc(gp, gq, p, q, from, to, best, offer);
    for (let side = 0; side < 2; side++) {
      const x = gx + sides[3 * side];
      const y = gy + sides[3 * side + 1];
      const z = gz + sides[3 * side + 2];
      if (x * x + y * y + z * z <= best.value * best.value) continue;
      // where the cell's linear piece is highest: is that on the cell's side of this circle, and of the walls beside it?
      const sign = rowTimes(rows, r, x, y, z) >= 0 === (side === 0) ? 1 : -1;
      if (
        !count ||
        (onSide(walk, behind, sign * x, sign * y, sign * z) && onSide(walk, ahead, sign * x, sign * y, sign * z))
      )
        offer(unit3([sign * x, sign * y, sign * z]));
    }
    if (step === 2 * count) break;
    fires[ahead] ^= 1;
    const jump = fires[ahead] ? kinks[ahead] : -kinks[ahead];
    gx += jump * rows[3 * ahead];
    gy += jump * rows[3 * ahead + 1];
    gz += jump * rows[3 * ahead + 2];
    from = to;
    behind = ahead;
  }
}

/** Whether a place is on the present arc's side of the circle of row t. */
function onSide({ rows, fires }, t, x, y, z) {
  const height = rowTimes(rows, t, x, y, z);
  return fires[t] ? height > -NEAR : height < NEAR;
}

/** What row r, and those parallel to it, add to the gradient on the side where r fires, and on the other: six numbers. */
function ownSides({ rows, kinks }, own, r) {
  const sides = new Float64Array(6);
  for (const t of own) {
    const side = rowTimes(rows, t, rows[3 * r], rows[3 * r + 1], rows[3 * r + 2]) > 0 ? 0 : 1;
    for (let e = 0; e < 3; e++) sides[3 * side + e] += kinks[t] * rows[3 * t + e];
  }
  return sides;
}

/** Rows in the order in which a walk from p by q meets their circles, at `turns`; `own` gets those of this circle. */
function crossings({ rows, kinks, turns, keys }, p, q, own) {
  let found = 0;
  for (let t = 0; t < kinks.length; t++) {
    const c = rowTimes(rows, t, p[0], p[1], p[2]);
    const s = rowTimes(rows, t, q[0], q[1], q[2]);
    const square = rowTimes(rows, t, rows[3 * t], rows[3 * t + 1], rows[3 * t + 2]);
    if (c * c + s * s <= TINY * TINY * square) own.push(t);
    else {
      // where row t changes its sign, in the first half turn
      turns[t] = Math.atan2(-c, s);
      if (turns[t] < 0) turns[t] += Math.PI;
      // one number to sort by that still knows its row: sorting without a function to call is several times faster
      keys[found++] = Math.floor(turns[t] * 2 ** 40) * 1024 + t;
    }
  }
  const order = new Int32Array(found);
  const sorted = keys.subarray(0, found).sort();
  for (let place = 0; place < found; place++) order[place] = sorted[place] % 1024;
  return order;
}

/** One arc of a circle: its first end, and its highest place. */
function offerArc(gp, gq, p, q, from, to, best, offer) {
  const [cosine, sine] = [Math.cos(from), Math.sin(from)];
  if (Math.abs(gp * cosine + gq * sine) > Math.abs(best.value) * (1 - TINY)) offer(mix(cosine, p, sine, q));
  for (const top of [Math.atan2(gq, gp), Math.atan2(-gq, -gp)]) {
    const after = top - from - 2 * Math.PI * Math.floor((top - from) / (2 * Math.PI));
    if (after <= to - from) offer(mix(Math.cos(top), p, Math.sin(top), q));
  }
}

/** Max pooling: the best places of a grid, each improved. */
function climbFromGrid(scene, X, v, value, offer) {
  const places = spiral(GRID).map((u) => ({ u, height: Math.abs(value(u)) }));
  places.sort((one, other) => other.height - one.height);
  const starts = [];
  for (const { u } of places) {
    if (starts.every((other) => dot(u, other) < 0.985)) starts.push(u);
    if (starts.length === CLIMBS) break;
  }
  const gradient = gradientFunction(scene, X, v);
  for (const u of starts) offer(climb(X, value, gradient, u));
}

/** A local peak near u: ever smaller steps, among them to and along the walls nearby, and to where walls cross. */
function climb(X, value, gradient, start) {
  let u = start,
    height = Math.abs(value(u));
  for (let reach = 0.1; reach > 1e-7;) {
    const candidates = [],
      near = wallsNear(X, u, 2 * reach),
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

/** Unit normals of the walls within `reach` of u, the nearest six: winners against zero, and against the others. */
function wallsNear(X, u, reach) {
  const found = [];
  for (const rows of X) {
    const first = rows[winner(rows, u)];
    for (const row of rows) {
      const normal = row === first ? row : mix(1, first, -1, row),
        length = Math.sqrt(dot(normal, normal));
      if (length < TINY) continue;
      const far = Math.abs(dot(normal, u)) / length;
      if (far < reach) found.push({ far, normal: unit3(normal) });
    }
  }
  return found
    .sort((one, other) => one.far - other.far)
    .slice(0, 6)
    .map((wall) => wall.normal);
}
