/**
 * Marks that every picture of directions shares: stars (filters of the optimum), dots (neurons), the ring at the peak,
 * and small drawings of the filter that a direction stands for.
 *
 * The fill is the sign of the weight, and a plus or minus inside says it again without colour. Green edge: certified
 * optimum; purple edge: found by SGD or by hand.
 */
import { keyedChildren, setAttributes, starPath, svgNode } from "./dom.js";
import { decimals, signed } from "./format.js";
import { filterShape } from "./outcome_shapes.js";
import { markTarget, tabStop } from "./directions_targets.js";

/** A mark that is at least so large carries its sign inside. */
const SIGNED_MARK = 7;
/** Radius of the star of the missing filter. */
const PEAK_STAR = 13;
/** Room for the words beside the peak, in pixels. */
const WORDS_WIDTH = 92;

/** A number to a tenth of a pixel. */
export function tenth(x) {
  return Math.round(x * 10) / 10;
}

function signPath(size, reach) {
  const bar = `M${-reach} 0H${reach}`;
  return size >= 0 ? `${bar}M0 ${-reach}V${reach}` : bar;
}

function markClass(kind, mark, lit, dim) {
  const sign = mark.dead ? "dead" : mark.size >= 0 ? "pos" : "neg";
  return `cc-dir-${kind} ${sign}${lit ? " lit" : ""}${dim ? " dim" : ""}`;
}

function makeMark() {
  const node = svgNode("g", {});
  node.__halo = svgNode("circle", { class: "cc-dir-halo" }, node);
  node.__body = svgNode("path", { class: "cc-dir-body" }, node);
  node.__sign = svgNode("path", { class: "cc-dir-sign" }, node);
  return node;
}

function circlePath(radius) {
  return `M${-radius} 0A${radius} ${radius} 0 1 1 ${radius} 0A${radius} ${radius} 0 1 1 ${-radius} 0Z`;
}

function changeMark(node, kind, mark, place, { lit, dim, label, target, pinned }) {
  const star = kind === "star";
  const radius = tenth(star ? mark.radius + 3 : Math.max(3, mark.radius * 0.8));
  setAttributes(node, {
    transform: `translate(${tenth(place[0])} ${tenth(place[1])})`,
    class: markClass(kind, mark, lit, dim),
  });
  setAttributes(node.__halo, { r: radius + (star ? 4 : 5) });
  setAttributes(node.__body, { d: star ? starPath(0, 0, radius) : circlePath(radius) });
  const shown = radius >= SIGNED_MARK && !mark.dead;
  setAttributes(node.__sign, { d: shown ? signPath(mark.size, tenth(radius * (star ? 0.27 : 0.42))) : "M0 0" });
  markTarget(node, target, label, pinned);
}

/**
 * All marks: the neurons of the other seeds and those of the shown network where `placeOf(u)` says, the stars of the
 * optimum where `starOf(u)` says; `groups` are {others, dots, stars}.
 */
export function drawMarksIn({ others, dots, stars }, model, placeOf, starOf) {
  setAttributes(others, { class: `cc-dir-others${model.othersLook}` });
  drawOthers(others, model, placeOf);
  setAttributes(dots, { class: `cc-dir-dots${model.dotsLook}` });
  drawDots(dots, model, placeOf);
  setAttributes(stars, { class: `cc-dir-stars${model.starsLook}` });
  drawStars(stars, model, starOf);
}

/** Where the ways of neurons begin; `placeOf({u, time})` is where a step of a way lies. */
export function drawBorn(group, model, radius, placeOf) {
  setAttributes(group, { class: `cc-dir-born${model.dotsLook}` });
  keyedChildren(
    group,
    model.trails,
    ({ j }) => j,
    () => svgNode("circle", { r: radius }),
    (node, { steps }) => {
      const [cx, cy] = placeOf(steps[0]);
      setAttributes(node, { cx: tenth(cx), cy: tenth(cy) });
    },
  );
}

/** Stars of the optimum in `group`; `placeOf(u)` is where a direction lies. */
function drawStars(group, model, placeOf) {
  const { focus } = model.derived;
  keyedChildren(
    group,
    model.stars,
    ({ j }) => j,
    makeMark,
    (node, mark) => {
      const lit = Boolean(focus?.filters?.[mark.j]);
      changeMark(node, "star", mark, placeOf(mark.u), {
        lit,
        dim: Boolean(focus && focus.target.kind !== "cell" && !lit && focus.filters?.some(Boolean)),
        label: `filter ${mark.j + 1} of the optimum, weight ${signed(mark.size, 3)}`,
        target: { kind: "filter", j: mark.j },
        pinned: focus?.pinned && focus.target.kind === "filter" && focus.target.j === mark.j,
      });
    },
  );
  tabStop(group);
}

