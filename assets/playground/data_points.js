/**
 * Points in the plane to drag, over what the network says at every place, with the filters' lines.
 *
 * A sample is one patch of two entries, so a filter is a line and the network a function of the plane.
 */
import { activationOf } from "./activations.js";
import { createHandPoint } from "./data_point.js";
import { htmlNode, keyedChildren, setAttributes, svgNode } from "./dom.js";
import { addSample, flipTarget, movePoint } from "./edits.js";
import { decimals, signed } from "./format.js";
import { boundedValue, pointsAt, reachOf } from "./handles.js";
import { pixelPen, pointerIn } from "./pixels.js";

/** Places along a side at which the function is computed; the browser smooths between them. */
const PLANE_GRID = 84;
/** How far beyond the outermost value the picture reaches. */
const PLANE_AROUND = 1.07;
const PLANE_HAND_GRAIN = 50;

/** Build in `box`; `tools` gets the choice of a new point's class, `select(i)` hears which point is in hand. */
export function createPlane(box, tools, store, { select, remove }) {
  const frame = htmlNode("div", { class: "cc-plane" }, box);
  const map = htmlNode("canvas", { class: "cc-map", width: PLANE_GRID, height: PLANE_GRID }, frame);
  const picture = svgNode("svg", { class: "cc-plane-points", role: "group", "aria-label": "points in the plane" }, frame);
  const back = svgNode("rect", { class: "cc-hit cc-ground" }, picture);
  const axes = svgNode("path", { class: "cc-axis" }, picture);
  const lines = svgNode("g", {}, picture);
  const points = svgNode("g", {}, picture);
  const scale = { side: 0, reach: 2 };
  const toX = (x) => (scale.side / 2) * (1 + x / scale.reach / PLANE_AROUND);
  const toY = (y) => scale.side - toX(y);
  const placeOf = (clientX, clientY) => {
    const [x, y] = pointerIn({ clientX, clientY }, picture);
    const at = (pixels) => ((2 * pixels) / scale.side - 1) * scale.reach * PLANE_AROUND;
    const round = (value) => boundedValue(Math.round(value * PLANE_HAND_GRAIN) / PLANE_HAND_GRAIN, scale.reach);
    return [round(at(x)), round(-at(y))];
  };

  const chooser = createClassChooser(tools);
  back.addEventListener("dblclick", (event) => {
    store.actions.edit((scene) => addSample(scene, placeOf(event.clientX, event.clientY), chooser.value()));
    select(store.state.scene.X.length - 1);
  });

  function makePoint(i) {
    const node = createHandPoint(store, i, {
      at: () => store.state.scene.X[i],
      reaches: () => [scale.reach, scale.reach],
      put: (at, final) => store.actions.edit((scene) => movePoint(scene, i, ...at), { final }),
      placeOf,
      select,
      remove,
      flip: () => store.actions.edit((scene) => flipTarget(scene, i)),
    });
    node.dot = svgNode("path", {}, node);
    return node;
  }

  function placePoint(node, i, [x, y], target, { focus }, selected) {
    const sign = target > 0 ? "positive" : target < 0 ? "negative" : "zero";
    const lit = focus?.samples[i] ? " on" : "";
    setAttributes(node, {
      transform: `translate(${toX(x).toFixed(2)} ${toY(y).toFixed(2)})`,
      class: `cc-point cc-drag ${sign}${lit}${selected ? " selected" : ""}`,
      "aria-valuenow": x, "aria-valuemin": -scale.reach, "aria-valuemax": scale.reach,
      "aria-valuetext": `${decimals(x, 2)}, ${decimals(y, 2)}, target ${signed(target, 1)}`,
    });
    // the shape repeats what the colour says
    const shape = target < 0 ? "M-5 -5H5V5H-5Z" : "M-5.6 0a5.6 5.6 0 1 0 11.2 0a5.6 5.6 0 1 0 -11.2 0Z";
    setAttributes(node.dot, { d: shape });
  }

  const painter = createMapPainter(map);
  return function update(state, derived, { selected, room }) {
    const { scene } = state;
    scale.side = Math.min(box.clientWidth, room) - 2;
    scale.reach = reachOf(scene.X.flat());
    const { side } = scale;
    frame.style.width = frame.style.height = `${side}px`;
    setAttributes(picture, { width: side, height: side, viewBox: `0 0 ${side} ${side}` });
    setAttributes(back, { width: side, height: side });
    setAttributes(axes, { d: `M0 ${side / 2}H${side}M${side / 2} 0V${side}` });
    map.classList.toggle("old", !derived.current[derived.show]);
    painter.paint(scene, derived.net, scale.reach * PLANE_AROUND, state.dark);
    placeFilterLines(lines, store, derived, toX, toY, scale.reach * PLANE_AROUND * 1.5);
    keyedChildren(points, scene.X, (_, i) => i, (_, i) => makePoint(i), (node, x, i) =>
      placePoint(node, i, x, scene.y[i], derived, selected === i));
  };
}

