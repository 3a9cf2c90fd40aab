/** Things on the screen in words: where a direction lies, what a filter looks like, numbers as people say them. */
import { angleOf } from "./circle.js";
import { LIMITS } from "./edits.js";
import { decimals } from "./format.js";
import { hasBias } from "./maths.js";

/** Entries of a filter that differ by less than this share of the largest are level. */
const LEVEL = 0.15;
const COMPASS = ["right", "upper right", "top", "upper left", "left", "lower left", "bottom", "lower right"];

/** 12,345. */
export function thousands(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A share in per cent, with as many figures as it deserves. */
export function percentWords(share) {
  const percent = 100 * Math.abs(share);
  if (percent < 0.005) return "less than 0.01 %";
  return `${decimals(percent, percent < 0.1 ? 2 : percent < 10 ? 1 : 0)} %`;
}

/** A list as it is spoken: "1", "1 and 3", "1, 3 and 4", "1, 3, 4 and 5 more". */
export function listText(items, most = 3) {
  // the name of a single one is as short as its count
  const shown = items.length === most + 1 ? items : items.slice(0, most);
  const more = items.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}

/** "1 filter", "4 filters". */
export function countText(count, one, several = `${one}s`) {
  return `${thousands(count)} ${count === 1 ? one : several}`;
}

/** Where a filter points, as "a filter ..." goes on: "at 330°", "that rises", "acting right of 0.4". */
export function directionWords(scene, u) {
  const { where, shape } = describe(scene, u);
  return where ?? `that ${shape[0]}`;
}

/** The same standing alone: "at 330°", "rising", "acting right of 0.4". */
export function directionNote(scene, u) {
  const { where, shape } = describe(scene, u);
  return where ?? shape[1];
}

/** Either where it points, or its shape as a verb and as an adjective. */
function describe(scene, u) {
  const entries = scene.filter.reduce((product, size) => product * size, 1);
  if (!u.some(Boolean)) return { shape: ["is always on", "always on"] };
  if (scene.view === "line") return { where: lineWords(scene, u) };
  if (u.length === 2 || (scene.bias === "free" && entries === 2)) return { where: `at ${Math.round(angleOf(u)) % 360}°` };
  if (scene.view !== "plane") return { shape: shapeWords(hasBias(scene) ? u.slice(0, entries) : u) };
  if (Math.hypot(u[0], u[1]) < 1e-9) return { shape: ["is only a bias", "only a bias"] };
  return { where: `to the ${COMPASS[Math.round(angleOf(u) / 45) % 8]}` };
}

/** The part of the line on which a filter acts: on one side of its knot, if that is in the picture. */
function lineWords(scene, [w, bias]) {
  if (scene.activation === "quadratic") return Math.abs(w) < 1e-9 ? "that is level" : `with its foot at ${decimals(-bias / w, 2)}`;
  const reach = Math.max(LIMITS.value, ...scene.X.map(([x]) => Math.abs(x)));
  if (Math.abs(bias) > reach * Math.abs(w)) return bias > 0 ? "acting everywhere" : "acting nowhere";
  return `acting ${w > 0 ? "right" : "left"} of ${decimals(-bias / w, 2)}`;
}

/** The shape of two or three entries in a row. */
function shapeWords(w) {
  const largest = Math.max(...w.map(Math.abs)),
    steps = w.slice(1).map((entry, e) => {
      const step = entry - w[e];
      return Math.abs(step) <= LEVEL * largest ? 0 : Math.sign(step);
    });
  const up = steps.includes(1),
    down = steps.includes(-1);
  if (!up && !down) return w[0] < 0 ? ["is flat (−)", "flat (−)"] : ["is flat (+)", "flat (+)"];
  if (up && down) return steps[0] > 0 ? ["has a peak", "a peak"] : ["has a dip", "a dip"];
  return up ? ["rises", "rising"] : ["falls", "falling"];
}
