/**
 * The thermometer of the objective: from 0 to the zero network, what is out of reach, the optimum, and every seed.
 *
 * Hatched is what the certified lower bound excludes; the star is the best network known; a dot is a seed of SGD at the
 * present frame, the chosen one large with a bracket down to what its own dual vector proves; diamonds are the steps
 * made by hand, their bracket closing with every step.
 */

import { keyedChildren, setAttributes, setText, starPath, svgNode } from "./dom.js";
import { excessText, objectiveText } from "./outcome_view.js";
import { pointerIn } from "./pixels.js";

const GAUGE_HEIGHT = 120;
const GAUGE_TUBE = { y: 75, half: 7 };
const GAUGE_MARGIN = { left: 2, right: 10 };
/** Distance of two dots on top of each other, and the height that all levels share. */
const DOT_PITCH = 12.5;
const DOT_SPACE = 32;
/** A dot this near to a click is meant by it. */
const FINGER = 26;
/** A bound of at least this part of the best one is no longer "only". */
const NEARLY = 0.99;
/** A narrower bracket says nothing. */
const LEAST_BRACKET = 12;
/** Nearer to the left end than this, the star's name has no room beside it and goes to the top. */
const TIGHT_STAR = 170;
/** Width of a letter of the labels, 13 px bold, where it cannot be measured. */
const GAUGE_LETTER = 7.6;
/** A narrower gauge has no room for all words below it. */
const GAUGE_ROOMY = 290;

/** Where everything stands, from the view (outcome_view.js) and the width: pure, so that it can be tested. */
export function gaugeLayout(view, width) {
  const { best, run, hand } = view;
  const end = width - GAUGE_MARGIN.right;
  const finite = [view.zero, best?.objective].filter(Number.isFinite);
  const top = Math.max(...finite, 0) * 1.04 || 1;
  const place = (value) => {
    const share = Math.max(0, value) / top;
    return { x: GAUGE_MARGIN.left + (end - GAUGE_MARGIN.left) * Math.min(1, share), beyond: share > 1 };
  };
  const star = best ? place(best.objective).x : null;
  return {
    place,
    end,
    star,
    hatched: best && best.lower !== null ? place(best.lower).x : GAUGE_MARGIN.left,
    zero: view.zero === null ? null : place(view.zero).x,
    dots: run ? swarm(run, place) : [],
    steps: hand ? hand.steps.map((step) => place(step.objective)) : [],
  };
}

/** Dots side by side in levels above the tube, so that none hides another; many in one place share the height. */
function swarm(run, place) {
  const taken = [];
  const dots = run.seeds.map((seed, index) => ({ index, ...place(seed.place), level: 0 }));
  // the chosen one first: it stays on the tube
  const order = [...dots].sort((a, b) => (b.index === run.chosen) - (a.index === run.chosen) || a.x - b.x);
  for (const dot of order) {
    const hit = () => taken.some((other) => other.level === dot.level && Math.abs(other.x - dot.x) < 12.5);
    while (hit()) dot.level += 1;
    taken.push(dot);
  }
  const pitch = Math.min(DOT_PITCH, DOT_SPACE / Math.max(1, ...dots.map((dot) => dot.level)));
  for (const dot of dots) dot.rise = dot.level * pitch;
  return dots;
}

/**
 * Write a label and say how wide it is. To measure costs a layout, and a drag writes new numbers all the time: digits are
 * equally wide, so only another wording is measured.
 */
function labelWidth(node, text) {
  setText(node, text);
  const wording = text.replace(/\d/g, "0");
  if (node.__wording !== wording) {
    node.__wording = wording;
    node.__wide = node.getComputedTextLength() || text.length * GAUGE_LETTER;
  }
  return node.__wide;
}

/** The middle of a label of this width, as near to x as the space from `low` to `high` allows. */
function fitted(wide, x, low, high) {
  return Math.max(low + wide / 2, Math.min(high - wide / 2, x));
}

