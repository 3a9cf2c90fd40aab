/**
 * Numbers and their targets as points of a graph, with the network's function: its knots are where filters begin to fire;
 * with two slopes it is piecewise linear, with thresholds it has steps, with squares it is a parabola.
 */
import { createHandPoint } from "./data_point.js";
import { keyedChildren, setAttributes, svgNode } from "./dom.js";
import { addSample, flipTarget, movePoint, setTarget } from "./edits.js";
import { decimals, signed } from "./format.js";
import { boundedValue, pointsAt, reachOf } from "./handles.js";
import { functionAt } from "./maths.js";
import { pointerIn } from "./pixels.js";

const LINE_AROUND = 1.08;
const LINE_HAND_GRAIN = 50;
const LINE_TALLEST = 330;
/** Places at which the graph is computed beside the knots; with two slopes it is straight between knots. */
const LINE_PLACES = 60;
/** Beside a knot the graph is computed so near to it. */
const LINE_STEP = 1e-6;
const LINE_NETWORKS = ["optimum", "sgd", "hand"];

/** Build in `box`; `select(i)` hears which point is in hand. */
export function createLine(box, store, { select, remove }) {
  const picture = svgNode("svg", { class: "cc-line", role: "group", "aria-label": "numbers and their targets" }, box);
  const back = svgNode("rect", { class: "cc-hit cc-ground" }, picture);
  const axes = svgNode("path", { class: "cc-axis" }, picture);
  const knots = svgNode("g", {}, picture);
  const errors = svgNode("g", {}, picture);
  const graphs = Object.fromEntries(LINE_NETWORKS.map((name) => [name, svgNode("path", {}, picture)]));
  const points = svgNode("g", {}, picture);
  const scale = { width: 0, height: 0, reach: 2, rise: 2 };
  const toX = (x) => (scale.width / 2) * (1 + x / scale.reach / LINE_AROUND);
  const toY = (y) => (scale.height / 2) * (1 - y / scale.rise / LINE_AROUND);
  const placeOf = (clientX, clientY) => {
    const [x, y] = pointerIn({ clientX, clientY }, picture);
    const round = (value, reach) => boundedValue(Math.round(value * LINE_HAND_GRAIN) / LINE_HAND_GRAIN, reach);
    return [
      round(((2 * x) / scale.width - 1) * scale.reach * LINE_AROUND, scale.reach),
      round((1 - (2 * y) / scale.height) * scale.rise * LINE_AROUND, scale.rise),
    ];
  };

  back.addEventListener("dblclick", (event) => {
    const [x, y] = placeOf(event.clientX, event.clientY);
    store.actions.edit((scene) => addSample(scene, [x], y));
    select(store.state.scene.X.length - 1);
  });

  function makeGraphPoint(i) {
    const node = createHandPoint(store, i, {
      at: () => [store.state.scene.X[i][0], store.state.scene.y[i]],
      reaches: () => [scale.reach, scale.rise],
      put: ([x, y], final) => store.actions.edit((scene) => setTarget(movePoint(scene, i, x), i, y), { final }),
      placeOf,
      select,
      remove,
      // a number has a class only with the logistic loss
      flip: () => store.actions.edit((scene) => (scene.loss === "logistic" ? flipTarget(scene, i) : scene)),
    });
    svgNode("circle", { class: "dot", r: 5.6 }, node);
    return node;
  }

  function placeKnots({ net, show, focus }) {
    const kind = show === "optimum" ? "filter" : "neuron";
    const lit = show === "optimum" ? focus?.filters : focus?.neurons;
    const make = () => {
      const node = svgNode("g", {});
      node.parts = [svgNode("path", {}, node), svgNode("path", { class: "cc-hit-line" }, node)];
      pointsAt(node, store, () => node.target);
      return node;
    };
    keyedChildren(knots, net?.filters ?? [], (_, j) => j, make, (node, [slope, bias], j) => {
      node.target = { kind, j };
      const at = -bias / slope;
      const d = Math.abs(at) <= scale.reach * LINE_AROUND ? `M${toX(at)} 0V${scale.height}` : null;
      setAttributes(node, { class: `cc-filter-line ${show}${lit?.[j] ? " on" : ""}` });
      for (const part of node.parts) setAttributes(part, { d });
    });
  }

  /** The graph through evenly spread places and all knots. */
  function graphOf(scene, net) {
    const end = scale.reach * LINE_AROUND;
    const xs = Array.from({ length: LINE_PLACES + 1 }, (_, s) => end * ((2 * s) / LINE_PLACES - 1));
    for (const [slope, bias] of net.filters)
      // a step has two values at its knot
      if (Math.abs(bias) < end * Math.abs(slope)) xs.push(-bias / slope - LINE_STEP, -bias / slope, -bias / slope + LINE_STEP);
    xs.sort((a, b) => a - b);
    const limit = 4 * scale.rise;
    const shown = (y) => toY(Math.min(Math.max(y, -limit), limit)).toFixed(2);
    return `M${xs.map((x) => `${toX(x).toFixed(2)} ${shown(functionAt(scene, net, [x]))}`).join("L")}`;
  }

  return function update({ scene }, derived, { selected, room }) {
    const { nets, show, focus, f, current } = derived;
    scale.width = box.clientWidth - 2;
    scale.height = Math.min(room, LINE_TALLEST);
    scale.reach = reachOf(scene.X.flat());
    scale.rise = reachOf(scene.y);
    const { width, height } = scale;
    setAttributes(picture, { width, height, viewBox: `0 0 ${width} ${height}` });
    setAttributes(back, { width, height });
    setAttributes(axes, { d: `M0 ${height / 2}H${width}M${width / 2} 0V${height}` });
    for (const name of LINE_NETWORKS) {
      const net = nets[name];
      const d = net && (name === show || name !== "hand") ? graphOf(scene, net) : null;
      const look = `${name === show ? " shown" : ""}${current[name] ? "" : " old"}`;
      setAttributes(graphs[name], { d, class: `cc-graph ${name}${look}` });
    }
    placeKnots(derived);
    keyedChildren(errors, f ? scene.y : [], (_, i) => i, () => svgNode("path", { class: "cc-error" }), (node, y, i) =>
      setAttributes(node, { class: `cc-error ${show}`, d: `M${toX(scene.X[i][0])} ${toY(y)}V${toY(f[i])}` }));
    keyedChildren(points, scene.X, (_, i) => i, (_, i) => makeGraphPoint(i), (node, [x], i) =>
      setAttributes(node, {
        transform: `translate(${toX(x).toFixed(2)} ${toY(scene.y[i]).toFixed(2)})`,
        class: `cc-point plain cc-drag${focus?.samples[i] ? " on" : ""}${selected === i ? " selected" : ""}`,
        "aria-valuenow": x, "aria-valuemin": -scale.reach, "aria-valuemax": scale.reach,
        "aria-valuetext": `${decimals(x, 2)}, target ${signed(scene.y[i], 2)}`,
      }));
  };
}
