/** Play, pause, step, scrub, speed and trails of a run of SGD. */

import { htmlNode, setAttributes, setText } from "./dom.js";

const PLAY_SPEEDS = [0.5, 1, 2, 4];
/** Places of the slider: fine enough that dots glide. */
const SCRUB_PLACES = 1000;

/** The row of buttons; returns `{ update(state, view) }`. */
export function createOutcomeTransport(root, store) {
  const row = htmlNode("div", { class: "cc-transport", role: "group", "aria-label": "Training" }, root);
  const button = (text, tip, act) => {
    const node = htmlNode(
      "button",
      { type: "button", class: "cc-button cc-transport-button", "data-tip": tip, "aria-label": tip },
      row,
      text,
    );
    node.addEventListener("click", act);
    return node;
  };
  const { actions } = store;
  const toggle = button("▶", "Play", () => (store.state.playing ? actions.pause() : actions.play()));
  const back = button("‹", "One frame back", () => actions.step(-1));
  const on = button("›", "One frame on", () => actions.step(1));
  const scrub = htmlNode(
    "input",
    { type: "range", min: 0, max: SCRUB_PLACES, step: 1, class: "cc-scrub", "aria-label": "Moment of training" },
    row,
  );
  scrub.addEventListener("input", () => {
    const last = (store.state.sgd?.frames.length ?? 1) - 1;
    actions.pause();
    actions.frame((Number(scrub.value) / SCRUB_PLACES) * last);
  });
  scrub.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    actions.step(move);
  });
  const speed = button("1×", "Speed", () => {
    const next = PLAY_SPEEDS.indexOf(store.state.speed) + 1;
    actions.speed(PLAY_SPEEDS[next % PLAY_SPEEDS.length]);
  });
  const trails = button("trails", "Trails: the way that every neuron has gone", () => actions.trails(!store.state.trails));

  return {
    update(state, view) {
      const { run } = view;
      const ready = Boolean(run?.fresh);
      setText(toggle, state.playing ? "❚❚" : "▶");
      const what = state.playing ? "Pause" : ready ? "Play" : "Play SGD: train on these data";
      setAttributes(toggle, { "aria-label": what, "data-tip": what });
      for (const node of [back, on, scrub, speed]) setAttributes(node, { disabled: !ready });
      const place = run?.last ? Math.round((SCRUB_PLACES * run.at) / run.last) : 0;
      if (Number(scrub.value) !== place) scrub.value = String(place);
      scrub.style.setProperty("--filled", `${place / (SCRUB_PLACES / 100)}%`);
      const moment = run
        ? `step ${run.iteration.toLocaleString("en")} of ${run.total.toLocaleString("en")}`
        : "no run yet";
      setAttributes(scrub, { "aria-valuetext": moment, "data-tip": moment });
      setText(speed, `${state.speed}×`);
      setAttributes(speed, { "aria-label": `Speed ${state.speed}×` });
      setAttributes(trails, { "aria-pressed": state.trails ? "true" : "false" });
    },
  };
}
