/**
 * The settings of the network and of its training problem. Not all go together: the newest choice wins, and what does
 * not fit beside it changes too. `choices` says beforehand what that would be, and why a choice cannot be had: of what the
 * library has no exact program for, or what cannot be drawn.
 */
import { ACTIVATION_LABELS, UNDRAWN, activationOf } from "./activations.js";
import { LIMITS, setLength } from "./edits.js";

const POOLING_LABELS = { sum: "sum", mean: "mean", max: "max" };
const BIAS_LABELS = { none: "none", regularised: "penalised", free: "free", output: "of the output" };
const LOSS_LABELS = { squared: "squared", logistic: "logistic" };
const FILTER_SHAPES = {
  signals: [[2], [3]],
  pixels: [
    [1, 2],
    [2, 1],
    [1, 3],
    [3, 1],
  ],
  plane: [[2]],
  line: [[1]],
};

/** The scene with one setting changed, and those that do not go with it. */
export function setControl(scene, name, value) {
  if (refusal(scene, name, value)) return scene;
  const wanted = settingOf(scene, name, value),
    next = fittedScene({ ...scene, ...wanted }, name);
  const same = Object.keys(next).every((key) => JSON.stringify(next[key]) === JSON.stringify(scene[key]));
  return same ? scene : { ...next, edited: true };
}

/** A setting as the scene holds it. */
function settingOf(scene, name, value) {
  const axes = scene.shape.length,
    between = (low, high) => Math.min(Math.max(Number(value), low), high);
  if (name === "beta" && Number(value) > 0) return { beta: between(...LIMITS.beta) };
  if (name === "slope" && Number.isFinite(Number(value)))
    return { slope: between(...LIMITS.slope), activation: "leaky" };
  if (name === "stride") {
    const steps = [value].flat().map((step) => Math.min(Math.max(Math.round(step), 1), LIMITS.stride));
    if (steps.every(Number.isFinite)) return { stride: scene.shape.map((side, axis) => Math.min(steps[axis] ?? steps[0], side)) };
  }
  if (name === "filter") {
    // one number is the length of a filter that lies along the last axis
    const filter = Array.isArray(value) ? value : [...new Array(axes - 1).fill(1), Number(value)];
    if (filterShapes(scene).some((shape) => String(shape) === String(filter))) return { filter };
  }
  const lists = { pooling: POOLING_LABELS, activation: ACTIVATION_LABELS, bias: BIAS_LABELS, loss: LOSS_LABELS };
  if (value in (lists[name] ?? {})) return { [name]: value };
  throw new Error(`${name}: got ${JSON.stringify(value)}, expected a setting of ${scene.view}`);
}

/** Filters that a scene can have; signals grow to the length of theirs. */
function filterShapes({ view, shape }) {
  return FILTER_SHAPES[view].filter(
    (filter) => view === "signals" || filter.every((size, axis) => size <= shape[axis]),
  );
}

/** What the others become so that the scene is one the library accepts; `newest` stays as it is. */
function fittedScene(scene, newest) {
  const next = { ...scene };
  // the largest response must win before the activation as after it: no slope below zero beside max pooling
  const falls = next.activation === "absolute" || (next.activation === "leaky" && next.slope < 0);
  if (next.pooling === "max" && falls) {
    if (newest !== "pooling") next.pooling = "sum";
    else if (next.activation === "leaky") next.slope = -next.slope;
    else next.activation = "relu";
  }
  const length = next.filter.reduce((product, size) => product * size, 1);
  if (length === 3 && next.bias === "regularised") {
    if (newest === "bias") next.filter = next.filter.map((size) => Math.min(size, 2));
    else next.bias = "none";
  }
  if (next.loss === "logistic" && next.y.some((target) => Math.abs(target) !== 1))
    next.y = next.y.map((target) => (target < 0 ? -1 : 1));
  return next.filter[0] > next.shape[0] ? setLength(next, next.filter[0]) : next;
}

/** In one sentence why a value cannot be had beside the others; null where it can. */
function refusal(scene, name, value) {
  if (name === "activation" && value in UNDRAWN) return UNDRAWN[value].reason;
  const slopes = (activation) => activationOf({ ...scene, activation }).form === "slopes";
  if (name === "activation" && value in ACTIVATION_LABELS && !slopes(value)) {
    const own = `The ${ACTIVATION_LABELS[value]} activation has`;
    if (scene.pooling === "max") return `${own} an exact program with sums and means, not with max pooling.`;
    if (scene.bias === "free") return `${own} an exact program without free biases: choose another bias first.`;
  }
  if (name === "pooling" && value === "max") {
    if (!slopes(scene.activation)) return "Max pooling has an exact program for activations with two slopes alone.";
    if (scene.bias === "free") return "Free biases have an exact program with sums and means, not with max pooling.";
  }
  if (name === "bias" && value === "free") {
    if (!slopes(scene.activation)) return "Free biases have an exact program for activations with two slopes alone.";
    if (scene.pooling === "max") return "Free biases have an exact program with sums and means, not with max pooling.";
  }
  if (name === "bias" && scene.view === "line" && (value === "none" || value === "output"))
    return "One number times a filter of one entry: without a bias of its own it has no knot to place.";
  return null;
}

/** The values of a setting, with what else a choice would change, or why it cannot be made (null if nothing). */
export function choices(scene, name) {
  const labelled = (labels) => Object.entries(labels).map(([value, label]) => ({ value, label }));
  const options = {
    pooling: () => labelled(POOLING_LABELS),
    activation: () => [
      ...labelled(ACTIVATION_LABELS),
      ...Object.entries(UNDRAWN).map(([value, { label }]) => ({ value, label })),
    ],
    bias: () => labelled(BIAS_LABELS),
    loss: () => labelled(LOSS_LABELS),
    filter: () => filterShapes(scene).map((value) => ({ value, label: value.join(" × ") })),
    stride: () => Array.from({ length: Math.min(LIMITS.stride, Math.max(...scene.shape)) }, (_, s) => ({ value: s + 1, label: String(s + 1) })),
  }[name]();
  return options.map((option) => {
    const refused = refusal(scene, name, option.value);
    const reason = refused ?? sideEffects(scene, setControl(scene, name, option.value), name);
    return { ...option, reason, refused: refused !== null };
  });
}

/** In words, what differs beside the setting itself. */
function sideEffects(scene, next, name) {
  const parts = [];
  if (name !== "pooling" && next.pooling !== scene.pooling) parts.push(`pooling becomes ${next.pooling}`);
  if (name !== "activation" && next.activation !== scene.activation)
    parts.push(`the activation becomes ${ACTIVATION_LABELS[next.activation]}`);
  if (name !== "slope" && next.slope !== scene.slope) parts.push(`the slope becomes ${next.slope}`);
  if (name !== "filter" && String(next.filter) !== String(scene.filter))
    parts.push(`filters become ${next.filter.join(" × ")}`);
  if (name !== "bias" && next.bias !== scene.bias) parts.push(next.bias === "none" ? "the bias goes" : "a bias comes");
  if (String(next.shape) !== String(scene.shape)) parts.push(`signals get ${next.shape[0]} entries`);
  if (next.y !== scene.y) parts.push("targets become −1 and 1");
  return parts.length ? parts.join(", ") : null;
}
