/**
 * Predictions against targets, sample by sample: a tick is the target, a star the optimum, a dot the network that is
 * shown, the line between tick and network the error.
 *
 * Up to twelve samples are rows; more are columns in the order of their targets, so that each keeps its own place even
 * where many share a target (classes +1 and -1). A filter that is pointed at shows what it adds to each prediction, any
 * other direction how it responds (what a filter of size one there would add).
 */

import { keyedChildren, setAttributes, setText, starPath, svgNode } from "./dom.js";
import { decimals, sampleHue, signed } from "./format.js";
import { asRow, asTarget } from "./outcome_targets.js";

const MOST_ROWS = 12;
/** Rows closer than this have no numbers. */
const LEAST_PITCH = 11.5;
/** Digits of this size are lower than the least row. */
const LEAST_NAME = 13;
/** Left of the rows stand the samples' names, left of the columns the values. */
const PREDICTION_MARGIN = { left: 26, right: 12, numbers: 44, axis: 18 };

/** Steps of 1, 2 or 5 times a power of ten, about `count` of them between two values. */
export function axisTicks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(tick);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** From the least to the greatest value with a margin; the shown network may widen it by half on either side. */
export function predictionRange(fixed, shown) {
  const low = Math.min(0, ...fixed);
  const high = Math.max(0, ...fixed);
  const span = high - low || 1;
  const from = Math.max(low - span / 2, Math.min(low, ...shown));
  const to = Math.min(high + span / 2, Math.max(high, ...shown));
  return { low: from - 0.08 * span, high: to + 0.08 * span };
}

/** Keeps a range while it still fits, so that the axis does not tremble while a bar is dragged. */
function calmRange(held, wanted) {
  if (!held) return wanted;
  const fits = held.low <= wanted.low && held.high >= wanted.high;
  return fits && held.high - held.low < 1.6 * (wanted.high - wanted.low) ? held : wanted;
}

/** Where each sample and each value lies: rows or columns. */
function chartOf(n, range, width, height) {
  const { left, numbers, axis } = PREDICTION_MARGIN;
  const share = (value) => Math.max(0, Math.min(1, (value - range.low) / (range.high - range.low)));
  if (n <= MOST_ROWS) {
    const pitch = Math.min(38, (height - axis) / n);
    const along = (value) => left + (width - left - numbers) * share(value);
    return { rows: true, pitch, along, end: pitch * n, right: width - numbers, numbers: pitch >= LEAST_PITCH };
  }
  const bottom = height - 6;
  const right = width - PREDICTION_MARGIN.right;
  const pitch = (right - left) / n;
  const along = (value) => bottom - (bottom - 6) * share(value);
  return { rows: false, pitch, along, end: bottom, right, numbers: false };
}

/** A bar from 0; one that goes on beyond the range is broken at its end. */
function addedPath(share, { low, high }, pixel, bar) {
  const end = Math.max(low, Math.min(high, share));
  if (end === share) return bar(0, share);
  const step = Math.sign(share) * pixel;
  return bar(0, end - 14 * step) + bar(end - 10 * step, end - 7 * step) + bar(end - 3 * step, end);
}

/** The error of a prediction; with the logistic loss, where there is none, the probability of the true class. */
function goodness(loss, target, prediction) {
  if (loss !== "logistic") return signed(prediction - target, 2);
  return `${Math.round(100 / (1 + Math.exp(-target * prediction)))} %`;
}

