/**
 * Training curves: how far every seed is above the certified optimum, (P - P*) / P*, on two logarithmic axes.
 *
 * The whole run is faint, what has been played is solid up to the playhead, the chosen seed is thick. Below the line at
 * the foot nothing can be told: it is the certified gap of the optimum, or a millionth. A drag moves the playhead.
 */

import { keyedChildren, setAttributes, setText, svgNode } from "./dom.js";
import { pointerIn } from "./pixels.js";

const CURVE_MARGIN = { left: 56, right: 12, top: 18, bottom: 22 };
/** Below this no excess is told apart from none. */
const LEAST_EXCESS = 1e-6;

/** Logarithms of the least and the greatest excess shown: a whole decade below, the last per cent always in it. */
export function excessDecades(curves, gap) {
  const floor = Math.max(LEAST_EXCESS, gap ?? 0);
  let low = -2;
  let high = -1;
  for (const curve of curves) {
    for (const excess of curve) {
      if (!Number.isFinite(excess)) continue;
      const decade = Math.log10(Math.max(floor, excess));
      low = Math.min(low, Math.floor(decade - 0.2));
      high = Math.max(high, decade);
    }
  }
  return { low: Math.max(low, Math.log10(LEAST_EXCESS)), high: Math.min(3, high) + 0.05 };
}

function percentText(decade) {
  const percent = 10 ** (decade + 2);
  return percent >= 1 ? `${percent.toLocaleString("en")} %` : `${percent.toFixed(-(decade + 2))} %`;
}

