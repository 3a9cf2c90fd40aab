/**
 * The data, to be made by hand: bars, pixels, points in the plane or numbers on a line, and what is done to all of them.
 */
import { createBars } from "./data_bars.js";
import { createDetails } from "./data_details.js";
import { createLine } from "./data_line.js";
import { createPixels } from "./data_pixels.js";
import { createPlane } from "./data_points.js";
import { htmlNode, setAttributes, setText } from "./dom.js";
import { addNoise, addSample, duplicateSample, mayAdd, mayRemove } from "./edits.js";
import { mirrorSamples, removeSample, shiftSamples } from "./edits.js";
import { setTerms } from "./glossary.js";
import { icon } from "./icons.js";

const NOISE = 0.1;
const HINTS = {
  signals: "drag any bar",
  pixels: "paint the pixels",
  plane: "drag; double-click adds one",
  line: "drag; double-click adds one",
};
/** What is drawn beside the data, by the form of the dual function (dual_function.js) where it is another thing. */
const LEGENDS = {
  plane: "Colour: what the network answers there. Lines: where its filters begin to fire.",
  line: "Graph: what the network answers. It bends where a filter begins to fire.",
};
const LEGENDS_OF = {
  squares: {
    plane: "Colour: what the network answers there. Lines: where its filters are zero.",
    line: "Graph: what the network answers. Lines: where its filters are zero.",
  },
  steps: { line: "Graph: what the network answers. It steps where a filter begins to fire." },
};
/** What stands for a whole sample. */
const HANDLES = ".cc-row-name, .cc-point";
/** Pixels of the panel that are not its picture, its extras and its tools: padding, head, gaps. */
const PANEL_FRAME = 66;

/** Build the panel in `root`. */
export function createDataPanel(root, store) {
  const { actions } = store;
  const head = htmlNode("div", { class: "cc-data-head" }, root);
  htmlNode("h2", { class: "cc-h" }, head, "Data");
  const hint = htmlNode("span", { class: "cc-sub" }, head);
  const targets = htmlNode("span", { class: "cc-sub cc-data-targets" }, head);
  setTerms(targets, "target", store.state.terms);
  let selected = 0;
  let seed = 0;
  let refocus = null;
  const select = (i) => {
    if (i === selected) return;
    selected = i;
    store.update({});
  };
  const remove = (i) => {
    // who deletes with the keyboard goes on at the sample that takes the place
    if (root.getRootNode().activeElement?.closest(HANDLES)) refocus = i;
    actions.edit((scene) => removeSample(scene, i));
    actions.hover(null);
  };

  const boxes = {};
  const extras = {};
  for (const view of Object.keys(HINTS)) {
    boxes[view] = htmlNode("div", { class: `cc-data-box ${view}`, hidden: true }, root);
    extras[view] = htmlNode("div", { class: "cc-data-extra", hidden: true }, root);
  }
  const views = {
    signals: createBars(boxes.signals, store, remove),
    pixels: createPixels(boxes.pixels, extras.pixels, store, remove),
    plane: createPlane(boxes.plane, extras.plane, store, { select, remove }),
    line: createLine(boxes.line, store, { select, remove }),
  };
  const legends = Object.fromEntries(
    Object.entries(LEGENDS).map(([view, text]) => [view, htmlNode("p", { class: "cc-sub cc-legend" }, extras[view], text)]),
  );
  const details = { plane: createDetails(extras.plane, store), line: createDetails(extras.line, store) };

  const tools = htmlNode("div", { class: "cc-data-tools", role: "toolbar", "aria-label": "Samples" }, root);
  const tool = (name, label, act) => {
    const button = htmlNode("button", { type: "button", class: "cc-button", "aria-label": label }, tools);
    icon(name, button);
    button.addEventListener("click", act);
    return button;
  };
  const chosen = () => {
    const { pin, scene } = store.state;
    const last = scene.X.length - 1;
    if (pin?.kind === "sample" || pin?.kind === "patch") return Math.min(pin.i, last);
    return scene.view === "plane" || scene.view === "line" ? Math.min(selected, last) : last;
  };
  const pinned = () => (["sample", "patch"].includes(store.state.pin?.kind) ? store.state.pin.i : null);
  const add = tool("plus", "Add a sample of zeros", () => {
    actions.edit((scene) => addSample(scene));
    select(store.state.scene.X.length - 1);
  });
  const copy = tool("copy", "Duplicate", () => actions.edit((scene) => duplicateSample(scene, chosen())));
  const bin = tool("bin", "Delete", () => remove(chosen()));
  htmlNode("span", { class: "cc-space" }, tools);
  const shift = tool("shift", "Shift", () => actions.edit((scene) => shiftSamples(scene, pinned())));
  const mirror = tool("mirror", "Mirror", () => actions.edit((scene) => mirrorSamples(scene, pinned())));
  const noise = tool("noise", "Noise", () => {
    seed += 1;
    actions.edit((scene) => addNoise(scene, seed, NOISE));
    actions.say(`Noise of size ${NOISE} from seed ${seed} is added to every entry.`);
  });
  const seedText = htmlNode("span", { class: "cc-num" }, noise);

  function label(button, text, reason = null) {
    setAttributes(button, { "aria-label": text, "data-tip": reason ?? text, disabled: reason !== null });
  }

  return {
    update(state, derived) {
      const { scene } = state;
      // a panel behind another tab has no size to draw in
      if (!root.clientWidth) return;
      const { view, X } = scene;
      selected = Math.min(selected, X.length - 1);
      setText(hint, HINTS[view]);
      setAttributes(targets, { hidden: view !== "signals" });
      for (const name of Object.keys(HINTS)) {
        setAttributes(boxes[name], { hidden: name !== view });
        setAttributes(extras[name], { hidden: name !== view || view === "signals" });
      }
      if (legends[view]) setText(legends[view], LEGENDS_OF[derived.form]?.[view] ?? LEGENDS[view]);
      details[view]?.(state, selected);
      const room = Math.max(root.clientHeight - extras[view].offsetHeight - tools.offsetHeight - PANEL_FRAME, 160);
      views[view](state, derived, { selected, room });
      if (refocus !== null) [...boxes[view].querySelectorAll(HANDLES)].slice(0, refocus + 1).at(-1)?.focus();
      refocus = null;

      const which = chosen() + 1;
      const of = pinned() === null ? "all samples" : `sample ${pinned() + 1}`;
      const points = view === "plane" || view === "line";
      label(add, points ? "Add a point in the middle" : "Add a sample of zeros", mayAdd(scene));
      label(copy, `Duplicate sample ${which}`, mayAdd(scene));
      label(bin, `Delete sample ${which}`, mayRemove(scene));
      label(shift, points ? `Move ${of} a tenth to the right` : `Shift ${of} by one, around the end`);
      label(mirror, `Mirror ${of}`);
      label(noise, `Add noise of size ${NOISE}, seed ${seed + 1}`);
      setText(seedText, `seed ${seed + 1}`);
    },
  };
}
