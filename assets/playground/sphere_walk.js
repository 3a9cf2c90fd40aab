/**
 * Once along every great circle of an arrangement: N circles with 2 N arcs each, what holds on both sides of an arc kept up
 * from arc to arc. Every cell has an arc at its edge, so that nothing is left out.
 */
import { dot } from "./maths.js";
import { mix, spanning, unit3 } from "./sphere.js";

/** A row shorter than this has no circle. */
const SHORTEST = 1e-12;
/** What lies this far outside a cell is still looked at. */
const NEAR = 1e-9;

/**
 * Every circle once, for linear . u + sum_r kinks_r (rows_r . u)_+; `best` is read to leave out what cannot win. Nothing is
 * allocated from arc to arc.
 */
export function walkCircles({ linear, rows: flat, kinks: sizes }, best, offer) {
  const rows = Float64Array.from(flat);
  const kinks = Float64Array.from(sizes);
  const N = kinks.length;
  if (!N) {
    const length = Math.sqrt(dot(linear, linear));
    if (length > Math.abs(best.value)) for (const sign of [1, -1]) offer(unit3(linear.map((entry) => sign * entry)));
    return;
  }
  const walk = { linear, rows, kinks, fires: new Uint8Array(N), turns: new Float64Array(N), keys: new Float64Array(N) };
  for (let r = 0; r < N; r++) walkOne({ ...walk, best, offer }, r);
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
    if (c * c + s * s <= SHORTEST * SHORTEST * square) own.push(t);
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
  if (Math.abs(gp * cosine + gq * sine) > Math.abs(best.value) * (1 - SHORTEST)) offer(mix(cosine, p, sine, q));
  for (const top of [Math.atan2(gq, gp), Math.atan2(-gq, -gp)]) {
    const after = top - from - 2 * Math.PI * Math.floor((top - from) / (2 * Math.PI));
    if (after <= to - from) offer(mix(Math.cos(top), p, Math.sin(top), q));
  }
}

/** Every circle once, for sum_r weights_r 1[rows_r . u >= 0], which is constant on every cell. */
export function walkSteps({ rows: all, weights: sizes }, best, offer) {
  const rows = [],
    kinks = [];
  let always = 0;
  for (let t = 0; t < sizes.length; t++) {
    const row = [all[3 * t], all[3 * t + 1], all[3 * t + 2]];
    if (dot(row, row) <= SHORTEST * SHORTEST) always += sizes[t];
    else {
      rows.push(...unit3(row));
      kinks.push(sizes[t]);
    }
  }
  const N = kinks.length;
  const walk = {
    rows: Float64Array.from(rows), kinks: Float64Array.from(kinks), fires: new Uint8Array(N), turns: new Float64Array(N),
    keys: new Float64Array(N),
  };
  for (let r = 0; r < N; r++) stepOnce(walk, r, always, best, offer);
}

/** Once around the circle of row r: both sides of every arc. */
function stepOnce(walk, r, always, best, offer) {
  const { rows, kinks, fires, turns } = walk;
  const normal = [rows[3 * r], rows[3 * r + 1], rows[3 * r + 2]];
  const [p, q] = spanning(normal);
  const own = [];
  const crossing = crossings(walk, p, q, own);
  const count = crossing.length;
  const sides = [0, 0];
  for (const t of own) sides[rowTimes(rows, t, ...normal) > 0 ? 0 : 1] += kinks[t];
  const start = count ? (turns[crossing[0]] + turns[crossing[count - 1]] - Math.PI) / 2 : 0;
  const first = mix(Math.cos(start), p, Math.sin(start), q);
  let total = always;
  for (const t of crossing) {
    fires[t] = rowTimes(rows, t, ...first) > 0 ? 1 : 0;
    if (fires[t]) total += kinks[t];
  }
  let from = start;
  for (let step = 0; step <= 2 * count; step++) {
    const ahead = count ? crossing[step % count] : r;
    const to = step === 2 * count ? start + 2 * Math.PI : turns[ahead] + (step >= count ? Math.PI : 0);
    for (const side of [0, 1])
      if (Math.abs(total + sides[side]) > Math.abs(best.value) + SHORTEST) offer(beside(walk, p, q, from, to, normal, side));
    if (step === 2 * count) break;
    fires[ahead] ^= 1;
    total += fires[ahead] ? kinks[ahead] : -kinks[ahead];
    from = to;
  }
}

/** A direction in the cell on one side of the middle of an arc, half as far from its circle as from the next one. */
function beside({ rows, kinks }, p, q, from, to, normal, side) {
  const middle = mix(Math.cos((from + to) / 2), p, Math.sin((from + to) / 2), q);
  let room = 1;
  for (let t = 0; t < kinks.length; t++) {
    const away = Math.abs(rowTimes(rows, t, ...middle));
    if (away > NEAR) room = Math.min(room, away);
  }
  return unit3(mix(1, middle, (side ? -0.5 : 0.5) * room, normal));
}