/** The chart; returns `{ update(derived, view, width, height) }`. */
export function createOutcomeCurves(root, store) {
  const svg = svgNode("svg", { class: "cc-curves" }, root);
  const clip = svgNode("clipPath", { id: "cc-played" }, svgNode("defs", null, svg));
  const played = svgNode("rect", { y: 0 }, clip);
  const grid = svgNode("g", null, svg);
  const times = svgNode("g", null, svg);
  const ahead = svgNode("g", { class: "cc-ahead" }, svg);
  const behind = svgNode("g", { class: "cc-behind", "clip-path": "url(#cc-played)" }, svg);
  const foot = svgNode("path", { class: "cc-foot" }, svg);
  const playhead = svgNode("path", { class: "cc-playhead" }, svg);
  const heads = svgNode("g", null, svg);
  const footText = svgNode("text", { class: "cc-halo cc-green cc-small" }, svg);
  const moment = svgNode("text", { class: "cc-halo cc-muted cc-small" }, svg);
  const note = svgNode("text", { class: "cc-halo cc-muted", "text-anchor": "middle" }, svg);
  const cover = svgNode("rect", { class: "cc-cover" }, svg);
  let scale = null;
  let dragged = false;

  const frameAt = (event) => {
    const [x] = pointerIn(event, svg);
    const it = Math.expm1(((x - scale.left) / scale.wide) * Math.log1p(scale.total));
    const { frames } = scale;
    let high = frames.findIndex((frame) => frame.it >= it);
    if (high < 0) high = frames.length - 1;
    if (high === 0) return 0;
    const [before, after] = [frames[high - 1].it, frames[high].it];
    return Math.min(frames.length - 1, high - 1 + Math.min(1, (it - before) / (after - before || 1)));
  };
  cover.addEventListener("pointerdown", (event) => {
    if (!scale) return;
    cover.setPointerCapture(event.pointerId);
    dragged = true;
    store.actions.pause();
    store.actions.frame(frameAt(event));
  });
  cover.addEventListener("pointermove", (event) => {
    if (dragged && scale) store.actions.frame(frameAt(event));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    cover.addEventListener(name, () => {
      dragged = false;
    });
  }

  const drawGrid = (decades, y, width) => {
    const lines = [];
    for (let decade = Math.floor(decades.high); decade >= decades.low; decade -= 1) lines.push(decade);
    const every = lines.length > 6 ? 2 : 1;
    keyedChildren(
      grid,
      lines,
      (decade) => decade,
      () => {
        const node = svgNode("g");
        svgNode("path", { class: "cc-hairline" }, node);
        svgNode("text", { class: "cc-tick", "text-anchor": "end" }, node);
        return node;
      },
      (node, decade, index) => {
        const at = y(10 ** decade).toFixed(1);
        const [mark, text] = node.children;
        setAttributes(mark, { d: `M${CURVE_MARGIN.left} ${at}H${width - CURVE_MARGIN.right}` });
        setText(text, index % every ? "" : percentText(decade));
        setAttributes(text, { x: CURVE_MARGIN.left - 6, y: Number(at) + 4 });
      },
    );
  };

  const drawTimes = (total, x, height) => {
    const marks = [];
    for (let step = 1; step <= total; step *= 10) marks.push(step);
    keyedChildren(
      times,
      marks,
      (step) => step,
      () => svgNode("text", { class: "cc-tick", "text-anchor": "middle" }),
      (node, step) => {
        setText(node, step.toLocaleString("en"));
        setAttributes(node, { x: x(step).toFixed(1), y: height - 6 });
      },
    );
  };

  const drawCurves = (view, excess, x, y) => {
    const { iterations, curves } = excess;
    const order = curves.map((_curve, seed) => seed);
    for (const group of [ahead, behind]) {
      keyedChildren(
        group,
        order,
        (seed) => seed,
        () => svgNode("path"),
        (node, seed) => {
          if (node.__curve !== curves[seed] || node.__scale !== scale.key) {
            let path = "";
            curves[seed].forEach((value, f) => {
              path += `${f ? "L" : "M"}${x(iterations[f]).toFixed(1)} ${y(value).toFixed(1)}`;
            });
            setAttributes(node, { d: path });
            node.__curve = curves[seed];
            node.__scale = scale.key;
          }
          setAttributes(node, { class: `cc-curve${seed === view.run.chosen ? " cc-chosen" : ""}` });
        },
      );
    }
    const low = Math.min(iterations.length - 1, Math.floor(view.run.at));
    const high = Math.min(iterations.length - 1, low + 1);
    const share = view.run.at - low;
    keyedChildren(
      heads,
      order,
      (seed) => seed,
      (seed) => {
        const node = svgNode("circle");
        node.addEventListener("click", () => store.actions.seed(seed));
        return node;
      },
      (node, seed) => {
        const from = y(curves[seed][low]);
        const to = y(curves[seed][high]);
        const chosen = seed === view.run.chosen;
        setAttributes(node, {
          cx: x(view.run.head).toFixed(1),
          cy: (from + share * (to - from)).toFixed(1),
          r: chosen ? 6 : 3.5,
          class: `cc-dot cc-sgd${chosen ? " cc-chosen" : ""}`,
        });
      },
    );
  };

  return {
    update(derived, view, width, height) {
      if (!width || !height) return;
      setAttributes(svg, { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
      const { run, best } = view;
      const excess = run && derived.excess?.curves?.length ? derived.excess : null;
      const known = Boolean(excess);
      for (const node of [grid, times, ahead, behind, foot, playhead, heads, footText, moment]) {
        setAttributes(node, { visibility: known ? null : "hidden" });
      }
      setText(
        note,
        known
          ? ""
          : run
            ? "Trained on other data or another setting: press Play SGD"
            : "Press Play SGD: every seed is drawn here",
      );
      setAttributes(note, { x: width / 2, y: height / 2 });
      setAttributes(svg, {
        "aria-label": known ? "Excess of every seed over the optimum, by iteration" : "No training curves yet",
      });
      scale = null;
      if (!known) return;
      const { left, right, top, bottom } = CURVE_MARGIN;
      const gap = best?.proved ? best.gap : 0;
      const decades = excessDecades(excess.curves, gap);
      const wide = width - left - right;
      const high = height - top - bottom;
      const x = (it) => left + (wide * Math.log1p(it)) / Math.log1p(run.total);
      const floor = 10 ** decades.low;
      const y = (value) => {
        const decade = Math.min(decades.high, Math.log10(Math.max(floor, value)));
        return top + (high * (decades.high - decade)) / (decades.high - decades.low);
      };
      scale = {
        left,
        wide,
        total: run.total,
        frames: run.frames,
        key: `${width} ${height} ${decades.low} ${decades.high} ${run.total}`,
      };
      drawGrid(decades, y, width);
      drawTimes(run.total, x, height);
      drawCurves(view, excess, x, y);
      const head = x(run.head);
      setAttributes(played, { width: Math.max(0, head), height });
      setAttributes(foot, { d: `M${left} ${top + high}H${width - right}` });
      setAttributes(playhead, { d: `M${head.toFixed(1)} ${top}V${top + high}` });
      const early = head < width / 2;
      setText(moment, `step ${run.iteration.toLocaleString("en")}`);
      setAttributes(moment, { x: head + (early ? -3 : 3), y: top - 6, "text-anchor": early ? "start" : "end" });
      setText(footText, best?.proved ? "★ the best possible lies below" : "");
      setAttributes(footText, { x: left + 4, y: top + high - 5 });
      setAttributes(cover, { x: left, y: top, width: wide, height: high });
    },
  };
}