/** The thermometer; returns `{ update(view, width) }`. */
export function createOutcomeGauge(root, store) {
  const svg = svgNode("svg", { class: "cc-gauge", height: GAUGE_HEIGHT, role: "group" }, root);
  const pattern = svgNode(
    "pattern",
    { id: "cc-hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svgNode("defs", null, svg),
  );
  svgNode("path", { d: "M0 0V7", class: "cc-hatch" }, pattern);
  const { y: mid, half } = GAUGE_TUBE;
  const tube = svgNode("rect", { y: mid - half, height: 2 * half, rx: 4, class: "cc-tube" }, svg);
  const reach = svgNode(
    "rect",
    { y: mid - half, height: 2 * half, rx: 4, class: "cc-unreachable", fill: "url(#cc-hatch)" },
    svg,
  );
  reach.dataset.tip =
    "Out of reach: the library has proved that no network of this kind gets here (certified lower bound).";
  const open = svgNode("rect", { y: mid - half, height: 2 * half, class: "cc-open" }, svg);
  open.dataset.tip = "Not decided: between the proved bound and the best network found.";
  const zeroMark = svgNode("path", { class: "cc-zero" }, svg);
  const bracket = svgNode("path", { class: "cc-bracket" }, svg);
  const bestMark = svgNode("g", { class: "cc-best" }, svg);
  const bestLead = svgNode("path", { class: "cc-best-lead" }, bestMark);
  const bestLine = svgNode("path", { class: "cc-best-line" }, bestMark);
  const bestStar = svgNode("path", { class: "cc-star" }, bestMark);
  const bestText = svgNode("text", { class: "cc-halo cc-green cc-bold" }, bestMark);
  const lead = svgNode("path", { class: "cc-lead" }, svg);
  const steps = svgNode("g", { class: "cc-steps" }, svg);
  const dotHeight = (dot) => mid - half - 10 - dot.rise;
  let placed = [];
  const dots = svgNode("g", { class: "cc-seeds", role: "radiogroup", "aria-label": "Seed of SGD" }, svg);
  // drawn last, so that no other seed hides it
  const chosenDot = svgNode("circle", { class: "cc-seed-dot cc-chosen-dot" }, svg);
  const nameText = svgNode("text", { class: "cc-halo cc-bold", "text-anchor": "middle", y: 14 }, svg);
  const provesText = svgNode("text", { class: "cc-halo", y: GAUGE_HEIGHT - 7, x: GAUGE_MARGIN.left }, svg);
  const zeroText = svgNode("text", { class: "cc-halo cc-muted", "text-anchor": "end", y: GAUGE_HEIGHT - 7 }, svg);

  dots.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const count = dots.children.length;
    if (!move || !count) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (Math.min(store.state.seed, count - 1) + move + count) % count;
    store.actions.seed(next);
    dots.children[next].focus();
  });

  const makeDot = (dot) => {
    const node = svgNode("g", { class: "cc-seed", role: "radio" });
    svgNode("circle", { r: 10, class: "cc-hit" }, node);
    svgNode("path", { d: "M-3 -4L1 0L-3 4", class: "cc-beyond" }, node);
    svgNode("circle", { class: "cc-seed-dot" }, node);
    node.addEventListener("click", (event) => {
      event.stopPropagation();
      store.actions.seed(dot.index);
    });
    return node;
  };

  // a finger need not hit a dot: the nearest within its reach is meant
  svg.addEventListener("click", (event) => {
    const [x, y] = pointerIn(event, svg);
    const far = (dot) => Math.hypot(dot.x - x, dotHeight(dot) - y);
    const nearest = placed.reduce((best, dot) => (best && far(best) <= far(dot) ? best : dot), null);
    if (nearest && far(nearest) < FINGER) store.actions.seed(nearest.index);
  });

  const changeDot = (node, dot, view) => {
    const chosen = dot.index === view.run.chosen;
    const big = chosen && view.show === "sgd";
    const y = dotHeight(dot);
    const { objective } = view.run.seeds[dot.index];
    const text = `seed ${dot.index + 1}: ${objectiveText(objective)} ${excessText(objective, view.best)}`;
    setAttributes(node, {
      transform: `translate(${dot.x.toFixed(2)} ${y})`,
      class: `cc-seed${chosen ? " cc-chosen" : ""}${dot.beyond ? " cc-far" : ""}`,
      "aria-checked": chosen ? "true" : "false",
      "aria-label": text,
      "data-tip": `${text.charAt(0).toUpperCase()}${text.slice(1)}. Click to follow this one.`,
      tabindex: chosen ? 0 : -1,
    });
    setAttributes(node.lastChild, { r: 5.5 });
    if (chosen) setAttributes(chosenDot, { cx: dot.x.toFixed(2), cy: y, r: big ? 7.5 : 5.5 });
  };

  const changeBest = (view, layout, width) => {
    const { best } = view;
    setAttributes(bestMark, { class: `cc-best${best?.fresh ? "" : " cc-soon"}`, visibility: best ? null : "hidden" });
    if (!best) return;
    const x = layout.star;
    const value = objectiveText(best.objective);
    const tight = x < TIGHT_STAR;
    const named = view.show !== "optimum";
    const words = best.proved ? (tight && named ? "best" : "best possible") : tight && named ? "found" : "best found";
    const wide = labelWidth(bestText, `${tight ? "★ " : ""}${words} ${value}`);
    const foot = Math.max(GAUGE_MARGIN.left + 6, Math.min(x, wide - 8));
    setAttributes(bestLead, { d: tight ? `M${foot.toFixed(1)} 20L${x.toFixed(1)} ${mid - half - 5}` : null });
    setAttributes(bestLine, { d: `M${x.toFixed(2)} ${mid - half - 4}V${mid + half + 4}` });
    setAttributes(bestStar, { d: starPath(x, mid + 0.5, 11) });
    setAttributes(bestText, {
      x: tight ? GAUGE_MARGIN.left : x - 10,
      y: tight ? 14 : mid - 13,
      "text-anchor": tight ? "start" : "end",
    });
    return tight ? wide + 12 : 0;
  };

  /** The chosen seed or the last step: its name, its line up to the name, its bracket down to its own bound. */
  const changeChosen = (view, layout, width, left) => {
    const { best, run, hand } = view;
    let mark = null;
    if (view.show === "hand" && hand) {
      const { objective, lower } = hand.steps[hand.steps.length - 1];
      const count = hand.steps.length;
      mark = { objective, lower, place: layout.steps[count - 1], fresh: hand.fresh };
      mark.name = `by hand, ${count} added: ${objectiveText(objective)}`;
      mark.proves = "by hand, proved";
    } else if (run && view.show === "sgd") {
      const { objective, lower } = run.seeds[run.chosen];
      mark = { objective, lower, place: layout.dots[run.chosen], fresh: run.fresh };
      mark.name = `${left ? "seed" : "SGD seed"} ${run.chosen + 1}: ${objectiveText(objective)}`;
      const good = best !== null && best.lower !== null && lower >= NEARLY * best.lower;
      mark.proves = `${width < GAUGE_ROOMY ? "" : "this seed "}proves${good ? "" : " only"}`;
    }
    const drawn = mark !== null && mark.fresh;
    const byHand = view.show === "hand";
    setAttributes(lead, { visibility: drawn ? null : "hidden", class: `cc-lead${byHand ? " cc-by-hand" : ""}` });
    setAttributes(nameText, {
      visibility: drawn ? null : "hidden",
      class: `cc-halo cc-bold cc-${byHand ? "ink" : "purple"}`,
    });
    const bounded = drawn && Number.isFinite(mark.lower);
    const wide = bounded && layout.place(mark.lower).x < mark.place.x - LEAST_BRACKET;
    setAttributes(bracket, {
      visibility: wide ? null : "hidden",
      class: `cc-bracket${byHand ? " cc-by-hand" : ""}`,
    });
    if (drawn) {
      const excess = excessText(mark.objective, best);
      const name = `${mark.name}${excess ? `, ${excess}` : ""}`;
      const middle = fitted(labelWidth(nameText, name), mark.place.x, left, width - 2);
      setAttributes(nameText, { x: middle.toFixed(1) });
      const from = Math.max(middle - 60, Math.min(middle + 60, mark.place.x));
      setAttributes(lead, { d: `M${from.toFixed(1)} 19L${mark.place.x.toFixed(1)} ${mid - half - 18}` });
    }
    if (wide) {
      const low = layout.place(mark.lower).x;
      const y = mid + half + 3;
      setAttributes(bracket, {
        d: `M${low.toFixed(1)} ${y}v9M${low.toFixed(1)} ${y + 4.5}H${mark.place.x.toFixed(1)}v-4.5`,
      });
    }
    return bounded ? `${mark.proves} ≥ ${objectiveText(mark.lower)}` : "";
  };

  return {
    update(view, width) {
      if (!width) return;
      const layout = gaugeLayout(view, width);
      const { best, run, hand } = view;
      setAttributes(svg, {
        width,
        viewBox: `0 0 ${width} ${GAUGE_HEIGHT}`,
        "aria-label": "Objective, lower is better",
      });
      const from = GAUGE_MARGIN.left;
      setAttributes(tube, { x: from, width: layout.end - from });
      setAttributes(reach, {
        x: from,
        width: Math.max(0, layout.hatched - from),
        class: `cc-unreachable${best?.fresh ? "" : " cc-soon"}`,
      });
      setAttributes(open, { x: layout.hatched, width: best ? Math.max(0, layout.star - layout.hatched) : 0 });
      setAttributes(zeroMark, {
        d: layout.zero === null ? null : `M${layout.zero.toFixed(1)} ${mid - half - 3}V${mid + half + 3}`,
      });
      const left = changeBest(view, layout, width) ?? 0;
      placed = layout.dots;
      keyedChildren(
        dots,
        layout.dots,
        (dot) => dot.index,
        makeDot,
        (node, dot) => changeDot(node, dot, view),
      );
      setAttributes(dots, { class: `cc-seeds${run?.fresh ? "" : " cc-old"}` });
      setAttributes(chosenDot, { visibility: run?.fresh ? null : "hidden" });
      keyedChildren(
        steps,
        layout.steps.map((step, index) => ({ ...step, index })),
        (step) => step.index,
        () => svgNode("path", { d: "M0 -7L7 0L0 7L-7 0Z" }),
        (node, step) =>
          setAttributes(node, {
            transform: `translate(${step.x.toFixed(1)} ${mid})`,
            class: `cc-step${step.index === hand.steps.length - 1 ? " cc-last" : ""}`,
          }),
      );
      setAttributes(steps, { visibility: view.show === "hand" ? null : "hidden" });
      const proves = changeChosen(view, layout, width, left);
      const proved = best?.fresh && best.lower !== null;
      setText(
        provesText,
        proves || (proved ? `${width < GAUGE_ROOMY ? "" : "hatched: "}out of reach, proved` : best?.fresh ? "nothing proved yet" : ""),
      );
      const tone = proves ? (view.show === "hand" ? "cc-ink" : "cc-purple") : proved ? "cc-green" : "cc-muted";
      setAttributes(provesText, { class: `cc-halo ${tone}` });
      setText(zeroText, view.zero === null ? "" : `no network ${objectiveText(view.zero)}`);
      setAttributes(zeroText, { x: width - 2 });
    },
  };
}
