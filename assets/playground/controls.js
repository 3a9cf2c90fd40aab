/**
 * The row of controls: the penalty, the shape of the filters, pooling, and Play; everything else behind "More".
 *
 * Each choice is made by `setControl`, which keeps the scene valid; a value that would change something else says so.
 */
import { htmlNode, keyedChildren, setAttributes, setText } from "./dom.js";
import { setTerms } from "./glossary.js";
import { icon } from "./icons.js";
import { createPopover } from "./popover.js";
import { choices } from "./settings.js";

/** Ends of the slider of beta, a logarithmic scale. */
const BETA_LEAST = 0.001;
const BETA_MOST = 10;
const BETA_STEPS = 400;

const FRONT_CHOICES = [
  ["filter", "Filter", "How many neighbouring entries a filter reads"],
  ["stride", "Stride", "How far the window moves from patch to patch"],
  ["pooling", "Pooling", "How a filter's responses to all patches become one number"],
];
const FURTHER_CHOICES = [
  ["activation", "Activation", "What a filter does with its response to a patch"],
  ["bias", "Bias", "A number added to every response of a filter, penalised like its entries or free; with free and of the output, one number is added to every output at no cost"],
  ["loss", "Loss", "How a prediction is compared with its target"],
];
const OPTIMISERS = [["gradient descent", "gradient descent"], ["momentum", "momentum"]];
/** What SGD can be trained with: setting, name, explanation, values. */
export const TRAINING_CHOICES = [
  ["optimiser", "Optimiser", "Full batches: every step uses all samples", OPTIMISERS],
  ["m", "Neurons", "Neurons of the network that SGD trains", [[2, "2"], [3, "3"], [5, "5"], [8, "8"], [12, "12"]]],
  ["seeds", "Seeds", "Runs from different random starts, numbered from 0", [[1, "1"], [4, "4"], [8, "8"]]],
  ["iterations", "Steps", "Steps of the optimiser in one run", [[5000, "5,000"], [20000, "20,000"], [50000, "50,000"]]],
];

/** The parts of a scene that its choices follow from. */
const CHOICE_PARTS = ["view", "shape", "y", "filter", "stride", "pooling", "activation", "slope", "bias", "loss"];

/** Build the row in `root`; returns `update(state)`. */
export function createControls(root, store) {
  const row = htmlNode("div", { class: "cc-controls" }, root);
  const beta = createBeta(row, store);
  const front = FRONT_CHOICES.map((entry) => createChoice(row, store, ...entry));

  const more = htmlNode("button", { type: "button", class: "cc-button cc-further", "aria-label": "More" }, row);
  icon("sliders", more);
  htmlNode("span", {}, more, "More");
  const card = htmlNode("div", { class: "cc-card cc-advanced", "aria-label": "More controls" }, root);
  createPopover(root, more, card);
  htmlNode("h3", { class: "cc-h" }, card, "The network");
  const onPhone = FRONT_CHOICES.map((entry) => createChoice(card, store, ...entry, "narrow"));
  const behind = FURTHER_CHOICES.map((entry) => createChoice(card, store, ...entry));
  const slope = createSlope(card, store);
  htmlNode("h3", { class: "cc-h" }, card, "Training by SGD");
  const training = TRAINING_CHOICES.map((entry) => createTraining(card, store, ...entry));

  const status = htmlNode("span", { class: "cc-sub cc-status" }, row);
  const play = createPlay(row, store);
  const parts = [beta, ...front, ...onPhone, ...behind, slope, ...training, play];
  return {
    update(state) {
      for (const part of parts) part(state);
      const { text, tone } = statusOf(state);
      setTerms(status, text, state.terms);
      setAttributes(status, { "data-tone": tone, title: text });
    },
  };
}

/** What the library says at the moment. */
function statusOf(state) {
  if (state.error) return { text: state.error, tone: "error" };
  if (state.fresh) {
    const { status_text: text, status, scope, lower_bound: bound } = state.answer.optimum;
    return { text, tone: status === "optimal" && scope === "global" && bound !== null ? "proved" : "open" };
  }
  if (state.estimate) return { text: state.final ? `Solving: ${state.estimate}` : state.estimate, tone: "wait" };
  return { text: "Solving …", tone: "wait" };
}

