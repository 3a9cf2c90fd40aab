/**
 * The dual function v . phi(u) of the threshold activation: on a cell it does not change at all,
 *
 *   v . phi(u) = s sum_ik v_i 1[x_ik . u >= 0],
 *
 * and a wall is a step. The filter of zeros fires everywhere, whether or not a cell does: it is an atom of its own.
 */
import { dimension } from "./maths.js";

/** Patch rows behind each other, and the weight of each in v . phi. */
export function stepRows(scene, X, v) {
  const weights = X.flatMap((rows, i) => rows.map(() => (scene.pooling === "mean" ? v[i] / rows.length : v[i])));
  return { rows: Float64Array.from(X.flat(2)), weights: Float64Array.from(weights) };
}

/** u -> v . phi(u), of the filter of zeros too. */
export function dualOfSteps(scene, X, v) {
  const { rows, weights } = stepRows(scene, X, v),
    a = dimension(scene);
  return ([x, y, z = 0]) => {
    let total = 0;
    for (let j = 0, r = 0; j < weights.length; j++, r += a)
      if (rows[r] * x + rows[r + 1] * y + (a === 3 ? rows[r + 2] * z : 0) >= 0) total += weights[j];
    return total;
  };
}

/** The atom of the filter of zeros: everything fires. */
export function zeroStep(scene, X, v) {
  return dualOfSteps(scene, X, v)([0, 0, 0]);
}
