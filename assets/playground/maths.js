/**
 * The network, its loss and its dual vector, in the browser, by the library's own definitions:
 *
 *   f = sum_j c_j phi(u_j) + b, ||u_j|| = 1,   phi(u)_i = pool_k sigma(x_ik . u),   sigma in activations.js,
 *   objective = loss(f, y) + beta sum_j |c_j|,   dual vector v = -grad loss(f),   dual function u -> |v . phi(u)|
 *
 * A filter with a bias ends in it, and its patches end in a one; a free bias does not count in the length of its filter.
 * The output bias b, at no cost, is there with the biases "output" and "free": dual vectors have the sum zero then.
 * These values follow the pointer while a bar is dragged; what is printed as a result comes from the library.
 *
 * @typedef {{name: string, edited: boolean, X: number[][], y: number[], shape: number[], filter: number[],
 *   stride: number[], pooling: "sum"|"mean"|"max", activation: string, slope: number,
 *   bias: "none"|"regularised"|"output"|"free", loss: "squared"|"logistic", beta: number, view: string}} Scene
 * @typedef {{filters: number[][], sizes: number[], level?: number}} Net directions of length one, signed sizes, and b
 * @typedef {number[][][]} Patches [n][K][a]
 */

import { activationOf } from "./activations.js";

/** Whether filters end in a bias. */
export function hasBias({ bias }) {
  return bias === "regularised" || bias === "free";
}

/** Whether there is an output bias that costs nothing. */
export function hasLevel({ bias }) {
  return bias === "output" || bias === "free";
}

/** Entries of a filter without its bias. */
function reading({ filter }) {
  return filter.reduce((product, size) => product * size, 1);
}

/** Entries of a filter, its bias among them. */
export function filterEntries(scene) {
  return reading(scene) + (hasBias(scene) ? 1 : 0);
}

/**
 * Entries of a direction that is drawn. A free bias is not part of it: each direction has its best one. But filters of
 * one entry have two directions alone: they are drawn with their bias, each by the place of its knot.
 */
export function dimension(scene) {
  const h = reading(scene);
  return scene.bias === "free" && h > 1 ? h : filterEntries(scene);
}

/** Whether a filter is one entry with a free bias, the knot of a line. */
export function isKnot(scene) {
  return scene.bias === "free" && reading(scene) === 1;
}

/** Length of a filter as its cost sees it. */
export function filterLength({ bias }, w) {
  return Math.hypot(...(bias === "free" ? w.slice(0, -1) : w));
}

/** Signed size of a neuron: the weight that its direction of length one has. */
export function neuronSize(scene, w, weight) {
  return weight * filterLength(scene, w) ** activationOf(scene).degree;
}

/** Numbers in one sample. */
export function entries(scene) {
  return scene.shape.reduce((product, size) => product * size, 1);
}

/** Windows along each axis: [K], or [rows, columns] of windows. */
export function windowGrid(scene) {
  return scene.shape.map((size, axis) => Math.floor((size - scene.filter[axis]) / scene.stride[axis]) + 1);
}

/** For each window the places (row-major) that it covers, [K][h]. */
export function windows(scene) {
  const grid = windowGrid(scene),
    { shape, filter, stride } = scene,
    found = [];
  if (shape.length === 1) {
    for (let k = 0; k < grid[0]; k++) found.push(Array.from({ length: filter[0] }, (_, e) => k * stride[0] + e));
    return found;
  }
  for (let row = 0; row < grid[0]; row++)
    for (let column = 0; column < grid[1]; column++) {
      const places = [];
      for (let r = 0; r < filter[0]; r++)
        for (let c = 0; c < filter[1]; c++) places.push((row * stride[0] + r) * shape[1] + column * stride[1] + c);
      found.push(places);
    }
  return found;
}

/** The patches of one input, [K][a]; with a bias each ends in a one. */
export function cut(scene, x, places = windows(scene)) {
  const biased = hasBias(scene);
  return places.map((covered) => {
    const patch = covered.map((place) => x[place]);
    if (biased) patch.push(1);
    return patch;
  });
}

/** The patches of every sample, [n][K][a]. */
export function patches(scene) {
  const places = windows(scene);
  return scene.X.map((x) => cut(scene, x, places));
}

/** Inner product of two arrays of one length. */
export function dot(a, b) {
  let sum = 0;
  for (let e = 0; e < a.length; e++) sum += a[e] * b[e];
  return sum;
}

/** Number of the patch with the largest response to u, the first of several. */
export function winner(rows, u) {
  let best = 0,
    value = -Infinity;
  for (let k = 0; k < rows.length; k++) {
    const t = dot(rows[k], u);
    if (t > value) {
      value = t;
      best = k;
    }
  }
  return best;
}

/** What one unit filter makes of the patches of one sample. */
export function pooled(scene, rows, u, sigma = activationOf(scene)) {
  if (scene.pooling === "max") {
    let largest = -Infinity;
    for (const row of rows) largest = Math.max(largest, dot(row, u));
    return sigma.value(largest);
  }
  let sum = 0;
  for (const row of rows) sum += sigma.value(dot(row, u));
  return scene.pooling === "mean" ? sum / rows.length : sum;
}

/** phi(u): what the unit filter u makes of every sample, [n]. */
export function phi(scene, X, u) {
  const sigma = activationOf(scene);
  return X.map((rows) => pooled(scene, rows, u, sigma));
}

