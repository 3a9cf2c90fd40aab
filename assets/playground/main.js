/**
 * The playground as a Streamlit component: built once, then only told of new answers.
 *
 * Streamlit calls the default export at every run of the script, with the same element; what was built stays there, so
 * nothing is mounted twice and nothing flickers. One clock draws: at most once an animation frame, after any change.
 */
import { createDataPanel } from "./data_panel.js";
import { createDerive } from "./derive.js";
import { createDirectionsPanel } from "./directions_panel.js";
import { htmlNode } from "./dom.js";
import { createLive } from "./live.js";
import { createOpening } from "./opening.js";
import { createOutcomePanel } from "./outcome_panel.js";
import { createShell } from "./shell.js";
import { createShortcuts } from "./shortcuts.js";
import { createStore } from "./store.js";
import { story } from "./story.js";
import { createTour } from "./tour.js";

/** A pause of the clock, as of a tab in the background, does not make training jump. */
const LONGEST_TICK_S = 0.1;

/** Build everything inside `parent`; returns what later calls need. */
function mountPlayground(parent, data) {
  const quiet = window.matchMedia("(prefers-reduced-motion: reduce)");
  const root = htmlNode("div", { class: "cc-play" }, parent);
  const store = createStore({ scene: data.start, scenes: data.scenes, terms: data.terms, dark: data.dark, presented: data.presented, reduced: quiet.matches });
  const shell = createShell(root, store);
  const ui = { announce: shell.announce };
  const panels = [
    createDataPanel(shell.roots.data, store, ui),
    createDirectionsPanel(shell.roots.directions, store, ui),
    createOutcomePanel(shell.roots.outcome, store, ui),
  ];
  const derive = createDerive();
  const live = createLive(store, root);
  // the Tour has keys of its own, and decides itself what begins to move
  const tour = data.tour ? createTour(root, store, shell.announce, data) : null;
  const alone = tour ? [tour] : [createShortcuts(root, store, shell.help), createOpening(store)];

  // a press on its entry in the sidebar leaves the focus there, where keys do nothing: they are for this page now
  const entry = document.activeElement;
  if (entry?.matches("[data-testid=stSidebarNavLink]")) entry.blur();

  let frame = 0;
  let before = 0;
  function draw(now) {
    frame = 0;
    store.tick(Math.min((now - before) / 1000, LONGEST_TICK_S));
    before = now;
    const { state } = store;
    const derived = derive(state);
    // the Tour has its own words
    shell.update(state, derived, tour ? null : story(state, derived));
    // before the panels: it says which of them are seen
    tour?.update(state);
    for (const panel of panels) {
      // a fault in one panel is reported and does not stop the others
      try {
        panel.update(state, derived);
      } catch (fault) {
        window.reportError(fault);
      }
    }
    tour?.place();
    if (state.playing) schedule();
  }
  function schedule() {
    if (frame) return;
    if (!store.state.playing) before = performance.now();
    frame = requestAnimationFrame(draw);
  }

  const slower = () => store.update({ reduced: quiet.matches });
  quiet.addEventListener("change", slower);
  const leave = store.subscribe(schedule);
  const sizes = new ResizeObserver(schedule);
  sizes.observe(root);
  schedule();

  return {
    receive(news, send) {
      const { dark, presented } = store.state;
      if (dark !== news.dark || presented !== news.presented) store.update({ dark: news.dark, presented: news.presented });
      live.receive(news.answer);
      tour?.receive(news.answer);
      live.connect(send);
    },
    leave() {
      cancelAnimationFrame(frame);
      quiet.removeEventListener("change", slower);
      leave();
      sizes.disconnect();
      live.stop();
      for (const part of alone) part.stop();
      shell.stop();
      root.remove();
    },
  };
}

export default function ({ parentElement, data, setStateValue }) {
  const playground = (parentElement.ccPlay ??= mountPlayground(parentElement, data));
  playground.receive(data, (request) => setStateValue("request", request));
  // Streamlit may call this between two runs of the script: only an element that has left the page is given up
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected || !parentElement.ccPlay) return;
      parentElement.ccPlay.leave();
      delete parentElement.ccPlay;
    });
}
