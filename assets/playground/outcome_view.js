/**
 * What the outcome panel says, as plain values: which numbers are known, whose they are, and whether they still hold.
 *
 * Nothing is said before the library has said it. "Fresh" means: computed for exactly the present scene.
 */

/** A value between two frames, so that dots glide; `at` is the fractional frame. */
function betweenFrames(frames, at, read) {
  const low = Math.min(frames.length - 1, Math.floor(at));
  const high = Math.min(frames.length - 1, low + 1);
  const [start, end] = [read(frames[low]), read(frames[high])];
  // both may be infinite
  return at === low || start === end ? start : start + (at - low) * (end - start);
}

/** The certified optimum of the last whole answer, or null. */
function bestOf(state, derived) {
  const optimum = state.answer?.optimum;
  if (!optimum) return null;
  const lower = Number.isFinite(optimum.lower_bound) ? optimum.lower_bound : null;
  const proved = optimum.status === "optimal" && optimum.scope === "global" && lower !== null;
  const { objective, gap, status_text: text } = optimum;
  return { objective, lower, gap, proved, text, count: optimum.sizes.length, fresh: derived.current.optimum };
}

/** The run that is drawn: its seeds at the present frame, or null. */
function runOf(state, derived) {
  const { sgd } = state;
  if (!sgd?.frames?.length) return null;
  const { frames, settings } = sgd;
  const last = frames.length - 1;
  const at = Math.max(0, Math.min(last, state.frame));
  const frame = frames[Math.floor(at)];
  const seeds = frame.objective.map((objective, seed) => ({
    objective,
    place: betweenFrames(frames, at, (each) => each.objective[seed]),
    lower: frame.lower[seed],
  }));
  return {
    seeds,
    frames,
    at,
    last,
    settings,
    iteration: frame.it,
    head: betweenFrames(frames, at, (each) => each.it),
    total: settings.iterations,
    done: sgd.done,
    chosen: Math.min(state.seed, seeds.length - 1),
    fresh: derived.current.sgd,
  };
}

/** The steps made by hand, each with its objective and the best bound so far, or null. */
function handOf(state, derived) {
  const steps = state.hand?.steps ?? [];
  if (!steps.length) return null;
  return {
    steps: steps.map((step) => ({ objective: step.objective, lower: step.best_lower })),
    fresh: derived.current.hand,
  };
}

/** Everything the panel shows. */
export function outcomeView(state, derived) {
  return {
    show: derived.show,
    /** whose numbers are asked for: there may be no such network yet */
    asked: state.show,
    best: bestOf(state, derived),
    run: runOf(state, derived),
    hand: handOf(state, derived),
    numbers: derived.numbers,
    zero: state.zero ?? state.answer?.zero ?? null,
  };
}

/** How far above the certified optimum, in words: "+23 %", "+0.4 %"; empty without an optimum to compare with. */
export function excessText(objective, best) {
  if (!best?.fresh || !(best.objective > 0) || objective === Infinity) return "";
  const percent = (100 * (objective - best.objective)) / best.objective;
  if (percent < 0.005) return "+0 %";
  return `+${percent.toFixed(percent < 0.1 ? 2 : percent < 10 ? 1 : 0)} %`;
}

/** A relative gap that can be read from afar. */
export function gapText(gap) {
  if (!Number.isFinite(gap)) return "no bound";
  const percent = 100 * gap;
  if (percent < 1e-4) return "< 0.0001 %";
  return `${percent.toFixed(percent < 0.1 ? 4 : percent < 10 ? 1 : 0)} %`;
}

/** An objective to four figures. */
export function objectiveText(value) {
  if (value === Infinity) return "diverged";
  const size = Math.abs(value);
  return value.toFixed(size < 0.1 ? 4 : size < 10 ? 3 : size < 100 ? 2 : 1);
}
