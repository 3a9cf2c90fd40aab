import assert from "node:assert/strict";
import { test } from "node:test";

import { termParts } from "../../assets/playground/glossary.js";
import { awayFrom, tourGo, tourGuess, tourKey, tourKnow, tourOf, tourReveal, tourVerdict, tourView } from "../../assets/playground/tour_model.js";

const STEP = {
  step: 1, before: { panels: "data" }, after: { panels: "data sheet" },
  question: { kind: "choice", text: "How many?", options: ["one", "two", "three"], right: 1 },
};
const LINE = { step: 2, before: {}, after: {}, question: { kind: "direction", text: "Where?", angles: [45, 225], close: 8, start: 150 } };
const DIAL = { kind: "beta", text: "When?", beta: 2, close: 1.25 };
const begun = () => [STEP, LINE].reduce(tourKnow, tourOf(3, 1));

test("the arrow to the right shows the answer first and goes on then, the one to the left goes back, and ends are ends", () => {
  let tour = begun();
  assert.equal(tourView(tour), STEP.before);
  tour = tourKey(tour, "ArrowRight");
  assert.equal(tour.number, 1);
  assert.equal(tourView(tour), STEP.after);
  tour = tourKey(tour, "ArrowRight");
  assert.equal(tour.number, 2);
  assert.equal(tourView(tour), LINE.before);
  tour = tourKey(tourKey(tour, "ArrowLeft"), "ArrowLeft");
  assert.equal(tour.number, 1);
  assert.equal(tourView(tour), STEP.after, "an answer that was seen stays seen");
  const last = tourGo(tour, 3);
  assert.equal(tourGo(last, 4), last);
  assert.equal(tourKey(last, "ArrowRight"), last, "a step that the library has not sent yet has no answer");
  assert.equal(tourView(last), null);
});

test("a number chooses an option of a question that has them, once", () => {
  const tour = tourKey(begun(), "3");
  assert.equal(tour.guesses[1], 2);
  assert.ok(tour.revealed[1]);
  assert.equal(tourGuess(tour, 0), tour, "who has seen the answer does not guess any more");
  assert.equal(tourKey(begun(), "4"), null);
  assert.equal(tourKey(tourGo(begun(), 2), "1"), null);
  assert.equal(tourKey(begun(), "a"), null);
});

test("a link to a step that is none leads to one that is", () => {
  assert.equal(tourOf(8, 0).number, 1);
  assert.equal(tourOf(8, 99).number, 8);
});

test("what is said of a guess follows from how far it is from the truth", () => {
  const { question } = STEP;
  assert.deepEqual(tourVerdict(question, 1), { right: true, text: "Right." });
  assert.deepEqual(tourVerdict(question, 0), { right: false, text: "Not “one”, but “two”." });
  assert.equal(tourVerdict(question, undefined).right, null);
  assert.deepEqual(tourVerdict(LINE.question, 45), { right: true, text: "Exactly there." });
  assert.deepEqual(tourVerdict(LINE.question, 230), { right: true, text: "Only 5° off." });
  assert.deepEqual(tourVerdict(LINE.question, 315), { right: false, text: "90° off." });
  assert.equal(tourVerdict(DIAL, 1.7).right, true);
  assert.match(tourVerdict(DIAL, 1).text, /too low/);
  assert.match(tourVerdict(DIAL, 4).text, /too high/);
});

test("directions are compared around the circle", () => {
  assert.equal(awayFrom(350, [10, 180]), 20);
  assert.equal(awayFrom(10, [350]), 20);
});

test("a reveal needs the library's answer", () => {
  const empty = tourOf(3, 1);
  assert.equal(tourReveal(empty), empty);
});

const TERMS = { patch: "P.", filter: "F.", "group lasso": "G.", lasso: "L.", "sign pattern": "S." };

test("each term is marked where it stands first, also in the plural and in capitals, and nothing is lost of the text", () => {
  const text = "Patches and a filter: filters read a patch. The group lasso, and sign patterns.";
  const parts = termParts(text, TERMS);
  assert.equal(parts.map((part) => part.text).join(""), text);
  assert.deepEqual(parts.filter((part) => part.tip).map((part) => [part.text, part.tip]), [
    ["Patches", "P."], ["filter", "F."], ["group lasso", "G."], ["sign patterns", "S."],
  ]);
});

test("in texts that belong together a term is marked once", () => {
  const taken = new Set();
  const tips = ["One patch.", "Another patch, a filter."].map((text) => termParts(text, TERMS, taken).map((part) => part.tip));
  assert.deepEqual(tips, [[null, "P.", null], [null, "F.", null]]);
});

test("a term inside another word is none", () => {
  assert.ok(termParts("dispatch, prefiltered, patchwork, lassoed", TERMS).every((part) => part.tip === null));
  assert.deepEqual(termParts("nothing", {}), [{ text: "nothing", tip: null }]);
});