/** Which class a new point gets. */
function createClassChooser(tools) {
  const group = htmlNode("div", { class: "cc-control", role: "group", "aria-label": "Target of new points" }, tools);
  htmlNode("span", { class: "cc-sub" }, group, "New points");
  const segments = htmlNode("span", { class: "cc-seg" }, group);
  let chosen = 1;
  const buttons = [1, -1].map((value) => {
    const [name, text] = value > 0 ? ["positive", "● +1"] : ["negative", "■ −1"];
    const button = htmlNode("button", { type: "button", class: name }, segments, text);
    button.addEventListener("click", () => choose(value));
    return button;
  });
  function choose(value) {
    chosen = value;
    setAttributes(buttons[0], { "aria-pressed": String(value > 0) });
    setAttributes(buttons[1], { "aria-pressed": String(value < 0) });
  }
  choose(1);
  return { value: () => chosen };
}

/** The lines on which filters begin to fire, or are zero, as targets: where u_1 x + u_2 y + bias = 0. */
function placeFilterLines(parent, store, { net, show, focus }, toX, toY, far) {
  const kind = show === "optimum" ? "filter" : "neuron";
  const lit = show === "optimum" ? focus?.filters : focus?.neurons;
  const most = Math.max(1e-9, ...(net?.sizes ?? []).map(Math.abs));
  const make = (_, j) => {
    const node = svgNode("g", { class: "cc-filter-line" });
    node.parts = [svgNode("path", {}, node), svgNode("path", { class: "cc-hit-line" }, node)];
    node.target = { kind, j };
    pointsAt(node, store, () => node.target);
    return node;
  };
  keyedChildren(parent, net?.filters ?? [], (_, j) => j, make, (node, [a, b, c = 0], j) => {
    const norm = Math.hypot(a, b);
    node.target = { kind, j };
    const [x, y] = norm > 1e-9 ? [(-c * a) / norm ** 2, (-c * b) / norm ** 2] : [1e3, 1e3];
    const [along, across] = norm > 1e-9 ? [(far * -b) / norm, (far * a) / norm] : [0, 0];
    const d = `M${toX(x - along)} ${toY(y - across)}L${toX(x + along)} ${toY(y + across)}`;
    const width = 0.8 + 1.4 * Math.sqrt(Math.abs(net.sizes[j]) / most);
    setAttributes(node, { class: `cc-filter-line ${show}${lit?.[j] ? " on" : ""}` });
    setAttributes(node.parts[0], { d, style: `stroke-width: ${width.toFixed(2)}` });
    setAttributes(node.parts[1], { d });
  });
}

/** Paints a network's function into a canvas: orange above zero, blue below; painted again only when it changed. */
function createMapPainter(canvas) {
  const context = pixelPen(canvas);
  const image = context.createImageData(PLANE_GRID, PLANE_GRID);
  let painted = [];
  let colours = null;

  function paint(scene, net, far, dark) {
    const wanted = [net, scene.activation, scene.slope, far, dark];
    if (wanted.every((value, k) => value === painted[k])) return;
    if (dark !== painted[4]) colours = ["--orange", "--blue"].map((name) => rgbOf(canvas, name));
    painted = wanted;
    const { value: act } = activationOf(scene);
    const { data } = image;
    for (let row = 0, at = 0; row < PLANE_GRID; row += 1) {
      const y = far * (1 - (2 * row + 1) / PLANE_GRID);
      for (let column = 0; column < PLANE_GRID; column += 1, at += 4) {
        const x = far * ((2 * column + 1) / PLANE_GRID - 1);
        let value = net?.level ?? 0;
        for (let j = 0; net && j < net.sizes.length; j += 1) {
          const [a, b, c = 0] = net.filters[j];
          value += net.sizes[j] * act(a * x + b * y + c);
        }
        const [red, green, blue] = value > 0 ? colours[0] : colours[1];
        data[at] = red;
        data[at + 1] = green;
        data[at + 2] = blue;
        // a step at zero, so that the boundary between the classes is seen
        data[at + 3] = Math.abs(value) < 1e-9 ? 0 : 26 + 104 * Math.min(Math.abs(value), 1);
      }
    }
    context.putImageData(image, 0, 0);
  }
  return { paint };
}

/** Red, green and blue of a colour variable that is written as #rrggbb. */
function rgbOf(node, name) {
  const text = getComputedStyle(node).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
}
