/**
 * The dual function u -> v . phi(u), whose peak is the filter that a network misses most, by its form.
 *
 *   slopes   two slopes, sums or means: linear on every cell, continuous     (dual_slopes.js)
 *   maxima   two slopes, max pooling: linear on every cell, continuous       (dual_slopes.js)
 *   squares  a quadratic form: one cell                                      (dual_squares.js)
 *   steps    thresholds: constant on every cell                              (dual_steps.js)
 *   knees    two slopes and a free bias: at every u that of the best bias    (dual_knees.js)
 *   knots    the same with filters of one entry: (u, t) / |u| at every place (dual_knees.js)
 */
import { activationOf } from "./activations.js";
import { dualOfKnees, dualOfKnots, knotFilter, knotReach, withBestBias } from "./dual_knees.js";
import { dualOfMaxima, dualOfRidges } from "./dual_slopes.js";
import { dualOfSquares } from "./dual_squares.js";
import { dualOfSteps } from "./dual_steps.js";
import { isKnot } from "./maths.js";

const DUALS = {
  slopes: dualOfRidges,
  maxima: dualOfMaxima,
  squares: dualOfSquares,
  steps: dualOfSteps,
  knees: dualOfKnees,
  knots: dualOfKnots,
};

/** Which of the forms it has. */
export function dualForm(scene) {
  if (scene.bias === "free") return isKnot(scene) ? "knots" : "knees";
  return scene.pooling === "max" ? "maxima" : activationOf(scene).form;
}

/** u -> v . phi(u) as a function that allocates nothing: for curves and searches. */
export function dualFunction(scene, X, v) {
  return DUALS[dualForm(scene)](scene, X, v);
}

/** The filter that a drawn direction stands for: where its bias is free, with the best one, or that of its knot. */
export function filterAt(scene, X, v, u) {
  const form = dualForm(scene);
  if (form === "knots") return knotFilter(knotReach(X), u);
  return form === "knees" && v && u.length < X[0][0].length ? withBestBias(scene, X, v, u) : u;
}
