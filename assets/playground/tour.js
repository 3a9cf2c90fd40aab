/**
 * The Tour: eight steps laid over the playground. The text stands beside the panels that a step needs; each step is a
 * state of the playground, and what must not be seen before one has guessed is hidden by the style sheet.
 *
 * What is said, with its numbers, comes from the library, step by step.
 */
import { setAttributes } from "./dom.js";
import { sceneKey } from "./scene_key.js";
import { createTourCard } from "./tour_card.js";
import { createTourDial } from "./tour_dial.js";
import { createTourFoot } from "./tour_foot.js";
import { tourGo, tourGuess, tourKey, tourKnow, tourOf, tourReveal, tourVerdict, tourView } from "./tour_model.js";
import { createTourSheet } from "./tour_sheet.js";

/** Keys that these use are theirs. */
const TOUR_LEAVES = "input, textarea, select, [contenteditable], [role=slider], [role=listbox], [role=menu]";
const AT_ONCE_SPEED = 1000;

/** Lay the Tour over a playground; returns {receive(answer), update(state), stop()}. */
export function createTour(root, store, announce, { tour: given, terms }) {
  root.classList.add("cc-tour");
  const columns = root.querySelector(".cc-columns");
  const card = createTourCard(terms, { choose, check, putBack });
  columns.prepend(card.node);
  const sheet = createTourSheet(columns, terms);
  const foot = createTourFoot(root, given.titles, { go: (number) => set(tourGo(tour, number)), onward });
  const dial = createTourDial(root, { guess: (degrees) => set(tourGuess(tour, degrees)), check });
  let tour = tourOf(given.titles.length, given.step);
  let asked = 0;
  let ahead = 0;
  let entered = 0;
  let shown = null;
  let said = "";

  function set(next) {
    if (next === tour) return;
    tour = next;
    store.update({});
  }
  function choose(option) {
    set(tourReveal(tourGuess(tour, option)));
  }
  /** What stands at the dot or the dial is the guess. */
  function check() {
    const { question } = tour.known[tour.number];
    const guess = question.kind === "beta" ? store.state.scene.beta : (tour.guesses[tour.number] ?? question.start);
    set(tourReveal(tourGuess(tour, guess)));
  }
  function onward() {
    set(tourKey(tour, "ArrowRight"));
  }
  function putBack() {
    shown = null;
    store.actions.setScene(tour.known[tour.number].scene);
  }

  /** Bring the playground into the state of a step, once for its question and once for its answer. */
  function enter(step, view) {
    const { scene } = store.state;
    const built = store.state.scenes.find(({ name }) => name === step.scene)?.scene;
    const revealed = Boolean(tour.revealed[tour.number]);
    const kept = revealed && view.dial; // the answer stands where the dial was turned to
    if (built && (scene.name !== built.name || (scene.edited && !kept))) store.actions.setScene(step.scene);
    store.actions.show("optimum");
    store.update({ pin: view.pin ?? null, hover: null, flat: false, tab: view.panels.split(" ")[0] });
    if (view.beta) store.actions.setControl("beta", view.beta);
    if (view.train) {
      if (!sameTraining(store.state.training, view.train)) store.actions.training(view.train);
      // who does not like things to move sees where it ends
      if (store.state.reduced) store.actions.speed(AT_ONCE_SPEED);
      if (store.state.sgdFresh) store.actions.show("sgd");
      else store.actions.play();
    }
  }

  /** Ask the library for the step that is shown, then for the one behind it, so that nobody waits for that. */
  function ask() {
    const { number, known } = tour;
    if (store.state.wish || store.state.pending) return;
    if (asked !== number) {
      asked = number;
      ahead = 0;
      store.update({ wish: { kind: "tour", step: number } });
    } else if (known[number] && !known[number + 1] && number < tour.count && ahead !== number + 1) {
      ahead = number + 1;
      store.update({ wish: { kind: "tour", step: ahead, ahead: true } });
    }
  }

  /** What follows from the tour for the playground, after every change of either. */
  function follow() {
    ask();
    const view = tourView(tour);
    if (!view || shown === view) return;
    shown = view;
    enter(tour.known[tour.number], view);
    if (entered !== tour.number) {
      entered = tour.number;
      columns.scrollTop = card.node.scrollTop = 0;
    } else card.showAnswer();
  }

  function press(event) {
    const [target] = event.composedPath();
    const here = target === document.body || target === document.documentElement || root.contains(target);
    const taken = target instanceof Element && target.closest(TOUR_LEAVES);
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || !here || taken) return;
    const next = tourKey(tour, event.key);
    if (!next) return;
    event.preventDefault();
    set(next);
  }

  document.addEventListener("keydown", press);
  const leave = store.subscribe(follow);
  follow();
  return {
    receive(answer) {
      if (answer?.tour && tour.known[answer.tour.step] === undefined) set(tourKnow(tour, answer.tour));
    },
    update(state) {
      const step = tour.known[tour.number];
      const revealed = Boolean(tour.revealed[tour.number]);
      // the picture stays until the next step is there
      const view = tourView(tour) ?? shown ?? { panels: "" };
      setAttributes(root, {
        "data-panels": view.panels, "data-veil": (view.veil ?? []).join(" "), "data-dial": Boolean(view.dial),
        "data-switch": Boolean(view.switch && state.sgdFresh), "data-revealed": revealed,
        "data-sgd": Boolean(state.sgd && (view.train || view.switch)),
        "data-story": Boolean(view.story),
      });
      const guess = tour.guesses[tour.number];
      const built = state.scenes.find(({ name }) => name === step?.scene)?.scene;
      const changed = Boolean(built) && sceneKey({ ...state.scene, beta: built.beta }) !== sceneKey(built);
      card.update({ tour, title: given.titles[tour.number - 1], step, revealed, guess, changed, error: state.error });
      sheet.update(step?.sheet, state.scene, revealed);
      foot.update({ tour, step, revealed });
      const words = spokenStep(step, revealed, guess, tour.number);
      if (words !== said) announce(words);
      said = words;
    },
    /** What lies over the picture, once the picture stands. */
    place() {
      const question = tour.known[tour.number]?.question;
      const turned = question?.kind === "direction";
      const revealed = Boolean(tour.revealed[tour.number]);
      const guess = tour.guesses[tour.number];
      dial.update({
        asked: turned && !revealed,
        at: turned ? (guess ?? (revealed ? null : question.start)) : null,
        marks: tourView(tour)?.marks ?? [],
      });
    },
    stop() {
      document.removeEventListener("keydown", press);
      leave();
      dial.stop();
    },
  };
}

function sameTraining(one, other) {
  return Object.keys(other).every((name) => one[name] === other[name]);
}

/** What is read aloud when a step or its answer appears. */
function spokenStep(step, revealed, guess, number) {
  if (!step) return "";
  if (revealed) return `${tourVerdict(step.question, guess).text} ${step.reveal.join(" ")}`;
  return `Step ${number}: ${step.title}. ${step.text.join(" ")} ${step.question.text}`;
}
