/**
 * The filters of the optimum and the neurons of the network that is shown, a tile each.
 *
 * The opacity is the size, so that one sees a whole group of weights fade together; the hue is the sign of the output
 * weight; the number below is the size with that sign, or, while a sample is pointed at, what the filter adds to it.
 */

import { htmlNode, keyedChildren, setAttributes, setText, svgNode } from "./dom.js";
import { signed } from "./format.js";
import { filterShape } from "./outcome_shapes.js";
import { asRow, asTarget } from "./outcome_targets.js";

/** A neuron smaller than this part of the largest is drawn as dead. */
const NEGLIGIBLE_SIZE = 1e-6;
const TILE_SIDE = 46;

/** How solid a tile of this size is drawn: the smallest can still be read. */
function tileOpacity(size, largest) {
  return 0.2 + 0.8 * Math.min(1, Math.abs(size) / (largest || 1));
}

/** Tiles of one network; `kind` is the kind of Target they are ("filter" or "neuron"). */
export function createOutcomeTiles(root, store, kind) {
  const group = htmlNode("div", { class: "cc-tiles" }, root);
  const head = htmlNode("div", { class: "cc-tiles-head" }, group);
  const title = htmlNode("strong", null, head);
  const count = htmlNode("span", { class: "cc-sub" }, head);
  const list = htmlNode("div", { class: "cc-tile-list", role: "group" }, group);
  const hint = htmlNode("span", { class: "cc-sub cc-tiles-hint" }, group);
  const settle = asRow(list, list);

  const makeTile = () => {
    const node = htmlNode("div", { class: "cc-tile", role: "button" });
    const svg = svgNode(
      "svg",
      { viewBox: `0 0 ${TILE_SIDE} ${TILE_SIDE}`, class: "cc-tile-frame", "aria-hidden": "true" },
      node,
    );
    svgNode("rect", { x: 1, y: 1, width: TILE_SIDE - 2, height: TILE_SIDE - 2, rx: 6, class: "cc-tile-back" }, svg);
    const unit = svgNode("g", { transform: `translate(3 3) scale(${TILE_SIDE - 6})` }, svg);
    const axis = svgNode("path", { class: "cc-tile-axis" }, unit);
    const ink = svgNode("g", { class: "cc-tile-ink" }, unit);
    node.__parts = {
      axis,
      ink,
      pale: svgNode("path", { class: "cc-tile-pale" }, ink),
      solid: svgNode("path", { class: "cc-tile-solid" }, ink),
      hollow: svgNode("path", { class: "cc-tile-hollow" }, ink),
      rule: svgNode("path", { class: "cc-tile-rule" }, unit),
      value: htmlNode("span", { class: "cc-tile-value cc-num" }, node),
    };
    asTarget(node, store, () => ({ kind, j: node.__j }));
    return node;
  };

  const changeTile = (node, { j, filter, size, share }, given) => {
    const { axis, ink, pale, solid, hollow, rule, value } = node.__parts;
    const { derived, largest, lit, name, focus } = given;
    node.__j = j;
    const dead = Math.abs(size) <= NEGLIGIBLE_SIZE * largest;
    const sign = dead ? "cc-dead" : size > 0 ? "cc-plus" : "cc-minus";
    const shape = filterShape(derived.scene, filter, size);
    const entries = filter.map((entry) => signed(entry, 2)).join(", ");
    // what is written below it is part of its name
    const written = dead && share === null ? "dead" : signed(share ?? size, 2);
    const sized = share !== null ? `adds ${written}, size ${signed(size, 2)}` : dead ? written : `size ${written}`;
    const label = `${name} ${j + 1}: direction (${entries}), ${sized}`;
    setAttributes(node, {
      class: `cc-tile ${sign}${share === null && lit?.[j] ? " cc-lit" : ""}${share === 0 ? " cc-silent" : ""}`,
      "aria-label": label,
      "aria-pressed": focus?.pinned && focus.target.kind === kind && focus.target.j === j ? "true" : "false",
    });
    setAttributes(axis, { d: shape.axis });
    setAttributes(pale, { d: shape.pale });
    setAttributes(solid, { d: shape.solid });
    setAttributes(hollow, { d: shape.hollow });
    setAttributes(rule, { d: shape.rule });
    setAttributes(ink, { opacity: tileOpacity(size, largest).toFixed(3) });
    const shown = share === null ? sign : share > 0 ? "cc-plus" : share < 0 ? "cc-minus" : "cc-dead";
    setText(value, written);
    setAttributes(value, { class: `cc-tile-value cc-num ${shown}` });
  };

  return {
    /** given: {title, tone, net, old, shares, level, lit, largest, hint, name, derived, words: [one, many]} */
    update(given) {
      const { net, shares, derived } = given;
      setText(title, given.title);
      setAttributes(group, {
        class: `cc-tiles cc-${given.tone}${given.old ? (kind === "filter" ? " cc-soon" : " cc-old") : ""}`,
      });
      const tiles = net
        ? net.filters.map((filter, j) => ({ j, filter, size: net.sizes[j], share: shares ? shares[j] : null }))
        : [];
      // the optimum's in the order of their angle, so that they keep their places while data are dragged
      if (kind === "filter") tiles.sort((p, q) => angle(p.filter) - angle(q.filter));
      const [one, many] = given.words;
      const { i, k } = derived.focus ?? {};
      const whole = k === null || k === undefined;
      const shared = shares ? (whole ? `to sample ${i + 1}` : `patch ${k + 1} of ${i + 1}`) : null;
      // what is added to every output at no cost
      const level = given.level === undefined ? "" : `, output bias ${signed(given.level, 2)}`;
      const counted = shared ?? `${tiles.length} ${tiles.length === 1 ? one : many}${level}`;
      setText(count, net ? (given.old ? given.hint : counted) : "");
      setText(hint, net ? (tiles.length ? "" : "none: the zero network") : given.hint);
      keyedChildren(
        list,
        tiles,
        (_tile, index) => index,
        makeTile,
        (node, tile) => changeTile(node, tile, { ...given, derived, focus: derived.focus }),
      );
      setAttributes(list, { "aria-label": given.title, class: `cc-tile-list${tiles.length > 5 ? " cc-many" : ""}` });
      settle();
    },
  };
}

function angle(filter) {
  return Math.atan2(filter[1] ?? 0, filter[0]);
}