/** Patches that fire at u, [n][K]; with max pooling only a sample's winner may fire. */
export function counted(scene, X, u) {
  const { fires } = activationOf(scene);
  return X.map((rows) => {
    const first = scene.pooling === "max" ? winner(rows, u) : -1;
    return rows.map((row, k) => fires(dot(row, u)) && (first < 0 || first === k));
  });
}

/** What each patch adds to phi(u) of its sample, [K]; with max pooling all of it comes from the winner. */
export function shares(scene, rows, u) {
  const sigma = activationOf(scene);
  if (scene.pooling === "max") {
    const first = winner(rows, u);
    return rows.map((row, k) => (k === first ? sigma.value(dot(row, u)) : 0));
  }
  const scale = scene.pooling === "mean" ? 1 / rows.length : 1;
  return rows.map((row) => scale * sigma.value(dot(row, u)));
}

/**
 * Raw neurons (filters [m][a], weights [m]) as directions and sizes. A filter of zeros does nothing and has size 0; with
 * an activation that does not see lengths it is a filter like others, without a direction.
 */
export function toNet(scene, { filters, weights, free = [] }) {
  const { degree } = activationOf(scene);
  const unit = (w) => {
    const length = filterLength(scene, w);
    if (length > 0) return w.map((entry) => entry / length);
    return degree ? w.map((_, e) => (e ? 0 : 1)) : w;
  };
  const net = { filters: filters.map(unit), sizes: weights.map((weight, j) => neuronSize(scene, filters[j], weight)) };
  return free.length ? { ...net, level: free[0] } : net;
}

/** The network's output on the samples whose patches are given, [n]. */
export function outputs(scene, X, net) {
  const sigma = activationOf(scene);
  return X.map((rows) => {
    let sum = net.level ?? 0;
    for (let j = 0; j < net.sizes.length; j++) sum += net.sizes[j] * pooled(scene, rows, net.filters[j], sigma);
    return sum;
  });
}

/** The network's output at any input x. */
export function functionAt(scene, net, x) {
  return outputs(scene, [cut(scene, x)], net)[0];
}

/** log(1 + exp(t)) without overflow. */
export function softplus(t) {
  return Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
}

/** The loss, with no 1/n: 1/2 ||f - y||^2, or sum_i log(1 + exp(-y_i f_i)). */
export function loss(scene, f) {
  let sum = 0;
  for (let i = 0; i < f.length; i++)
    sum += scene.loss === "logistic" ? softplus(-scene.y[i] * f[i]) : 0.5 * (f[i] - scene.y[i]) ** 2;
  return sum;
}

/** loss + beta sum_j |c_j|; equal to the objective with beta/2 times the squares of balanced weights. */
export function objective(scene, X, net) {
  let sum = 0;
  for (const size of net.sizes) sum += Math.abs(size);
  return loss(scene, outputs(scene, X, net)) + scene.beta * sum;
}

/** Objective of the network that is zero, but for an output bias that costs nothing. */
export function zeroObjective(scene) {
  const zeros = scene.y.map(() => 0),
    level = hasLevel(scene) ? bestLevel(scene, zeros) : 0;
  return loss(
    scene,
    zeros.map(() => level),
  );
}

/** Minus the gradient of the loss at predictions f, [n]. */
function downhill({ loss: name, y }, f) {
  if (name === "squared") return f.map((value, i) => y[i] - value);
  return f.map((value, i) => {
    const margin = y[i] * value,
      small = Math.exp(-Math.abs(margin));
    return (y[i] * (margin > 0 ? small : 1)) / (1 + small);
  });
}

/** Newton steps, or halvings, towards the best output bias; doublings of the interval that is searched for it. */
const LEVEL_STEPS = 200;
const LEVEL_DOUBLINGS = 12;

/** The output bias that costs nothing and helps most beside the outputs f. */
export function bestLevel(scene, f) {
  const apart = f.map((value, i) => scene.y[i] - value);
  if (scene.loss === "squared") return apart.reduce((sum, value) => sum + value, 0) / f.length;
  const slope = (b) =>
    downhill(
      scene,
      f.map((value) => value + b),
    ).reduce((sum, value) => sum + value, 0);
  let [low, high] = [Math.min(...apart), Math.max(...apart)];
  // of one class alone the loss falls for ever: the search ends somewhere far out
  for (let step = 0, width = 1 + high - low; step < LEVEL_DOUBLINGS && (slope(low) < 0 || slope(high) > 0); step++) {
    if (slope(low) < 0) low -= width;
    if (slope(high) > 0) high += width;
    width *= 2;
  }
  let b = (low + high) / 2;
  for (let step = 0; step < LEVEL_STEPS && high - low > 1e-15 * Math.max(1, Math.abs(b)); step++) {
    const rest = slope(b);
    if (rest === 0) break;
    if (rest > 0) low = b;
    else high = b;
    const bend = f.reduce((sum, value) => {
      const s = 1 / (1 + Math.exp(-Math.abs(value + b)));
      return sum + s * (1 - s);
    }, 0);
    const newton = b + rest / bend;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (next === b) break;
    b = next;
  }
  return b;
}

/** The dual vector of predictions f: minus the gradient of the loss, [n]; where an output bias is free, beside the best. */
export function dual(scene, f) {
  if (!hasLevel(scene)) return downhill(scene, f);
  const level = bestLevel(scene, f);
  return downhill(
    scene,
    f.map((value) => value + level),
  );
}

/** v . phi(u), with its sign. */
export function vphi(scene, X, v, u) {
  return dot(phi(scene, X, u), v);
}
