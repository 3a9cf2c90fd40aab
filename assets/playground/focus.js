/**
 * What is pointed at, and everything that belongs to it: which patches fire, which filters and neurons are concerned,
 * what they add to the predictions.
 */
import { activationOf } from "./activations.js";
import { angleOf, cellIndex } from "./circle.js";
import { dualForm, filterAt } from "./dual_function.js";
import { counted, dot, phi, shares, winner } from "./maths.js";

/** Responses below this count as on the line. */
const ON_LINE = 1e-7;

/**
 * The focus of a target (see the fields below), or null if there is no such thing any more. `net` is the network drawn
 * beside the optimum, if there is one: SGD's, or the one made by hand; `v` the dual vector, for the bias of a direction.
 */
export function focusOf(target, pinned, setting, X, cells, optimum, net, v = null) {
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
  if (!from && !target.u) return null;
  const u = from ? from.filters[target.j] : filterAt(setting, X, v, target.u);
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

/** Whether no wall runs between two directions: no line of a patch; where patches are ordered, no change of the order. */
export function sameCell(setting, X, u, w) {
  const form = dualForm(setting);
  if (form === "squares") return true;
  const together = ([here, there]) =>
    (here <= ON_LINE || there >= -ON_LINE) && (here >= -ON_LINE || there <= ON_LINE);
  if (form === "knees") return sameOrder(X.flat(), u.slice(0, -1), w.slice(0, -1), together);
  return X.every((rows) => {
    const sides = (row) => [dot(row, u), dot(row, w)];
    if (setting.pooling !== "max") return rows.every((row) => together(sides(row)));
    const first = rows[winner(rows, u)],
      [here, there] = sides(first),
      second = dot(rows[winner(rows, w)], w);
    if (here <= ON_LINE && activationOf(setting).below === 0) return second <= ON_LINE;
    return second - there <= ON_LINE && together([here, there]);
  });
}

/** Whether rows respond in the same order at two directions: none is passed by the next one. */
function sameOrder(rows, u, w, together) {
  const ordered = rows.map((row) => [dot(u, row), dot(w, row)]).sort(([one], [other]) => other - one);
  return ordered.every(([here, there], place) => {
    if (!place) return true;
    const [before, after] = ordered[place - 1];
    return together([before - here, after - there]);
  });
}
