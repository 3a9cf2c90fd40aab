/**
 * The middle panel, "All directions a filter can have": one sentence, the picture, and what can be done with it.
 *
 * The picture is a circle for filters of two entries (or the same unrolled), two discs of equal area for three. Only the
 * one that is seen is drawn.
 */
import { htmlNode, setAttributes, setText, svgNode } from "./dom.js";
import { decimals } from "./format.js";
import { setTerms, writeTerms } from "./glossary.js";
import { story } from "./story.js";
import { createCircleView } from "./directions_circle.js";
import { createDiscsView, stackedDiscs } from "./directions_discs.js";
import { createStripView } from "./directions_strip.js";
import { directionsModel } from "./directions_model.js";

/** What may be shown, the mark of each, and what a tip says about it. */
const SHOWN = [
  [
    "optimum",
    "★",
    "Optimum",
    "The curve of the best possible network: it touches the ceiling at its filters and stays below everywhere else",
  ],
  ["sgd", "●", "SGD", "The curve of the network that training found, at the shown moment"],
  ["hand", "+", "By hand", "A network that you build yourself: one missing filter after the other (column generation)"],
];

/** Shapes of the picture for filters of two entries: flat or not, name, drawing, tip. */
const SHAPES = [
  [false, "Round", "M10 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12M10 8V2", "Round: all directions around a centre"],
  [
    true,
    "Unrolled",
    "M2 14H18M2 5H18M2 11q2.5-6 5 0t5-6 6 6",
    "Unrolled: the same circle cut open and laid flat, the clearest picture of the proof",
  ],
];

/** Room that the words in a corner need, in pixels. */
const CORNER_WIDTH = 104;
const CORNER_HEIGHT = 44;
/** Two discs in a narrower box have words above and below them in their way. */
const NARROW_DISCS = 440;

/** How each picture is read: what the dual function is there, what a place means, where the time of a run is. */
const READING = {
  round: {
    curve: "Curve",
    directions: "Each direction is a filter: the small pictures show it.",
    time: "Outer band: SGD trains from its inner edge to the rim.",
  },
  strip: {
    curve: "Height",
    directions: "Each direction is a filter: see the small pictures.",
    time: "Lower part: SGD trains, from top to bottom.",
  },
  discs: {
    curve: "Colour",
    directions: "All directions: a sphere in two halves, with the filters at its rim.",
    time: "All directions: a sphere in two halves, with SGD’s ways on it.",
  },
};

/** Where the form of the dual function (dual_function.js) is another one: what the directions and the lines are. */
const DIRECTIONS_OF = {
  squares: {
    circle: "Each direction is a filter. Squares: one cell, no lines.",
    discs: "A sphere in two halves. Squares: one cell, no lines.",
  },
  knees: {
    circle: "A filter and its best bias. Lines: patches swap order.",
    discs: "Two halves of a sphere: filters with their best bias. Arcs: patches swap order.",
    hidden: "Two halves of a sphere: filters with their best bias. The arcs are too many to draw.",
  },
  knots: { circle: "Each direction is a filter and its bias: a knot of the line." },
};

/** What the directions of a picture are. */
function directionsText({ form, ties }, name) {
  const own = DIRECTIONS_OF[form];
  if (!own) return READING[name].directions;
  if (name !== "discs") return own.circle;
  return own.hidden && !ties.length ? own.hidden : own.discs;
}

/** Fill the panel's root; returns {update(state, derived)}. */
export function createDirectionsPanel(root, store) {
  const { actions } = store;
  const sentence = htmlNode("p", { class: "cc-dir-story" }, root);
  const stage = htmlNode("div", { class: "cc-dir-stage" }, root);
  const legend = createReadingHelp(stage);
  const hooks = { actions, add: actions.addMissing };
  const views = {
    round: createCircleView(stage, hooks),
    strip: createStripView(stage, hooks),
    discs: createDiscsView(stage, hooks),
  };
  const foot = createFoot(root, actions);
  let last = null;
  let sized = "";
  // kept, because asking for them would make the browser lay out the page in every frame
  let [width, height] = [stage.clientWidth, stage.clientHeight];

  function draw() {
    if (!last) return;
    const [state, derived] = last;
    const model = directionsModel(state, derived);
    const name = derived.a === 3 ? "discs" : state.flat ? "strip" : "round";
    tell(sentence, story(state, derived), state.terms);
    for (const each in views) setAttributes(views[each].node, { hidden: each !== name });
    setAttributes(stage, {
      class: `cc-dir-stage ${name}${crowdedCorner(name, width, height) ? " crowded" : ""}`,
    });
    legend.update(model, name);
    foot.update(model, name);
    // on a phone another tab is open
    if (!width || !height) return;
    const place = `${name} ${width} ${height}`;
    if (sized !== place) {
      sized = place;
      views[name].size(width, height);
    }
    views[name].update(model);
  }

  new ResizeObserver(() => {
    [width, height] = [stage.clientWidth, stage.clientHeight];
    sentence.__fits = 0;
    draw();
  }).observe(stage);
  return {
    update(state, derived) {
      last = [state, derived];
      draw();
    },
  };
}

