/**
 * The dual function v . phi(u) of activations with two slopes: linear in u on every cell.
 */
import { activationOf } from "./activations.js";
import { dimension, dot, winner } from "./maths.js";

/**
 * Sum or mean pooling as one linear term and one sum of absolute values: with sigma(t) = m t + s |t|,
 * m = (above + below) / 2 and s = (above - below) / 2,
 *
 *   v . phi(u) = m L . u + s (sum_r |p_r . u| - sum_r |q_r . u|),   L = sum_ik v_i x_ik,
 *
 * where p are the patch rows times v_i > 0 and q those times -v_i > 0. No branch depends on a sign of a response, which
 * makes it several times faster. Rows lie behind each other in `rows`, first the p, from `split` on the q.
 */
export function ridgeForm(scene, X, v) {
  const a = dimension(scene),
    { above, below } = activationOf(scene),
    linear = new Float64Array(a),
    plus = [],
    minus = [];
  X.forEach((rows, i) => {
    const weight = scene.pooling === "mean" ? v[i] / rows.length : v[i];
    for (const row of rows)
      for (let e = 0; e < a; e++) {
        linear[e] += ((above + below) / 2) * weight * row[e];
        if (weight > 0) plus.push(((above - below) / 2) * weight * row[e]);
        else if (weight < 0) minus.push(((above - below) / 2) * -weight * row[e]);
      }
  });
  return { linear, rows: Float64Array.from([...plus, ...minus]), split: plus.length };
}

/** u -> v . phi(u) with sums and means, as a function that allocates nothing: for curves and searches. */
export function dualOfRidges(scene, X, v) {
  const { linear, rows, split } = ridgeForm(scene, X, v),
    [lx, ly, lz] = linear,
    length = rows.length;
  if (linear.length === 2)
    return ([x, y]) => {
      let total = lx * x + ly * y,
        r = 0;
      for (; r < split; r += 2) total += Math.abs(rows[r] * x + rows[r + 1] * y);
      for (; r < length; r += 2) total -= Math.abs(rows[r] * x + rows[r + 1] * y);
      return total;
    };
  return ([x, y, z]) => {
    let total = lx * x + ly * y + lz * z,
      r = 0;
    for (; r < split; r += 3) total += Math.abs(rows[r] * x + rows[r + 1] * y + rows[r + 2] * z);
    for (; r < length; r += 3) total -= Math.abs(rows[r] * x + rows[r + 1] * y + rows[r + 2] * z);
    return total;
  };
}

/** The same for max pooling. */
export function dualOfMaxima(scene, X, v) {
  const n = X.length,
    K = X[0].length,
    a = dimension(scene),
    { above, below } = activationOf(scene);
  const rows = Float64Array.from(X.flat(2));
  return ([x, y, z = 0]) => {
    let total = 0;
    for (let i = 0, r = 0; i < n; i++) {
      let largest = -Infinity;
      if (a === 2) for (let k = 0; k < K; k++, r += 2) largest = Math.max(largest, rows[r] * x + rows[r + 1] * y);
      else
        for (let k = 0; k < K; k++, r += 3)
          largest = Math.max(largest, rows[r] * x + rows[r + 1] * y + rows[r + 2] * z);
      total += v[i] * (largest >= 0 ? above : below) * largest;
    }
    return total;
  };
}

/** u -> the gradient of v . phi in the cell that holds u, [a]: on that cell v . phi is this vector times u. */
export function gradientFunction(scene, X, v) {
  if (scene.pooling === "max") {
    const { above, below } = activationOf(scene);
    return (u) => {
      const g = u.map(() => 0);
      X.forEach((rows, i) => {
        const row = rows[winner(rows, u)],
          weight = v[i] * (dot(row, u) >= 0 ? above : below);
        for (let e = 0; e < g.length; e++) g[e] += weight * row[e];
      });
      return g;
    };
  }
  const { linear, rows, split } = ridgeForm(scene, X, v),
    a = linear.length;
  return (u) => {
    let [gx, gy, gz = 0] = linear;
    const [x, y, z = 0] = u;
    for (let r = 0; r < rows.length; r += a) {
      const depth = a === 3 ? rows[r + 2] : 0,
        sign = r < split === rows[r] * x + rows[r + 1] * y + depth * z >= 0 ? 1 : -1;
      gx += sign * rows[r];
      gy += sign * rows[r + 1];
      gz += sign * depth;
    }
    return a === 3 ? [gx, gy, gz] : [gx, gy];
  };
}
