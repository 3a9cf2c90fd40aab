/**
 * The right panel, "How good is it?": the thermometer, the numbers, predictions or training curves, and the filters.
 *
 * It is built once; `update(state, derived)` then only writes what changed. The choice between predictions and curves
 * belongs to this panel alone.
 */

import { htmlNode, setAttributes, setText, starPath, svgNode } from "./dom.js";
import { setTerms } from "./glossary.js";
import { createOutcomeCurves } from "./outcome_curves.js";
import { createOutcomeGauge } from "./outcome_gauge.js";
import { createOutcomePredictions } from "./outcome_predictions.js";
import { createOutcomeTiles } from "./outcome_tiles.js";
import { createOutcomeTransport } from "./outcome_transport.js";
import { gapText, objectiveText, outcomeView } from "./outcome_view.js";

/** The four numbers: name of data-cc, plain words, the field's term as a tip. */
const OUTCOME_NUMBERS = [
  ["objective", "objective", "Loss plus beta times the sizes of the filters, of the network that is shown."],
  ["lower-bound", "proved ≥", "Certified lower bound: no network of this kind gets below, whatever its width."],
  ["gap", "gap", "Relative gap: (objective - lower bound) / objective."],
  ["active-filters", "filters", "Active filters: those whose size is not zero."],
];

/** Fill the panel's root; returns `{ update(state, derived) }`. */
export function createOutcomePanel(root, store) {
  const heading = htmlNode("div", { class: "cc-outcome-head" }, root);
  htmlNode("h2", { class: "cc-h" }, heading, "How good is it?");
  setTerms(htmlNode("span", { class: "cc-sub" }, heading), "objective, lower is better", store.state.terms);
  const waiting = htmlNode("span", { class: "cc-sub cc-waiting" }, heading);
  const gauge = createOutcomeGauge(htmlNode("div", { class: "cc-gauge-box" }, root), store);
  const numbers = createNumbers(root);
  const bar = htmlNode("div", { class: "cc-stage-bar" }, root);
  const seg = htmlNode("div", { class: "cc-seg", role: "group", "aria-label": "What is drawn below" }, bar);
  const stage = htmlNode("div", { class: "cc-stage" }, root);
  const predictions = createOutcomePredictions(htmlNode("div", { class: "cc-stage-layer" }, stage), store);
  const curves = createOutcomeCurves(htmlNode("div", { class: "cc-stage-layer" }, stage), store);
  const transport = createOutcomeTransport(root, store);
  const filters = createOutcomeTiles(root, store, "filter");
  const neurons = createOutcomeTiles(root, store, "neuron");
  let chosen = "predictions";
  let last = null;
  let size = { width: 0, stageHeight: 0 };

  const switches = ["predictions", "curves"].map((name) => {
    const node = htmlNode("button", { type: "button" }, seg, name === "curves" ? "Curves" : "Predictions");
    node.addEventListener("click", () => {
      chosen = name;
      draw();
    });
    return { name, node };
  });
  const legend = createLegend(bar, store.state.terms);

  function draw() {
    if (!last) return;
    const { state, derived } = last;
    const view = outcomeView(state, derived);
    const { width, stageHeight } = size;
    gauge.update(view, width);
    numbers.update(view);
    for (const { name, node } of switches) setAttributes(node, { "aria-pressed": name === chosen ? "true" : "false" });
    [...stage.children].forEach((layer, index) => {
      layer.hidden = (chosen === "curves") !== (index === 1);
    });
    if (chosen === "curves") curves.update(derived, view, width, stageHeight);
    else predictions.update(state, derived, view, width, stageHeight);
    legend.update(view, chosen);
    transport.update(state, view);
    drawTiles(state, derived, view);
    const busy = !view.best?.fresh && !state.error;
    setText(waiting, busy ? (state.estimate ? "solves on release" : "solving …") : "");
    setAttributes(root, { "aria-busy": busy ? "true" : "false" });
  }

  function drawTiles(state, derived, view) {
    const { nets, focus, current } = derived;
    const kind = view.show === "hand" ? "hand" : "sgd";
    const sizes = nets.optimum?.sizes ?? nets[kind]?.sizes ?? [];
    const largest = Math.max(0, ...sizes.map(Math.abs));
    filters.update({
      derived,
      largest,
      title: "★ Optimum",
      tone: "green",
      net: nets.optimum,
      old: !current.optimum,
      shares: focus?.filterShares ?? null,
      level: nets.optimum?.level,
      lit: focus?.filters,
      hint: "solving …",
      name: "Filter",
      words: ["filter", "filters"],
    });
    neurons.update({
      derived,
      largest: largest || Math.max(0, ...(nets[kind]?.sizes ?? []).map(Math.abs)),
      title: kind === "hand" ? "◆ By hand" : `● SGD${view.run ? ` seed ${view.run.chosen + 1}` : ""}`,
      tone: kind === "hand" ? "ink" : "purple",
      net: nets[kind],
      old: nets[kind] !== null && !current[kind],
      shares: focus?.neuronShares ?? null,
      level: nets[kind]?.level,
      lit: focus?.neurons,
      hint: nets[kind] ? "other data" : "Press Play SGD to train on these data.",
      name: "Neuron",
      words: ["neuron", "neurons"],
    });
  }

  new ResizeObserver(() => {
    const next = { width: Math.floor(stage.clientWidth), stageHeight: Math.floor(stage.clientHeight) };
    if (next.width === size.width && next.stageHeight === size.stageHeight) return;
    size = next;
    draw();
  }).observe(stage);

  return {
    update(state, derived) {
      last = { state, derived };
      draw();
    },
  };
}