/** The chart; returns `{ update(state, derived, view, width, height) }`. */
export function createOutcomePredictions(root, store) {
  const svg = svgNode("svg", { class: "cc-predictions" }, root);
  const grid = svgNode("g", { class: "cc-grid" }, svg);
  const zero = svgNode("path", { class: "cc-axis" }, svg);
  const rows = svgNode("g", { role: "group", "aria-label": "Predictions, sample by sample" }, svg);
  const column = svgNode("text", { class: "cc-tick", "text-anchor": "end" }, svg);
  const settle = asRow(rows, root);
  let held = null;
  let heldFor = null;

  const makeRow = (item) => {
    const node = svgNode("g", { class: "cc-row", role: "button" });
    const part = (tag, name) => svgNode(tag, { class: name }, node);
    node.__parts = {
      back: part("rect", "cc-row-back"),
      name: part("text", "cc-row-name"),
      adds: part("path", "cc-adds"),
      error: part("path", "cc-error"),
      target: part("path", "cc-target"),
      dot: part("circle", "cc-dot"),
      star: part("path", "cc-star"),
      amount: part("text", "cc-halo cc-bold cc-amount"),
    };
    asTarget(node, store, () => ({ kind: "sample", i: node.__sample ?? item.i }));
    return node;
  };

  const changeRow = (node, { i, at }, given) => {
    const { chart, width, scene, optimum, shown, kind, old, focus, loss, view } = given;
    const { back, name, adds, error, target, dot, star, amount } = node.__parts;
    const { rows: flat, pitch, along } = chart;
    const middle = flat ? pitch * (at + 0.5) : PREDICTION_MARGIN.left + pitch * (at + 0.5);
    const point = (value) => (flat ? [along(value), middle] : [middle, along(value)]);
    const line = (from, to, shift = 0) => {
      const [x0, y0] = point(from);
      const [x1, y1] = point(to);
      return flat
        ? `M${x0.toFixed(1)} ${y0 + shift}H${x1.toFixed(1)}`
        : `M${x0 + shift} ${y0.toFixed(1)}V${y1.toFixed(1)}`;
    };
    node.__sample = i;
    const lit = focus?.i === i;
    const parts = [`target ${decimals(scene.y[i], 2)}`];
    if (optimum) parts.push(`optimum ${decimals(optimum[i], 2)}`);
    if (shown) parts.push(`${kind === "hand" ? "by hand" : "SGD"} ${decimals(shown[i], 2)}`);
    setAttributes(node, {
      class: `cc-row${lit ? " cc-lit" : ""}`,
      "aria-pressed": focus?.pinned && focus.target.kind === "sample" && focus.i === i ? "true" : "false",
    });
    setAttributes(
      back,
      flat
        ? { x: 0, y: middle - pitch / 2 + 0.5, width, height: Math.max(1, pitch - 1), rx: 6 }
        : { x: middle - pitch / 2, y: 0, width: pitch, height: chart.end, rx: Math.min(4, pitch / 2) },
    );
    setText(name, flat ? i + 1 : "");
    setAttributes(name, {
      x: 8,
      y: middle + 5,
      style: `fill: ${sampleHue(i)}; font-size: ${Math.max(LEAST_NAME, Math.min(15, pitch)).toFixed(1)}px`,
    });
    const [tx, ty] = point(scene.y[i]);
    const reach = flat ? Math.min(12, pitch * 0.42) : pitch * 0.42;
    const logistic = loss === "logistic";
    const arrow = flat ? `l${4 * Math.sign(scene.y[i])} 0` : `l0 ${-4 * Math.sign(scene.y[i])}`;
    setAttributes(target, {
      d:
        (flat ? `M${tx.toFixed(1)} ${ty - reach}v${2 * reach}` : `M${tx - reach} ${ty.toFixed(1)}h${2 * reach}`) +
        (logistic ? `M${tx} ${ty}${arrow}` : ""),
    });
    const value = view.show === "optimum" ? optimum : (shown ?? optimum);
    // the logistic loss has no target to miss, only a wrong side
    const from = logistic ? 0 : scene.y[i];
    const missed = value && (!logistic || value[i] * scene.y[i] < 0);
    setAttributes(error, {
      d: missed ? line(from, value[i]) : null,
      class: `cc-error cc-${value === shown ? kind : "optimum"}${value === shown && old ? " cc-faded" : ""}`,
    });
    const [sx, sy] = optimum ? point(optimum[i]) : [0, 0];
    setAttributes(star, {
      d: optimum ? starPath(sx, sy, Math.max(4.5, Math.min(9, pitch * 0.42))) : null,
      class: `cc-star${given.starOld ? " cc-soon" : ""}`,
    });
    const [dx, dy] = shown ? point(shown[i]) : [tx, ty];
    setAttributes(dot, {
      cx: dx.toFixed(1),
      cy: dy.toFixed(1),
      r: Math.max(3.2, Math.min(6, pitch * 0.3)),
      visibility: shown ? null : "hidden",
      class: `cc-dot cc-${kind}${old ? " cc-faded" : ""}`,
    });
    const added = focus?.contributions ?? focus?.responses ?? null;
    const share = added ? added[i] : null;
    const sign = !focus?.contributions ? "cc-muted" : share > 0 ? "cc-plus" : "cc-minus";
    const shift = flat ? Math.min(9, pitch * 0.3) : pitch * 0.3;
    const pixel = (given.range.high - given.range.low) / (flat ? width : chart.end);
    const bar = (from, to) => line(from, to, shift);
    setAttributes(adds, {
      // a response has another unit than this axis: it is only written
      d: focus?.contributions && share ? addedPath(share, given.range, pixel, bar) : null,
      class: `cc-adds ${sign}`,
    });
    // the column of numbers: what a filter adds while one is pointed at, else how good the prediction is
    const current = value && !(value === shown ? old : given.starOld);
    const number = added ? signed(share, 2) : current ? goodness(loss, scene.y[i], value[i]) : "";
    const written = chart.numbers ? number : "";
    setText(amount, written);
    // what is written in the row is part of its name
    setAttributes(node, { "aria-label": `Sample ${i + 1}${written && ` ${written}`}: ${parts.join(", ")}` });
    const tone = added ? `cc-bold ${sign}` : "cc-muted";
    setAttributes(amount, { x: width - 2, y: middle + 4.5, "text-anchor": "end", class: `cc-amount ${tone}` });
  };

  const changeAxis = (chart, range) => {
    const { left } = PREDICTION_MARGIN;
    const { ticks, digits } = axisTicks(range.low, range.high, chart.rows ? 5 : 4);
    keyedChildren(
      grid,
      ticks,
      (_tick, index) => index,
      () => {
        const node = svgNode("g");
        svgNode("path", { class: "cc-hairline" }, node);
        svgNode("text", { class: "cc-tick" }, node);
        return node;
      },
      (node, tick) => {
        const at = chart.along(tick).toFixed(1);
        const [mark, text] = node.children;
        setAttributes(mark, { d: chart.rows ? `M${at} 0V${chart.end}` : `M${left} ${at}H${chart.right}` });
        setText(text, chart.rows && Number(at) > chart.right - 8 ? "" : decimals(tick, digits));
        setAttributes(
          text,
          chart.rows
            ? { x: at, y: chart.end + 14, "text-anchor": "middle" }
            : { x: left - 5, y: Number(at) + 4, "text-anchor": "end" },
        );
      },
    );
    const at = chart.along(0).toFixed(1);
    setAttributes(zero, { d: chart.rows ? `M${at} 0V${chart.end}` : `M${left} ${at}H${chart.right}` });
  };

  return {
    update(state, derived, view, width, height) {
      if (!width || !height) return;
      const { scene, outputs, focus, n } = derived;
      const whole = (values) => (values?.length === n ? values : null);
      const kind = view.show === "hand" ? "hand" : "sgd";
      const optimum = whole(outputs.optimum);
      const shown = whole(outputs[kind]);
      const wanted = predictionRange([...scene.y, ...(optimum ?? [])], shown ?? []);
      const owner = `${scene.name} ${n}`;
      held = calmRange(heldFor === owner ? held : null, wanted);
      heldFor = owner;
      const chart = chartOf(n, held, width, height);
      setAttributes(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
      changeAxis(chart, held);
      const measure = scene.loss === "logistic" ? "p(class)" : "error";
      setText(
        column,
        chart.numbers && optimum ? (focus?.contributions ? "adds" : focus?.responses ? "response" : measure) : "",
      );
      setAttributes(column, { x: width - 2, y: chart.end + 14 });
      const order = scene.y.map((_target, i) => i);
      if (!chart.rows) order.sort((i, j) => scene.y[i] - scene.y[j] || i - j);
      const given = {
        chart,
        range: held,
        width,
        view,
        scene,
        optimum,
        shown,
        kind,
        focus,
        loss: scene.loss,
        old: !derived.current[kind],
        starOld: !derived.current.optimum,
      };
      keyedChildren(
        rows,
        order.map((i, at) => ({ i, at })),
        (_item, index) => index,
        makeRow,
        (node, item) => changeRow(node, item, given),
      );
      settle();
    },
  };
}