/** Whether a picture in a box of this size leaves no room for words in the corners. */
function crowdedCorner(name, width, height) {
  if (name === "strip") return false;
  if (name === "discs") return width < NARROW_DISCS || stackedDiscs(width, height);
  const radius = Math.min(width, height) / 2;
  const beside = width / 2 - Math.sqrt(Math.max(0, radius ** 2 - (height / 2 - CORNER_HEIGHT) ** 2));
  return beside < CORNER_WIDTH;
}

/** The sentence, its parts with their tones. */
function tell(node, { parts, plain }, terms) {
  if (node.__plain === plain) return;
  node.__plain = plain;
  const key = JSON.stringify(parts);
  if (node.__parts === key) return;
  node.__parts = key;
  const taken = new Set();
  node.replaceChildren(
    ...parts.map(({ text, strong, tone }) => {
      const part = document.createElement(strong ? "b" : "span");
      if (tone) part.className = tone;
      writeTerms(part, text, terms, taken);
      return part;
    }),
  );
  // two lines are reserved: where a font runs wide, the letters get smaller, not the picture
  const size = plain.length;
  node.classList.remove("long");
  if (size <= node.__fits) return;
  const long = node.scrollHeight > node.clientHeight + 2;
  node.classList.toggle("long", long);
  if (!long) node.__fits = size;
}

/** How to read the picture, in its corners; and the one number that belongs to it. */
function createReadingHelp(stage) {
  const left = htmlNode("p", { class: "cc-dir-legend left" }, stage);
  const right = htmlNode("p", { class: "cc-dir-legend right" }, stage);
  const price = htmlNode("p", { class: "cc-dir-legend price" }, stage);
  const highest = htmlNode("p", { class: "cc-dir-legend highest" }, stage);
  htmlNode("span", {}, highest, "highest point");
  const value = htmlNode("b", { class: "cc-num", "data-cc": "ceiling" }, highest);
  return {
    update({ state, derived, ceiling, green, hasRun, show }, name) {
      const { curve, time } = READING[name];
      setTerms(right, `${curve}: what a filter there would gain (dual function).`, state.terms);
      setTerms(price, "Ceiling: what a filter costs.", state.terms);
      setTerms(left, hasRun ? time : directionsText(derived, name), state.terms);
      setAttributes(value, { "data-value": ceiling === null ? "" : ceiling, class: `cc-num ${green ? "green" : "purple"}` });
      setText(value, ceiling === null ? "…" : `${decimals(ceiling, ceiling < 10 ? 3 : 1)} × β`);
      setAttributes(highest, { hidden: show !== state.show });
    },
  };
}

/** The switches below the picture. */
function createFoot(root, actions) {
  const foot = htmlNode("div", { class: "cc-dir-foot" }, root);
  const choice = htmlNode("div", { class: "cc-seg", role: "group", "aria-label": "Whose curve is shown" }, foot);
  const choices = SHOWN.map(([which, mark, text, tip]) => {
    const node = htmlNode("button", { type: "button", class: which, "data-tip": tip }, choice);
    htmlNode("span", { class: "mark", "aria-hidden": "true" }, node, mark);
    htmlNode("span", {}, node, text);
    node.addEventListener("click", () => actions.show(which));
    return { which, node };
  });
  const add = htmlNode("button", { type: "button", class: "cc-button cc-dir-add" }, foot);
  add.addEventListener("click", () => {
    if (add.getAttribute("aria-disabled") !== "true") actions.addMissing();
  });
  const shape = htmlNode("div", { class: "cc-seg", role: "group", "aria-label": "Shape of the picture" }, foot);
  const shapes = SHAPES.map(([flat, name, path, tip]) => {
    const node = htmlNode("button", { type: "button", class: "cc-dir-shape", "aria-label": name, "data-tip": tip }, shape);
    svgNode("path", { d: path }, svgNode("svg", { viewBox: "0 0 20 16", "aria-hidden": "true" }, node));
    node.addEventListener("click", () => actions.flat(flat));
    return { flat, node };
  });
  return {
    update({ state, show, refusal, derived }, name) {
      for (const { which, node } of choices) {
        setAttributes(node, { "aria-pressed": state.show === which ? "true" : "false" });
      }
      for (const { flat, node } of shapes) setAttributes(node, { "aria-pressed": state.flat === flat ? "true" : "false" });
      setAttributes(shape, { hidden: name === "discs" });
      // not `disabled`: the reason must be found by keyboard and by touch too
      setAttributes(add, {
        "aria-disabled": refusal ? "true" : "false",
        "data-tip":
          refusal ??
          "The highest direction becomes a filter, then all weights are chosen anew (one step of column generation)",
        class: `cc-button cc-dir-add${state.show === "optimum" ? " gone" : ""}`,
      });
      setText(
        add,
        show === "hand" && !derived.net?.filters.length
          ? "+ Add the first filter"
          : refusal && show === "hand"
            ? "✓ Nothing is missing"
            : "+ Add the missing filter",
      );
    },
  };
}
