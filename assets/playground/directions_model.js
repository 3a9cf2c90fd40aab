/**
 * What the middle panel draws, as plain values, whatever the picture (circle, strip, discs): the marks of the optimum's
 * filters and of the shown network's neurons, how far a run has come, and whether the curve stays under the ceiling.
 */

import { dot, filterLength, neuronSize } from "./maths.js";

/** From here on something counts as poking through the ceiling: more than what rounding and a last digit can do. */
const THROUGH = 1.002;
/** Iterations in which the radial time axis stays linear before it turns into a logarithm. */
const EARLY_ITERATIONS = 10;
/** A neuron below this share of the largest filter has no direction to speak of. */
const NEGLIGIBLE_SHARE = 0.01;
/** Cosine of a turn from one frame to the next that is a leap, not a way. */
const LEAP = Math.cos(Math.PI / 4);
/** Radius of the mark of the largest filter, and of the smallest, in pixels. */
const LARGEST_MARK = 15;
const SMALLEST_MARK = 4;
/** Share of the room above the ceiling in which heights are still drawn to scale; beyond, they crowd but never stop. */
const TRUE_SHARE = 0.6;

/**
 * Where a height is drawn: in proportion up to the ceiling (height 1, at `ceiling`), then 1 + ln(height) / 2, and near
 * `limit` bent so that it never gets there. Strictly increasing, so a higher peak is always drawn higher.
 */
export function heightPlace(height, ceiling, limit) {
  const place = height <= 1 ? height * ceiling : ceiling * (1 + 0.5 * Math.log(height));
  const bend = ceiling + TRUE_SHARE * (limit - ceiling);
  if (place <= bend) return place;
  const room = limit - bend;
  return limit - room * Math.exp((bend - place) / room);
}

/** Share of a run's way that lies behind it at iteration `it`, slow at first: most of the movement is early. */
function runShare(it, iterations) {
  return Math.min(1, Math.log1p(it / EARLY_ITERATIONS) / Math.log1p(Math.max(1, iterations) / EARLY_ITERATIONS));
}

/** Marks of a net's neurons: direction, signed size, radius; `largest` is the size that gets the largest mark. */
function marksOf(net, largest) {
  if (!net) return [];
  return net.filters.map((u, j) => {
    const size = net.sizes[j];
    const share = Math.min(1.25, Math.sqrt(Math.abs(size) / largest));
    return {
      j,
      u,
      size,
      radius: SMALLEST_MARK + (LARGEST_MARK - SMALLEST_MARK) * share,
      dead: Math.abs(size) < NEGLIGIBLE_SHARE * largest,
    };
  });
}

/** The largest size that any drawn filter has, so that stars and dots can be compared. */
function largestSize(nets) {
  const sizes = (nets.optimum ?? nets.hand ?? nets.sgd)?.sizes ?? [];
  return sizes.reduce((largest, size) => Math.max(largest, Math.abs(size)), 1e-9);
}

/** Times of the frames up to the shown one, as shares of the run; the last is the present moment. */
function runTimes(sgd, at) {
  const last = Math.min(sgd.frames.length - 1, Math.ceil(at));
  const times = [];
  for (let index = 0; index <= last; index += 1) times.push(runShare(sgd.frames[index].it, sgd.settings.iterations));
  const whole = Math.floor(at);
  if (whole < last) times[last] = times[whole] + (at - whole) * (times[last] - times[whole]);
  return times;
}

/** Why nothing can be added by hand at this moment, or null when it can. */
function addRefusal(state, derived, through) {
  const last = state.hand?.steps?.at(-1);
  if (derived.show !== state.show) return "There is no network yet: press Play first.";
  if (derived.show === "optimum") return "Nothing is missing: this is the optimum.";
  if (derived.show === "sgd" && !derived.current.sgd)
    return "This network was trained on other data or another penalty: press Play first.";
  if (derived.show === "hand" && last?.done && derived.current.hand)
    return "Nothing is missing any more: your network is the optimum.";
  if (derived.net && !through) return "Nothing is missing: no direction is clearly above the ceiling.";
  return null;
}

/** Everything that the pictures of the middle panel need, from the state and what is derived from it. */
export function directionsModel(state, derived) {
  const { nets, current, show, peak } = derived;
  const last = show === "hand" ? state.hand?.steps?.at(-1) : null;
  // by hand the library says when it is done; before that even a little above the ceiling is above
  const through = last ? !last.done : Boolean(peak && peak.ceiling > THROUGH);
  const largest = largestSize(nets);
  const sgd = state.sgd?.frames?.length ? state.sgd : null;
  const byHand = show === "hand";
  const behind = show === "optimum" ? " behind" : "";
  const times = sgd && !byHand ? runTimes(sgd, state.frame) : [];
  return {
    state,
    derived,
    show,
    /** drawn in green: certified, or nothing pokes through */
    green: show === "optimum" || !through,
    through,
    /** the drawn network belongs to other data, or is not the one asked for: fade it; the optimum only after a while */
    stale: !current[show],
    faded: current[show] && show === state.show ? "" : show === "optimum" ? " waiting" : " stale",
    stars: marksOf(nets.optimum, largest),
    /** how stars and dots look as a whole, as the end of a class: fresh, of other data, or not what the curve is about */
    starsLook: current.optimum ? "" : " waiting",
    dots: marksOf(derived.beside, largest),
    dotsLook: !(byHand ? current.hand : current.sgd) ? " stale" : behind,
    othersLook: behind,
    trails: sgd && !byHand && state.trails ? waysOf(sgd, state, derived, times, largest) : [],
    hasRun: Boolean(sgd) && !byHand,
    times,
    time: times.length ? times[times.length - 1] : 1,
    others: sgd && !byHand && current.sgd ? otherSeeds(sgd, state, derived.setting, largest) : [],
    ceiling: derived.numbers.ceiling,
    refusal: addRefusal(state, derived, through),
    playing: state.playing,
  };
}

/**
 * The ways of the chosen seed's neurons: [{j, steps: [{u, time}]}]. A way begins when the neuron is no longer negligible and
 * no longer leaps: a small neuron is thrown about by every step, and lines across the picture would say nothing.
 */
function waysOf(sgd, state, { trails, setting }, times, largest) {
  const sizeAt = (frame, j) => {
    const net = sgd.frames[Math.min(frame, sgd.frames.length - 1)].nets[state.seed];
    return Math.abs(neuronSize(setting, net.filters[j], net.weights[j]));
  };
  return (trails ?? []).map((path, j) => {
    let first = path.length - 1;
    while (first > 0 && sizeAt(first - 1, j) >= NEGLIGIBLE_SHARE * largest && dot(path[first - 1], path[first]) > LEAP)
      first -= 1;
    return { j, first, steps: path.slice(first).map((u, s) => ({ u, time: times[first + s] ?? 1 })) };
  });
}

/** Directions of the neurons of the seeds that are not chosen, at the shown frame; those of size zero left out. */
function otherSeeds(sgd, state, setting, largest) {
  const { nets } = sgd.frames[Math.min(sgd.frames.length - 1, Math.floor(state.frame))];
  const found = [];
  nets.forEach((net, seed) => {
    if (seed === state.seed) return;
    net.filters.forEach((w, j) => {
      const size = neuronSize(setting, w, net.weights[j]);
      const norm = filterLength(setting, w) || 1;
      if (Math.abs(size) > NEGLIGIBLE_SHARE * largest)
        found.push({ key: `${seed}.${j}`, u: w.map((x) => x / norm), size });
    });
  });
  return found;
}