function createBeta(row, store) {
  const label = htmlNode("label", { class: "cc-control cc-beta" }, row);
  htmlNode("span", { "data-tip": "The price of large weights (the regularisation β)" }, label, "Penalty β");
  const limits = { type: "range", min: 0, max: BETA_STEPS, step: 1, "aria-label": "Penalty beta" };
  const slider = htmlNode("input", limits, label);
  const field = htmlNode("input", { class: "cc-number", inputmode: "decimal" }, label);
  field.setAttribute("aria-label", "Penalty beta as a number");
  const span = Math.log(BETA_MOST / BETA_LEAST);
  const set = (value, final) => store.actions.setControl("beta", value, { final });
  const turned = () => Number((BETA_LEAST * Math.exp((span * Number(slider.value)) / BETA_STEPS)).toPrecision(3));
  slider.addEventListener("input", () => set(turned(), false));
  slider.addEventListener("change", () => set(turned(), true));
  field.addEventListener("change", () => {
    const value = Number(field.value.trim().replace(",", "."));
    if (field.value.trim() && Number.isFinite(value)) set(Math.min(Math.max(value, BETA_LEAST), BETA_MOST), true);
    field.value = betaText(store.state.scene.beta);
  });
  return ({ scene: { beta } }) => {
    const place = Math.round((BETA_STEPS * Math.log(beta / BETA_LEAST)) / span);
    if (turned() !== beta) slider.value = String(place);
    slider.style.setProperty("--filled", `${(100 * Number(slider.value)) / BETA_STEPS}%`);
    setAttributes(slider, { "aria-valuetext": betaText(beta) });
    if (!field.matches(":focus")) field.value = betaText(beta);
  };
}

function betaText(beta) {
  return String(Number(beta.toPrecision(3)));
}

/** A row of buttons, one pressed; the values come from the scene. */
function createChoice(parent, store, name, text, tip, extra = "") {
  const group = htmlNode("div", { class: `cc-control cc-${name} ${extra}`, role: "group", "aria-label": text }, parent);
  htmlNode("span", { "data-tip": tip }, group, text);
  const segments = htmlNode("span", { class: "cc-seg" }, group);
  const make = ({ value, label }) => {
    const button = htmlNode("button", { type: "button" }, undefined, label);
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled")) store.actions.say(button.dataset.tip);
      else store.actions.setControl(name, value);
    });
    return button;
  };
  // not `disabled`: the reason must be found by keyboard and by touch too
  let drawn = null;
  return ({ scene }) => {
    // what the choices are does not depend on the inputs: a drag leaves them alone
    if (drawn && CHOICE_PARTS.every((part) => scene[part] === drawn[part])) return;
    drawn = scene;
    const options = choices(scene, name);
    // a single patch has no next one
    setAttributes(group, { hidden: options.length < 2 || (name === "stride" && ["plane", "line"].includes(scene.view)) });
    keyedChildren(segments, options, ({ value }) => String(value), make, (button, { value, reason, refused }) =>
      setAttributes(button, {
        "aria-pressed": String(String(value) === String(scene[name])),
        "aria-disabled": refused ? "true" : null,
        "data-tip": reason,
      }));
  };
}

/** The slope of the leaky ReLU below zero; absent for the other activations. */
function createSlope(parent, store) {
  const label = htmlNode("label", { class: "cc-control" }, parent);
  htmlNode("span", { "data-tip": "What the leaky ReLU keeps of a negative response" }, label, "Slope below zero");
  const slider = htmlNode("input", { type: "range", min: 0, max: 0.9, step: 0.05 }, label);
  const value = htmlNode("output", { class: "cc-num" }, label);
  const set = (final) => store.actions.setControl("slope", Number(slider.value), { final });
  slider.addEventListener("input", () => set(false));
  slider.addEventListener("change", () => set(true));
  return ({ scene }) => {
    setAttributes(label, { hidden: scene.activation !== "leaky" });
    slider.value = String(scene.slope);
    setText(value, scene.slope.toFixed(2));
  };
}

function createTraining(parent, store, name, text, tip, options) {
  const group = htmlNode("div", { class: "cc-control", role: "group", "aria-label": text }, parent);
  htmlNode("span", { "data-tip": tip }, group, text);
  const segments = htmlNode("span", { class: "cc-seg" }, group);
  const buttons = options.map(([value, label]) => {
    const button = htmlNode("button", { type: "button" }, segments, label);
    button.addEventListener("click", () => store.actions.training({ [name]: value }));
    return button;
  });
  return ({ training }) =>
    buttons.forEach((button, k) => setAttributes(button, { "aria-pressed": String(options[k][0] === training[name]) }));
}

function createPlay(row, store) {
  const button = htmlNode("button", { type: "button", class: "cc-button primary cc-play-sgd" }, row);
  const label = htmlNode("span", {}, button);
  htmlNode("i", {}, button, "SGD");
  button.addEventListener("click", () => (store.state.playing ? store.actions.pause() : store.actions.play()));
  return ({ playing }) => {
    setText(label, playing ? "❚❚ Pause" : "▶ Play");
    setAttributes(button, { "data-tip": playing ? "Pause (Space)" : "Train from all seeds and watch (Space)" });
  };
}