/** Dots of the shown network in `group`. */
function drawDots(group, model, placeOf) {
  const { focus } = model.derived;
  // larger ones first, so that a small one is never hidden below; what does nothing lies lowest
  const dots = [...model.dots].sort((one, other) => other.dead - one.dead || other.radius - one.radius);
  keyedChildren(
    group,
    dots,
    ({ j }) => j,
    makeMark,
    (node, mark) => {
      const lit = Boolean(focus?.neurons?.[mark.j]);
      changeMark(node, "dot", mark, placeOf(mark.u), {
        lit,
        dim: false,
        label: `neuron ${mark.j + 1}, weight ${signed(mark.size, 3)}`,
        target: { kind: "neuron", j: mark.j },
        pinned: focus?.pinned && focus.target.kind === "neuron" && focus.target.j === mark.j,
      });
    },
  );
  tabStop(group);
}

/** The neurons of the other seeds, small and faint: where else descent ends up. */
function drawOthers(group, model, placeOf) {
  keyedChildren(
    group,
    model.others,
    ({ key }) => key,
    () => svgNode("circle", { r: 2.2 }),
    (node, { u }) => {
      const [x, y] = placeOf(u);
      setAttributes(node, { cx: tenth(x), cy: tenth(y) });
    },
  );
}

/** Where the words of the peak stand: to the right (side 1) or left (-1), level or a little up or down: where they hide least. */
function freePlace(taken, x, y, width) {
  const outward = x > width / 2 ? 1 : -1;
  const places = [1, -1].flatMap((side) => [0, -28, 28, -48, 48].map((lift) => ({ side, lift })));
  const cost = ({ side, lift }) => {
    const end = x + side * (20 + WORDS_WIDTH);
    const hides = ([sx, sy]) => Math.abs(sy - y - lift) < 28 && (sx - x) * side > -6 && (sx - end) * side < 12;
    const outside = end < 0 || end > width || y + lift < 20;
    return (outside ? 10 : 0) + taken.filter(hides).length + (side === outward ? 0 : 0.5) + Math.abs(lift) / 150;
  };
  return places.reduce((best, place) => (cost(place) < cost(best) ? place : best));
}

/** The hollow star at the highest point of the curve: the filter that is missing. */
export function createPeakRing(parent) {
  const node = svgNode("g", { class: "cc-dir-peak", tabindex: "0" }, parent);
  const pulse = svgNode("path", { class: "pulse", d: starPath(0, 0, PEAK_STAR) }, node);
  svgNode("circle", { class: "area", r: 18 }, node);
  svgNode("path", { class: "ring", d: starPath(0, 0, PEAK_STAR) }, node);
  const plus = svgNode("path", { class: "plus", d: "M-3.5 0.5H3.5M0 -3V4" }, node);
  const title = svgNode("text", { class: "cc-dir-peak-title" }, parent);
  const detail = svgNode("text", { class: "cc-dir-peak-detail" }, parent);
  return {
    node,
    /** Put the ring at a place; the words stand beside it where they hide none of the places `taken`. */
    update(model, place, width, taken) {
      const shown = Boolean(place) && model.through && model.show !== "optimum" && !model.stale;
      for (const each of [node, title, detail]) setAttributes(each, { display: shown ? null : "none" });
      if (!shown) return;
      const [x, y] = place;
      const times =
        model.ceiling === null ? null : decimals(model.ceiling, model.ceiling < 1.01 ? 4 : model.ceiling < 9.95 ? 2 : 0);
      setAttributes(node, { transform: `translate(${tenth(x)} ${tenth(y)})` });
      setAttributes(pulse, { display: model.playing ? "none" : null });
      setAttributes(plus, { display: model.refusal ? "none" : null });
      markTarget(
        node,
        { kind: "direction", u: model.derived.peak.u },
        `the missing filter, ${times ?? "some"} times the ceiling: add it`,
        false,
      );
      node.setAttribute("tabindex", "0");
      const { side, lift } = freePlace(taken, x, y, width);
      const anchor = side > 0 ? "start" : "end";
      const at = { x: tenth(x + side * 19), "text-anchor": anchor };
      setAttributes(title, { ...at, y: tenth(y + lift - 3) });
      setAttributes(detail, { ...at, y: tenth(y + lift + 15) });
      title.textContent = "missing filter";
      detail.textContent = times === null ? "too high" : `${times} × β`;
    },
  };
}

/** A small drawing of a filter: what a network that points in this direction looks for. */
export function drawGlyph(node, scene, u, x, y, side) {
  const parts = (node.__parts ??= ["axis", "pale", "solid", "hollow", "rule"].map((name) => [
    name,
    svgNode("path", { class: name }, node),
  ]));
  const shape = filterShape(scene, u, 1);
  for (const [name, path] of parts) setAttributes(path, { d: shape[name] || "M0 0" });
  setAttributes(node, {
    class: "cc-dir-glyph",
    transform: `translate(${tenth(x - side / 2)} ${tenth(y - side / 2)}) scale(${side})`,
  });
}
