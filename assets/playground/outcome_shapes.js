/**
 * A filter drawn small, as paths in a square of side 1: what it looks like, in the form that suits its data.
 *
 * signals: its entries as bars up and down; pixels: squares, filled where an entry is positive and hollow where it is
 * negative, their side by the entry's size (Hinton diagram); plane: the half of the plane where it fires; line: the
 * graph of what it adds. The hue of a tile is free for the sign of the output weight.
 */

import { activationOf } from "./activations.js";
import { hasBias, isKnot } from "./maths.js";

/** How far the maps of the plane and of the line reach. */
const TILE_REACH = 2;
/** A square is drawn as nothing up to this response. */
const ZERO_STRIPE = 0.7;

const at = (x) => x.toFixed(3);

/** Paths {solid, hollow, pale, axis, rule} of a filter with this signed size; an empty path is "". */
export function filterShape(scene, filter, size) {
  if (scene.view === "plane" && scene.filter[0] === 2) return planeShape(scene, filter);
  if (scene.view === "line") return lineShape(scene, filter, size);
  // a direction that is drawn may be without its bias
  const entries = scene.filter.reduce((product, side) => product * side, 1);
  const bias = hasBias(scene) && filter.length > entries;
  return scene.shape.length === 2 ? gridShape(scene, filter, bias) : barShape(filter, bias);
}

/** Where the bias entry begins: it stands apart, behind a rule. */
function biasPlace(bias) {
  return bias ? { width: 0.7, rule: "M0.755 0.14V0.86" } : { width: 1, rule: "" };
}

function barShape(filter, bias) {
  const { width, rule } = biasPlace(bias);
  const count = bias ? filter.length - 1 : filter.length;
  const slot = Math.min(0.32, (width - 0.12) / count);
  const from = (width - slot * count) / 2;
  const tall = (entry) => -0.4 * Math.max(-1.2, Math.min(1.2, entry)) || -0.01;
  const bar = (x, entry) => `M${at(x)} 0.5h${at(slot - 0.035)}v${at(tall(entry))}h${at(0.035 - slot)}Z`;
  let solid = "";
  for (let j = 0; j < count; j += 1) solid += bar(from + j * slot, filter[j]);
  if (bias)
    solid += bar(0.8, filter[count] ?? 0).replace(/h-?[\d.]+/g, (step) => (step.includes("-") ? "h-0.13" : "h0.13"));
  return { solid, hollow: "", pale: "", axis: "M0.06 0.5H0.94", rule };
}

function gridShape(scene, filter, bias) {
  const { width, rule } = biasPlace(bias);
  const [rows, columns] = scene.filter;
  const slot = Math.min(0.34, (width - 0.1) / columns, 0.9 / rows);
  const left = (width - slot * columns) / 2;
  const top = (1 - slot * rows) / 2;
  const shape = { solid: "", hollow: "", pale: "", axis: "", rule };
  const square = (x, y, entry) => {
    const side = slot * 0.92 * Math.sqrt(Math.min(1, Math.abs(entry)));
    const path = `M${at(x - side / 2)} ${at(y - side / 2)}h${at(side)}v${at(side)}h${at(-side)}Z`;
    if (entry >= 0) shape.solid += path;
    else shape.hollow += path;
  };
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      const [x, y] = [left + slot * (c + 0.5), top + slot * (r + 0.5)];
      shape.axis += `M${at(x - slot / 2)} ${at(y - slot / 2)}h${at(slot)}v${at(slot)}h${at(-slot)}Z`;
      square(x, y, filter[r * columns + c]);
    }
  }
  if (bias) square(0.87, 0.5, filter[filter.length - 1]);
  return shape;
}

/** The part of the square [-2, 2]^2 where u . (x, 1) has this sign, as a path in the unit square, y up. */
function halfPlane([a, b, c = 0], sign) {
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].map(([x, y]) => [x * TILE_REACH, y * TILE_REACH]);
  const side = ([x, y]) => sign * (a * x + b * y + c);
  const kept = [];
  corners.forEach((corner, index) => {
    const next = corners[(index + 1) % 4];
    const [here, there] = [side(corner), side(next)];
    if (here >= 0) kept.push(corner);
    if (here * there < 0) kept.push(corner.map((value, j) => value + (here / (here - there)) * (next[j] - value)));
  });
  if (kept.length < 3) return "";
  const unit = kept.map(([x, y]) => `${at(0.5 + (0.46 * x) / TILE_REACH)} ${at(0.5 - (0.46 * y) / TILE_REACH)}`);
  return `M${unit.join("L")}Z`;
}

function planeShape(scene, filter) {
  const { form, below } = activationOf(scene);
  const [a, b, c = 0] = filter;
  // a square is large on both sides of the line on which it is zero
  const solid =
    form === "squares" ? halfPlane([a, b, c - ZERO_STRIPE], 1) + halfPlane([a, b, c + ZERO_STRIPE], -1) : halfPlane(filter, 1);
  return {
    solid,
    hollow: "",
    pale: below ? halfPlane(filter, -1) : "",
    axis: "M0.5 0.04V0.96M0.04 0.5H0.96",
    rule: "",
  };
}

/** Places of the graph of a filter that is bent everywhere. */
const GRAPH_PLACES = 24;

function lineShape(scene, [weight, bias = 0], size) {
  const { value, form } = activationOf(scene);
  const knot = weight ? -bias / weight : Infinity;
  const ends = [-TILE_REACH, TILE_REACH];
  const bends = Math.abs(knot) < TILE_REACH ? (form === "steps" ? [knot - 1e-9, knot + 1e-9] : [knot]) : [];
  const curved = form === "squares" ? GRAPH_PLACES : 0;
  const even = Array.from({ length: curved }, (_, s) => TILE_REACH * ((2 * s) / GRAPH_PLACES - 1));
  const places = [...even, ...bends, ...ends].sort((one, other) => one - other);
  const heights = places.map((x) => value(weight * x + bias));
  const highest = Math.max(...heights.map(Math.abs)) || 1;
  // a penalised bias is compared with its filter: the steepest fills the tile
  const scale = isKnot(scene) || form !== "slopes" ? highest : Math.abs(weight) * TILE_REACH + Math.abs(bias) || 1;
  const points = places.map((x, s) => {
    const y = ((Math.sign(size) || 1) * heights[s]) / scale;
    return `${at(0.5 + (0.44 * x) / TILE_REACH)} ${at(0.5 - 0.42 * y)}`;
  });
  return { solid: "", hollow: `M${points.join("L")}`, pale: "", axis: "M0.5 0.06V0.94M0.06 0.5H0.94", rule: "" };
}
