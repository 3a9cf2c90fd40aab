/**
 * Everything a hand may do to a scene: each edit returns a new scene that the library accepts, or the scene itself when
 * nothing changes. Values by hand are kept within limits and to two decimals, so that they fit into a link.
 *
 * A scene's filters have two or three entries, a penalised bias counted: more directions than a sphere's cannot be drawn.
 */

/** What fits on the screen, and what the library answers live. */
export const LIMITS = {
  value: 2,
  samples: 12,
  points: 40,
  length: 16,
  stride: 3,
  beta: [1e-3, 100],
  slope: [-1, 1],
};

/** Places of a decimal that a hand can set. */
const DECIMALS = 100;

/** A number as a hand sets it: within the limits, two decimals, never minus zero. */
export function tidy(value, limit = LIMITS.value) {
  const kept = Math.min(Math.max(value, -limit), limit);
  return Math.round(kept * DECIMALS) / DECIMALS + 0;
}

function editedScene(scene, part) {
  return { ...scene, ...part, edited: true };
}

/** The array with the entry at `place` replaced; the same array if it is there already. */
function withEntry(array, place, value) {
  return Object.is(array[place], value) ? array : array.map((old, e) => (e === place ? value : old));
}

/** The scene with other inputs, or itself if they are the same arrays. */
function withSamples(scene, X) {
  return X.every((x, i) => x === scene.X[i]) && X.length === scene.X.length ? scene : editedScene(scene, { X });
}

/** Entry `place` of sample i. */
export function setEntry(scene, i, place, value) {
  return paint(scene, i, [place], value);
}

/** Several entries of sample i at once, as a stroke over pixels does. */
export function paint(scene, i, places, value) {
  if (!Number.isFinite(value) || !scene.X[i]) return scene;
  const x = places.reduce((now, place) => (place in now ? withEntry(now, place, tidy(value)) : now), scene.X[i]);
  return withSamples(scene, withEntry(scene.X, i, x));
}

/** Both coordinates of a point in the plane, or that of a number on the line. */
export function movePoint(scene, i, ...place) {
  return place.slice(0, scene.X[0].length).reduce((now, value, e) => setEntry(now, i, e, value), scene);
}

/** The target of sample i; with the logistic loss it is a class, -1 or 1. */
export function setTarget(scene, i, value) {
  if (!Number.isFinite(value) || !(i in scene.y)) return scene;
  const y = withEntry(scene.y, i, scene.loss === "logistic" ? classOf(value) : tidy(value));
  return y === scene.y ? scene : editedScene(scene, { y });
}

/** The other sign; of a target of zero, 1. */
export function flipTarget(scene, i) {
  return setTarget(scene, i, -scene.y[i] || 1);
}

function classOf(value) {
  return value < 0 ? -1 : 1;
}

/** Why there can be no more samples, or null. */
export function mayAdd(scene) {
  const most = scene.view === "plane" || scene.view === "line" ? LIMITS.points : LIMITS.samples;
  return scene.X.length < most ? null : `${most} samples are the most that can be drawn here.`;
}

/** Why no sample can be taken away, or null. */
export function mayRemove(scene) {
  return scene.X.length > 1 ? null : "The last sample stays: change it instead.";
}

/** One more sample at the end: `at`, or zeros to draw on. */
export function addSample(scene, at = null, target = scene.view === "plane" || scene.loss === "logistic" ? 1 : 0) {
  const x = scene.X[0].map((_, e) => tidy(at?.[e] ?? 0));
  return withInserted(scene, scene.X.length, x, scene.loss === "logistic" ? classOf(target) : tidy(target));
}

/** A copy of sample i behind it. */
export function duplicateSample(scene, i) {
  return scene.X[i] ? withInserted(scene, i + 1, [...scene.X[i]], scene.y[i]) : scene;
}

function withInserted(scene, i, x, target) {
  if (mayAdd(scene)) return scene;
  const put = (list, one) => [...list.slice(0, i), one, ...list.slice(i)];
  return editedScene(scene, { X: put(scene.X, x), y: put(scene.y, target) });
}

/** Without sample i. */
export function removeSample(scene, i) {
  if (mayRemove(scene) || !scene.X[i]) return scene;
  const others = (list) => list.filter((_, s) => s !== i);
  return editedScene(scene, { X: others(scene.X), y: others(scene.y) });
}

/** One sample, or all if i is null, changed by a function. */
function eachSample(scene, i, change) {
  return withSamples(
    scene,
    scene.X.map((x, s) => {
      if (i !== null && s !== i) return x;
      const next = change(x);
      return next.every((value, e) => value === x[e]) ? x : next;
    }),
  );
}

/** Sample i, or all, moved to the right: around the end, or points by a tenth. */
export function shiftSamples(scene, i = null, by = 1) {
  if (scene.view === "plane" || scene.view === "line")
    return eachSample(scene, i, (x) => [tidy(x[0] + by / 10), ...x.slice(1)]);
  const width = scene.shape[scene.shape.length - 1];
  return eachSample(scene, i, (x) =>
    x.map((_, place) => x[place - (place % width) + (((((place % width) - by) % width) + width) % width)]),
  );
}

/** Sample i, or all, seen in a mirror. */
export function mirrorSamples(scene, i = null) {
  if (scene.view === "plane" || scene.view === "line") return eachSample(scene, i, (x) => [-x[0] + 0, ...x.slice(1)]);
  const width = scene.shape[scene.shape.length - 1];
  return eachSample(scene, i, (x) => x.map((_, place) => x[place - (place % width) + width - 1 - (place % width)]));
}

/** Normal noise on every entry; the seed says which. */
export function addNoise(scene, seed, deviation = 0.1) {
  const draw = normalNumbers(seed);
  // what came in beyond the limits of a hand stays there
  return eachSample(scene, null, (x) =>
    x.map((value) => tidy(value + deviation * draw(), Math.max(LIMITS.value, Math.abs(value)))),
  );
}

/** Standard normal numbers from a seed: mulberry32, then Box and Muller (1958). */
function normalNumbers(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    // between 0 and 1, never 0
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Signals of d entries: cut at the end, or filled up with zeros. */
export function setLength(scene, d) {
  const length = Math.min(Math.max(Math.round(d), scene.filter[0]), LIMITS.length);
  if (scene.view !== "signals" || length === scene.shape[0]) return scene;
  const X = scene.X.map((x) => Array.from({ length }, (_, e) => x[e] ?? 0));
  return editedScene(scene, { shape: [length], stride: [Math.min(scene.stride[0], length)], X });
}
