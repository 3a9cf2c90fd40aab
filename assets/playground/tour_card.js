/** The text of a step of the Tour, its question and its answer. */
import { directionAt } from "./circle.js";
import { htmlNode, keyedChildren, setAttributes, setText } from "./dom.js";
import { decimals } from "./format.js";
import { writeTerms } from "./glossary.js";
import { tourVerdict } from "./tour_model.js";

const WELCOME = "A tour in eight steps: guess first, then see";
const CHANGED = "You changed the data: these numbers are about those before. ";

/** The text of a step: two sentences, the question with its answers, and what is seen then. */
export function createTourCard(terms, { choose, check, putBack }) {
  const node = htmlNode("article", { class: "cc-tour-card cc-panel", "aria-label": "Tour" });
  const eyebrow = htmlNode("p", { class: "cc-tour-eyebrow" }, node);
  const title = htmlNode("h2", { class: "cc-tour-title" }, node);
  const lead = htmlNode("p", { class: "cc-tour-lead" }, node);
  const text = htmlNode("div", { class: "cc-tour-text" }, node);
  const ask = htmlNode("p", { class: "cc-tour-ask" }, node);
  const options = htmlNode("div", { class: "cc-tour-options", role: "group", "aria-label": "Answers" }, node);
  const weights = htmlNode("p", { class: "cc-sub cc-tour-weights" }, node);
  const ready = htmlNode("button", { type: "button", class: "cc-button cc-tour-check" }, node, "This is my guess");
  ready.addEventListener("click", check);
  const answer = htmlNode("div", { class: "cc-tour-answer" }, node);
  const verdict = htmlNode("p", { class: "cc-tour-verdict" }, answer);
  const reveal = htmlNode("div", { class: "cc-tour-text" }, answer);
  const note = htmlNode("p", { class: "cc-sub cc-tour-note" }, node);
  const trouble = htmlNode("span", {}, note);
  const back = htmlNode("button", { type: "button", class: "cc-button" }, note, "Put them back");
  back.addEventListener("click", putBack);
  const paragraphs = (box, lines, taken) => {
    box.replaceChildren();
    for (const words of lines) writeTerms(htmlNode("p", {}, box), words, terms, taken);
  };
  let written = "";
  /** A term is marked where it stands first in the whole text of a step. */
  const write = (number, step, revealed) => {
    const key = `${number} ${Boolean(step)} ${revealed}`;
    if (key === written) return;
    written = key;
    const taken = new Set();
    writeTerms(lead, step?.lead ?? "", terms, taken);
    paragraphs(text, step?.text ?? ["One moment …"], taken);
    writeTerms(ask, step?.question.text ?? "", terms, taken);
    paragraphs(reveal, revealed ? step.reveal : [], taken);
  };
  const makeOption = (_, place) => {
    const button = htmlNode("button", { type: "button", class: "cc-tour-option" });
    htmlNode("kbd", { "aria-hidden": "true" }, button, String(place + 1));
    button.words = htmlNode("span", {}, button);
    button.mark = htmlNode("i", { "aria-hidden": "true" }, button);
    button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || choose(place));
    return button;
  };
  return {
    node,
    showAnswer: () => requestAnimationFrame(() => answer.scrollIntoView({ block: "nearest" })),
    update({ tour: { number, count }, title: heading, step, revealed, guess, changed, error }) {
      setText(eyebrow, number === 1 && !revealed ? WELCOME : `Step ${number} of ${count}`);
      setText(title, heading);
      write(number, step, revealed);
      const { question } = step ?? {};
      setAttributes(ask, { hidden: !question });
      setAttributes(ready, { hidden: !question || question.kind === "choice" || revealed });
      const [left, right] = directionAt(guess ?? question?.start ?? 0).map((entry) => decimals(entry, 2));
      setText(weights, `The filter at the dot has the weights ${left} and ${right}.`);
      setAttributes(weights, { hidden: question?.kind !== "direction" || revealed });
      const offered = question?.options ?? [];
      keyedChildren(options, offered, (_, place) => `${number} ${place}`, makeOption, (button, option, place) => {
        setText(button.words, option);
        const right = revealed && place === question.right;
        const wrong = revealed && place === guess && !right;
        setText(button.mark, right ? "✓" : wrong ? "✗" : "");
        setAttributes(button, {
          // what was neither chosen nor right makes room for the answer
          hidden: revealed && !right && !wrong,
          class: `cc-tour-option${right ? " right" : wrong ? " wrong" : ""}`, "aria-disabled": String(revealed),
          "aria-pressed": String(place === guess),
        });
      });
      setAttributes(answer, { hidden: !revealed });
      if (revealed) {
        const { right, text: said } = tourVerdict(question, guess);
        setText(verdict, said);
        setAttributes(verdict, { class: `cc-tour-verdict${right === null ? "" : right ? " right" : " wrong"}` });
      }
      setText(trouble, error ?? CHANGED);
      setAttributes(back, { hidden: Boolean(error) });
      setAttributes(note, { hidden: !error && !changed });
    },
  };
}
