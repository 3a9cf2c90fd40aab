/**
 * The dual function v . phi(u) of the quadratic activation: one quadratic form u . A u over all directions,
 *
 *   A = s sum_ik v_i x_ik x_ik^T   (s = 1, or 1/K for means),
 *
 * so there is a single cell, no line is crossed, and the peak is the eigenvector of the eigenvalue farthest from zero.
 */
import { dimension, dot } from "./maths.js";

const JACOBI_SWEEPS = 30;

/** The matrix A, [a][a]. */
export function squaresForm(scene, X, v) {
  const a = dimension(scene),
    A = Array.from({ length: a }, () => new Array(a).fill(0));
  X.forEach((rows, i) => {
    const weight = scene.pooling === "mean" ? v[i] / rows.length : v[i];
    for (const row of rows)
      for (let p = 0; p < a; p++) for (let q = 0; q < a; q++) A[p][q] += weight * row[p] * row[q];
  });
  return A;
}

/** A times u. */
export function formTimes(A, u) {
  return A.map((row) => dot(row, u));
}

/** u -> v . phi(u). */
export function dualOfSquares(scene, X, v) {
  const A = squaresForm(scene, X, v);
  if (A.length === 2) {
    const [[p, q], [, r]] = A;
    return ([x, y]) => p * x * x + 2 * q * x * y + r * y * y;
  }
  const [[p, q, s], [, r, t], [, , w]] = A;
  return ([x, y, z]) => p * x * x + r * y * y + w * z * z + 2 * (q * x * y + s * x * z + t * y * z);
}

/** Eigenvalues and eigenvectors of a symmetric matrix, that farthest from zero first (Jacobi's method). */
export function principalAxes(symmetric) {
  const a = symmetric.length,
    A = symmetric.map((row) => [...row]),
    V = A.map((_, p) => A.map((__, q) => (p === q ? 1 : 0)));
  for (let sweep = 0; sweep < JACOBI_SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < a; p++)
      for (let q = p + 1; q < a; q++) {
        if (A[p][q] === 0) continue;
        off = Math.max(off, Math.abs(A[p][q]));
        const theta = (A[q][q] - A[p][p]) / (2 * A[p][q]),
          t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1)),
          c = 1 / Math.hypot(t, 1),
          s = t * c;
        for (let e = 0; e < a; e++) [A[e][p], A[e][q]] = [c * A[e][p] - s * A[e][q], s * A[e][p] + c * A[e][q]];
        for (let e = 0; e < a; e++) [A[p][e], A[q][e]] = [c * A[p][e] - s * A[q][e], s * A[p][e] + c * A[q][e]];
        for (let e = 0; e < a; e++) [V[e][p], V[e][q]] = [c * V[e][p] - s * V[e][q], s * V[e][p] + c * V[e][q]];
      }
    if (off < 1e-300) break;
  }
  return A.map((row, p) => ({ value: row[p], u: V.map((entries) => entries[p]) })).sort(
    (one, other) => Math.abs(other.value) - Math.abs(one.value),
  );
}
