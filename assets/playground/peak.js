/**
 * The highest point of the dual function u -> |v . phi(u)|: the filter that a network misses most.
 *
 * At most beta everywhere: the network is optimal. Above beta somewhere: the filter there would help.
 */
import { dimension } from "./maths.js";
import { peakOnCircle } from "./circle_curve.js";
import { peakOnSphere } from "./sphere_peak.js";

/** The direction u with the largest |v . phi(u)|, its signed value, and the height of the peak in units of beta. */
export function peak(scene, X, v, cells) {
  const best = dimension(scene) === 2 ? peakOnCircle(scene, X, v, cells) : peakOnSphere(scene, X, v);
  return { ...best, ceiling: Math.abs(best.value) / scene.beta };
}
