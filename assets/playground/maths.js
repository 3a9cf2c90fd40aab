/**
 * The network, its loss and its dual function, in the browser, by the library's own definitions:
 *
 *   f = sum_j c_j phi(u_j), ||u_j|| = 1,   phi(u)_i = pool_k sigma(x_ik . u),
 *   sigma(t) = above t for t >= 0, below t else,
 *   objective = loss(f, y) + beta sum_j |c_j|,   dual vector v = -grad loss(f),   dual function u -> |v . phi(u)|
 *
 * These values follow the pointer while a bar is dragged; what is printed as a result comes from the library.
 *
 * @typedef {{name: string, edited: boolean, X: number[][], y: number[], shape: number[], filter: number[],
 *   stride: number[], pooling: "sum"|"mean"|"max", activation: "relu"|"leaky"|"absolute"|"residual", slope: number,
 *   bias: "none"|"regularised", loss: "squared"|"logistic", beta: number, view: string}} Scene
 * @typedef {{filters: number[][], sizes: number[]}} Net directions of length one, and signed sizes
 * @typedef {number[][][]} Patches [n][K][a]
 */

const SLOPES = { relu: [1, 0], absolute: [1, -1], residual: [2, 1] };

/** Slopes of the activation above and below zero. */
export function slopes(scene) {
  const [above, below] = SLOPES[scene.activation] ?? [1, scene.slope];
  return { above, below };
}

/** The activation at t; at zero the slope is the one above. */
export function act({ above, below }, t) {
  // no product with a slope of zero: of a large t below zero it would be minus zero
  if (t >= 0) return above * t;
  return below === 0 ? 0 : below * t;
}

/** Entries of a direction: those of the filter, and one for the bias. */
export function dimension(scene) {
  return scene.filter.reduce((product, size) => product * size, 1) + (scene.bias === "none" ? 0 : 1);
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
  const biased = scene.bias !== "none";
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
export function pooled(scene, rows, u, sigma = slopes(scene)) {
  if (scene.pooling === "max") {
    let largest = -Infinity;
    for (const row of rows) largest = Math.max(largest, dot(row, u));
    return act(sigma, largest);
  }
  let sum = 0;
  for (const row of rows) sum += act(sigma, dot(row, u));
  return scene.pooling === "mean" ? sum / rows.length : sum;
}

/** phi(u): what the unit filter u makes of every sample, [n]. */
export function phi(scene, X, u) {
  const sigma = slopes(scene);
  return X.map((rows) => pooled(scene, rows, u, sigma));
}

/** Patches that fire at u, [n][K]: the response is above zero; with max pooling only a sample's winner may fire. */
export function counted(scene, X, u) {
  return X.map((rows) => {
    const first = scene.pooling === "max" ? winner(rows, u) : -1;
    return rows.map((row, k) => dot(row, u) > 0 && (first < 0 || first === k));
  });
}

/** What each patch adds to phi(u) of its sample, [K]; with max pooling all of it comes from the winner. */
export function shares(scene, rows, u) {
  const sigma = slopes(scene);
  if (scene.pooling === "max") {
    const first = winner(rows, u);
    return rows.map((row, k) => (k === first ? act(sigma, dot(row, u)) : 0));
  }
  const scale = scene.pooling === "mean" ? 1 / rows.length : 1;
  return rows.map((row) => scale * act(sigma, dot(row, u)));
}

/** Raw neurons (filters [m][a], weights [m]) as directions and sizes; a filter of zeros has size 0. */
export function toNet({ filters, weights }) {
  const lengths = filters.map((w) => Math.hypot(...w));
  return {
    filters: filters.map((w, j) =>
      lengths[j] > 0 ? w.map((entry) => entry / lengths[j]) : w.map((_, e) => (e ? 0 : 1)),
    ),
    sizes: weights.map((weight, j) => weight * lengths[j]),
  };
}

/** The network's output on the samples whose patches are given, [n]. */
export function outputs(scene, X, net) {
  const sigma = slopes(scene);
  return X.map((rows) => {
    let sum = 0;
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

/** Objective of the network that is zero. */
export function zeroObjective(scene) {
  return loss(
    scene,
    scene.y.map(() => 0),
  );
}

/** The dual vector of predictions f: minus the gradient of the loss, [n]. */
export function dual(scene, f) {
  if (scene.loss === "squared") return f.map((value, i) => scene.y[i] - value);
  return f.map((value, i) => {
    const margin = scene.y[i] * value,
      small = Math.exp(-Math.abs(margin));
    return (scene.y[i] * (margin > 0 ? small : 1)) / (1 + small);
  });
}

/** v . phi(u), with its sign. */
export function vphi(scene, X, v, u) {
  return dot(phi(scene, X, u), v);
}

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
    { above, below } = slopes(scene),
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

/** u -> v . phi(u) as a function that allocates nothing: for curves and searches. */
export function dualFunction(scene, X, v) {
  if (scene.pooling === "max") return dualOfMaxima(scene, X, v);
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
function dualOfMaxima(scene, X, v) {
  const n = X.length,
    K = X[0].length,
    a = dimension(scene),
    { above, below } = slopes(scene);
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
    const { above, below } = slopes(scene);
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
