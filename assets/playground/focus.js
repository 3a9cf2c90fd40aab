/**
 * What is pointed at, and everything that belongs to it: which patches fire, which filters and neurons are concerned,
 * what they add to the predictions.
 */
import { angleOf, cellIndex } from "./circle.js";
import { counted, dot, phi, shares, winner } from "./maths.js";

/** Responses below this count as on the line. */
const ON_LINE = 1e-7;

/**
 * The focus of a target (see the fields below), or null if there is no such thing any more. `net` is the network drawn
 * beside the optimum, if there is one: SGD's, or the one made by hand.
 */
export function focusOf(target, pinned, setting, X, cells, optimum, net) {
  const found = {
    target,
    pinned,
    i: null,
    k: null,
    u: null,
    angle: null,
    cell: null,
    size: null,
    fires: null,
    responses: null,
    contributions: null,
    filterShares: null,
    neuronShares: null,
  };
  const filters = optimum?.filters ?? [],
    neurons = net?.filters ?? [];
  if (target.kind === "sample" || target.kind === "patch") {
    const { i, k = null } = target;
    if (!X[i] || (k !== null && !X[i][k])) return null;
    const filterShares = sharesOf(setting, X[i], k, optimum),
      neuronShares = sharesOf(setting, X[i], k, net);
    return {
      ...found,
      i,
      k,
      filterShares,
      neuronShares,
      filters: filterShares.map((share) => share !== 0),
      neurons: neuronShares.map((share) => share !== 0),
      samples: X.map((_, s) => s === i),
      lit: (s, patch) => s === i && (k === null || patch === k),
    };
  }
  const from = target.kind === "filter" ? optimum : target.kind === "neuron" ? net : null;
  const u = from ? from.filters[target.j] : target.u;
  if (!u || u.length !== X[0][0].length) return null;
  const fires = counted(setting, X, u),
    responses = phi(setting, X, u),
    size = from ? from.sizes[target.j] : null;
  const angle = cells ? angleOf(u) : null;
  const here = (w) => sameCell(setting, X, u, w);
  return {
    ...found,
    u,
    angle,
    fires,
    responses,
    size,
    cell: cells ? cellIndex(cells, angle) : null,
    contributions: from ? responses.map((value) => size * value) : null,
    filters: filters.map((w, j) => (from ? from === optimum && j === target.j : here(w))),
    neurons: neurons.map((w, j) => (from ? from === net && j === target.j : here(w))),
    samples: fires.map((row) => row.some(Boolean)),
    lit: (s, patch) => Boolean(fires[s]?.[patch]),
  };
}

/** What each filter of a network adds to the prediction of a sample, or one patch of it. */
function sharesOf(setting, rows, k, net) {
  if (!net) return [];
  return net.filters.map((u, j) => {
    const each = shares(setting, rows, u);
    return net.sizes[j] * (k === null ? each.reduce((sum, share) => sum + share, 0) : each[k]);
  });
}

/** Whether no patch line runs between two directions; with max pooling the same patches win. */
export function sameCell(setting, X, u, w) {
  return X.every((rows) => {
    const sides = (row) => [dot(row, u), dot(row, w)];
    const together = ([here, there]) =>
      (here <= ON_LINE || there >= -ON_LINE) && (here >= -ON_LINE || there <= ON_LINE);
    if (setting.pooling !== "max") return rows.every((row) => together(sides(row)));
    const first = rows[winner(rows, u)],
      [here, there] = sides(first),
      second = dot(rows[winner(rows, w)], w);
    if (here <= ON_LINE && setting.activation === "relu") return second <= ON_LINE;
    return second - there <= ON_LINE && together([here, there]);
  });
}