/** The row of numbers; full precision in data-value, empty while the library has not answered. */
function createNumbers(root) {
  const list = htmlNode("dl", { class: "cc-numbers" }, root);
  const nodes = Object.fromEntries(
    OUTCOME_NUMBERS.map(([name, words, tip]) => {
      const cell = htmlNode("div", { "data-tip": tip }, list);
      const term = htmlNode("dt", { class: "cc-sub" }, cell, words);
      return [name, { term, value: htmlNode("dd", { class: "cc-num", "data-cc": name, "data-value": "" }, cell, "–") }];
    }),
  );
  const write = (name, value, known, text) => {
    const there = value !== null && value !== undefined;
    setText(nodes[name].value, there ? text(value) : "–");
    setAttributes(nodes[name].value, { "data-value": there && known ? String(value) : "" });
  };
  return {
    update({ numbers, asked, best }) {
      const known = numbers.objective !== null;
      // while the library works on the present scene its last answer stays to be read, paler
      const last = asked === "optimum" && best ? { ...best, active: best.count } : numbers;
      const said = known ? numbers : last;
      write("objective", said.objective, known, objectiveText);
      write("lower-bound", said.lower, known, objectiveText);
      write("gap", said.gap, known, gapText);
      write("active-filters", said.active, known, String);
      setText(nodes["active-filters"].term, asked === "optimum" ? "filters" : "neurons");
      const tone = { optimum: "green", sgd: "purple", hand: "ink" }[asked];
      setAttributes(list, { class: `cc-numbers cc-${tone}${known ? "" : " cc-soon"}` });
    },
  };
}

/** What the marks of the chart mean. */
function createLegend(bar, terms) {
  const root = htmlNode("div", { class: "cc-legend cc-sub" }, bar);
  const entry = (text, draw) => {
    const node = htmlNode("span", null, root);
    draw(svgNode("svg", { width: 16, height: 14, "aria-hidden": "true" }, node));
    const words = htmlNode("span", null, node);
    setTerms(words, text, terms);
    return { node, words };
  };
  const target = entry("target", (svg) => svgNode("path", { d: "M8 1V13", class: "cc-target" }, svg));
  const optimum = entry("optimum", (svg) => svgNode("path", { d: starPath(8, 7.5, 7), class: "cc-star" }, svg));
  const network = entry("SGD", (svg) => svgNode("circle", { cx: 8, cy: 7, r: 5, class: "cc-dot cc-sgd" }, svg));
  const excess = htmlNode(
    "span",
    { "data-tip": "(objective - optimum) / optimum, on logarithmic axes" },
    root,
  );
  return {
    update(view, chosen) {
      const hand = view.show === "hand";
      for (const { node } of [target, optimum, network]) node.hidden = chosen === "curves";
      excess.hidden = chosen !== "curves";
      setText(excess, view.best && !view.best.proved ? "above the best found" : "above the best possible");
      setTerms(network.words, hand ? "hand" : "SGD", terms);
      setAttributes(network.node.querySelector("circle"), { class: `cc-dot cc-${hand ? "hand" : "sgd"}` });
    },
  };
}
