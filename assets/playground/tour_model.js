/**
 * The Tour without a screen: which step is shown, what was guessed in each, and what is said about a guess.
 *
 * A step is known once the library has sent it. It is revealed when something was guessed, or when its visitor wants to
 * see the answer without guessing.
 */
import { turn } from "./circle.js";

/** A tour of so many steps that begins at `number`, counted from 1. */
export function tourOf(count, number) {
  return { count, number: Math.min(Math.max(number, 1), count), known: {}, guesses: {}, revealed: {} };
}

/** The tour at another step; where there is none it stays where it is. */
export function tourGo(tour, number) {
  return number < 1 || number > tour.count || number === tour.number ? tour : { ...tour, number };
}

/** The tour with a step that the library has sent. */
export function tourKnow(tour, step) {
  return { ...tour, known: { ...tour.known, [step.step]: step } };
}

/** The tour with a guess: the place of an option, degrees, or a beta. It may change until the answer is seen. */
export function tourGuess(tour, guess) {
  if (tour.revealed[tour.number]) return tour;
  return { ...tour, guesses: { ...tour.guesses, [tour.number]: guess } };
}

/** The tour with the answer to the present step seen. */
export function tourReveal(tour) {
  if (!tour.known[tour.number]) return tour;
  return { ...tour, revealed: { ...tour.revealed, [tour.number]: true } };
}

/** What a key does: a new tour, or null if it is no key of the Tour. */
export function tourKey(tour, key) {
  if (key === "ArrowLeft") return tourGo(tour, tour.number - 1);
  // as with slides: first the answer, then the next step
  if (key === "ArrowRight") return tour.revealed[tour.number] ? tourGo(tour, tour.number + 1) : tourReveal(tour);
  const question = tour.known[tour.number]?.question;
  const option = Number(key) - 1;
  if (question?.kind !== "choice" || !(option in question.options)) return null;
  return tourReveal(tourGuess(tour, option));
}

/** What is said about a guess: `right` is null where nothing was guessed. */
export function tourVerdict(question, guess) {
  if (guess === undefined) return { right: null, text: "The answer:" };
  if (question.kind === "choice") {
    const right = guess === question.right;
    return { right, text: right ? "Right." : `Not “${question.options[guess]}”, but “${question.options[question.right]}”.` };
  }
  if (question.kind === "direction") {
    const away = Math.round(awayFrom(guess, question.angles));
    if (away <= question.close) return { right: true, text: away < 1 ? "Exactly there." : `Only ${away}° off.` };
    return { right: false, text: `${away}° off.` };
  }
  const ratio = Math.max(guess / question.beta, question.beta / guess);
  const said = `You said β = ${Number(guess.toPrecision(3))}`;
  if (ratio <= question.close) return { right: true, text: `${said}: very close.` };
  return { right: false, text: `${said}: too ${guess < question.beta ? "low" : "high"}.` };
}

/** Degrees from a direction to the nearest of some others. */
export function awayFrom(degrees, angles) {
  return Math.min(...angles.map((angle) => Math.abs(turn(degrees, angle))));
}

/** What the picture shows of a step: the state before the answer, or after. */
export function tourView(tour) {
  const step = tour.known[tour.number];
  return step ? (tour.revealed[tour.number] ? step.after : step.before) : null;
}
