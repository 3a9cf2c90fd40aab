/**
 * The dual function of filters with a free bias: at every direction u that of the best bias t,
 *
 *   u -> max_t |sum_j w_j sigma(x_j . u + t)|,   over all patch rows x_j, w_j the dual vector's entry of their sample.
 *
 * Dual vectors have the sum zero. So the sum is made of straight pieces in t and constant beyond the last of its bends,
 * and it is largest at a bend: t = -a . u for a patch a, the anchor. The patches in the order of their responses are
 * gone through once, with the sums of those before. As long as the order stays the same this is linear in u for every
 * anchor: the cells are those of the differences of two patches.
 *
 * Filters of one entry have two directions alone, and are drawn by their knot instead: (u, t) at an angle stands for the
 * filter (u, t) / |u|.
 */
import { activationOf } from "./activations.js";
import { dot, filterEntries } from "./maths.js";

/** A bias beyond all responses is as good as one this far beyond them. */
const BEYOND = 1;

/** The different patch rows without their ones, and the first patch of each, {row, i, k}. */
export function differentPatches(scene, X) {
  const h = filterEntries(scene) - 1,
    found = new Map();
  X.forEach((rows, i) =>
    rows.forEach((patch, k) => {
      const row = patch.slice(0, h),
        name = row.join();
      if (!found.has(name)) found.set(name, { row, i, k });
    }),
  );
  return [...found.values()];
}

/** The different rows [N][h], and their weights in v . phi. */
function weightedRows(scene, X, v) {
  const h = filterEntries(scene) - 1,
    found = new Map();
  X.forEach((patches, i) => {
    const weight = scene.pooling === "mean" ? v[i] / patches.length : v[i];
    for (const patch of patches) {
      const row = patch.slice(0, h),
        name = row.join(),
        known = found.get(name);
      if (known) known.weight += weight;
      else found.set(name, { row, weight });
    }
  });
  const all = [...found.values()];
  return { rows: all.map(({ row }) => row), weights: Float64Array.from(all, ({ weight }) => weight) };
}

/**
 * What is needed of a dual vector: `scan(u)` looks through all biases of a direction and of the opposite one, and puts
 * the highest values, signed, and their anchors into {here, anchor, there, opposite}; `rows` and `weights` are its data.
 */
export function kneeScan(scene, X, v) {
  const { rows, weights } = weightedRows(scene, X, v),
    { above, below } = activationOf(scene);
  const N = rows.length,
    flat = Float64Array.from(rows.flat()),
    h = rows[0].length;
  const responses = new Float64Array(N),
    // kept: neighbouring directions have nearly the same order
    order = Int32Array.from({ length: N }, (_, j) => j);
  const found = { here: 0, anchor: 0, there: 0, opposite: 0 };
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  function scan([x, y = 0, z = 0]) {
    let product = 0;
    for (let j = 0, r = 0; j < N; j++, r += h) {
      responses[j] = flat[r] * x + (h > 1 ? flat[r + 1] * y : 0) + (h > 2 ? flat[r + 2] * z : 0);
      product += weights[j] * responses[j];
    }
    for (let place = 1; place < N; place++) {
      const j = order[place],
        response = responses[j];
      let before = place - 1;
      for (; before >= 0 && responses[order[before]] < response; before--) order[before + 1] = order[before];
      order[before + 1] = j;
    }
    found.here = found.there = 0;
    found.anchor = found.opposite = order[0];
    for (let place = 0, sum = 0, moment = 0; place < N; place++) {
      const j = order[place];
      sum += weights[j];
      moment += weights[j] * responses[j];
      // the patches that respond more than the anchor, and those that respond less
      const more = moment - responses[j] * sum,
        less = product - moment - responses[j] * (total - sum);
      const here = above * more + below * less,
        there = -above * less - below * more;
      if (Math.abs(here) > Math.abs(found.here)) [found.here, found.anchor] = [here, j];
      if (Math.abs(there) > Math.abs(found.there)) [found.there, found.opposite] = [there, j];
    }
    return found;
  }
  return { scan, rows, weights, responses, order };
}

/** u -> the signed value of its best bias. */
export function dualOfKnees(scene, X, v) {
  const { scan } = kneeScan(scene, X, v);
  return (u) => scan(u).here;
}

/** The filter of a direction with its best bias, [h + 1]. */
export function withBestBias(scene, X, v, u) {
  const { scan, rows } = kneeScan(scene, X, v);
  return [...u, -dot(rows[scan(u).anchor], u)];
}

/** u -> for every anchor the gradient, in the cell of u, of its sum: [N h] behind each other, filled ever again. */
export function anchorGradients(scene, X, v) {
  const { scan, rows, weights, order } = kneeScan(scene, X, v),
    { above, below } = activationOf(scene);
  const h = rows[0].length,
    flat = Float64Array.from(rows.flat()),
    found = new Float64Array(rows.length * h),
    whole = new Float64Array(h),
    moment = new Float64Array(h);
  let total = 0;
  for (let j = 0; j < rows.length; j++) {
    total += weights[j];
    for (let e = 0; e < h; e++) whole[e] += weights[j] * flat[j * h + e];
  }
  return (u) => {
    scan(u);
    moment.fill(0);
    let sum = 0;
    for (const j of order) {
      sum += weights[j];
      for (let e = 0, r = j * h; e < h; e++, r++) {
        moment[e] += weights[j] * flat[r];
        found[r] = above * (moment[e] - sum * flat[r]) + below * (whole[e] - moment[e] - (total - sum) * flat[r]);
      }
    }
    return found;
  };
}

/** The unit filter of a place (cosine, sine) on the circle of knots; a bias beyond all patches stays near them. */
export function knotFilter(reach, [cosine, sine]) {
  const bias = sine / Math.abs(cosine || Number.MIN_VALUE);
  return [cosine < 0 ? -1 : 1, Math.min(Math.max(bias, -reach), reach)];
}

/** The largest response of a filter of one entry and length one, and some more: biases beyond it change nothing. */
export function knotReach(X) {
  return BEYOND + X.flat().reduce((most, [x]) => Math.max(most, Math.abs(x)), 0);
}

/** (u, t) -> v . phi of the filter (u, t) / |u| with one entry. */
export function dualOfKnots(scene, X, v) {
  const { value } = activationOf(scene),
    { rows, weights } = weightedRows(scene, X, v),
    reach = knotReach(X);
  return (place) => {
    const [side, bias] = knotFilter(reach, place);
    let total = 0;
    for (let j = 0; j < weights.length; j++) total += weights[j] * value(side * rows[j][0] + bias);
    return total;
  };
}
