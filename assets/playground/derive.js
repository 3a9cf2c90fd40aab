/**
 * What follows from a state: geometry, networks on the present data, the dual vector and its curve, what is lit.
 *
 * The one place where panels get derived values. Each is computed when it is first asked for, and kept while what it
 * depends on stays the same object; so panels may compare with ===, and what nobody looks at costs nothing.
 */
import { bestLevel, dimension, dual, entries, filterEntries, hasLevel, outputs, patches, toNet, windows } from "./maths.js";
import { circleCells, circleLines, circleTies, orderLines } from "./circle.js";
import { circleCurve } from "./circle_curve.js";
import { dualForm } from "./dual_function.js";
import { sphereFrame, sphereLines, sphereTies, unit3 } from "./sphere.js";
import { focusOf } from "./focus.js";
import { peak } from "./peak.js";
import { remembered } from "./remembered.js";
import { sceneKey } from "./scene_key.js";

/** A size below this share of the largest one is a neuron that does nothing. */
const ASLEEP = 1e-6;

/** A function from states to derived values, with a memory of its own. */
export function createDerive() {
  const geometry = createGeometry(),
    networks = createNetworks();
  const outputsOf = { optimum: remembered(outputsOn), sgd: remembered(outputsOn), hand: remembered(outputsOn) };
  const levelled = { optimum: remembered(withLevel), sgd: remembered(withLevel), hand: remembered(withLevel) };
  const dualOf = remembered((y, loss, bias, f) => dual({ y, loss, bias }, f));
  const curve = remembered((setting, beta, X, v, cells) => circleCurve({ ...setting, beta }, X, v, 360, cells));
  const highest = remembered((setting, beta, X, v, cells) => peak({ ...setting, beta }, X, v, cells));
  const numbers = remembered(numbersOf),
    seeds = remembered(seedsOf),
    excess = remembered(excessOf);
  const trails = remembered(trailsOf),
    best = remembered(bestSeed),
    focus = remembered(focusOf),
    ordered = remembered(orderedLines);

  return function derive(state) {
    const { scene } = state,
      place = geometry(scene),
      { a, setting, patches: X } = place;
    const current = { optimum: state.fresh, sgd: state.sgdFresh, hand: state.handFresh };
    const nets = networks(state, setting);
    for (const kind of Object.keys(nets)) nets[kind] = levelled[kind](nets[kind], setting, X, scene.y, scene.loss);
    const exists = nets[state.show] !== null;
    const show = exists ? state.show : "optimum",
      net = nets[show];
    const beside = show === "hand" ? nets.hand : nets.sgd;
    const on = (kind) => (nets[kind] ? outputsOf[kind](setting, X, nets[kind]) : null);
    const at = state.sgd ? frameAt(state.sgd.frames, state.frame) : null;
    return {
      scene,
      key: sceneKey(scene),
      n: X.length,
      d: entries(scene),
      K: X[0].length,
      ...place,
      nets,
      current,
      show,
      net,
      beside,
      get outputs() {
        return { optimum: on("optimum"), sgd: on("sgd"), hand: on("hand") };
      },
      get f() {
        return on(show);
      },
      get v() {
        if (!net) return null;
        // the library's own dual vector where it belongs to what is drawn: its proof is about that one
        const proved = show === "optimum" && current.optimum ? state.answer.optimum.dual : null;
        return proved ?? dualOf(scene.y, scene.loss, scene.bias, on(show));
      },
      get curve() {
        return net && a === 2 ? curve(setting, scene.beta, X, this.v, place.cells) : null;
      },
      get peak() {
        return net ? highest(setting, scene.beta, X, this.v, place.cells) : null;
      },
      get numbers() {
        // of the network that is asked for: where there is none yet, the optimum drawn in its place lends it no numbers
        return numbers(state.show, current[state.show], state.answer, at, state.seed, state.hand, nets[state.show]);
      },
      get seeds() {
        return current.sgd && at ? seeds(at) : null;
      },
      get best() {
        return current.sgd && at ? best(at) : null;
      },
      get trails() {
        return nets.sgd ? trails(setting, state.sgd.frames, state.seed, state.frame, nets.sgd) : null;
      },
      get excess() {
        return current.sgd && current.optimum ? excess(state.sgd.frames, state.answer.optimum) : null;
      },
      get focus() {
        const target = state.pin ?? state.hover;
        if (!target) return null;
        // with a free bias a direction has its best one, by the dual vector
        const v = scene.bias === "free" ? this.v : null;
        return focus(target, target === state.pin, setting, X, place.cells, nets.optimum, beside, v);
      },
      /** Patches have a line each; with free biases those of the patch that is pointed at, one for every other patch. */
      get lines() {
        const chosen = place.form === "knees" ? this.focus : null;
        if (!chosen || chosen.i === null || (chosen.k === null && X[chosen.i].length > 1)) return place.lines;
        return ordered(setting, X, chosen.i, chosen.k ?? 0);
      },
    };
  };
}

function outputsOn(setting, X, net) {
  return outputs(setting, X, net);
}

/**
 * The network with the best output bias, where one is free and the network does not say its own; without any where none is,
 * as when it was made with one and the setting has changed since.
 */
function withLevel(net, setting, X, y, loss) {
  if (!net || hasLevel(setting) === (net.level !== undefined)) return net;
  if (!hasLevel(setting)) return { filters: net.filters, sizes: net.sizes };
  return { ...net, level: bestLevel({ y, loss }, outputs(setting, X, net)) };
}

function orderedLines(setting, X, i, k) {
  return orderLines(setting, X, i, k).map((line) => (line.angle === undefined ? { ...line, normal: unit3(line.normal) } : line));
}

/** Patches, lines and cells; targets and beta do not matter to them. */
function createGeometry() {
  const cutUp = remembered((X, key) => {
    const scene = { X, ...JSON.parse(key) };
    return { a: dimension(scene), windows: windows(scene), patches: patches(scene) };
  });
  // what the activations and the pooling see of a scene: the same object while these do not change
  const settings = remembered((key) => JSON.parse(key));
  const round = remembered((setting, X) => {
    const lines = circleLines(setting, X),
      ties = circleTies(setting, X);
    return { lines, ties, cells: circleCells(setting, X, lines, ties), frame: null };
  });
  const solid = remembered((setting, X) => {
    const frame = sphereFrame(setting);
    return { lines: sphereLines(setting, X), ties: sphereTies(setting, X, frame), cells: null, frame };
  });
  return ({ X, shape, filter, stride, bias, pooling, activation, slope }) => {
    const cutting = cutUp(X, JSON.stringify({ shape, filter, stride, bias }));
    const setting = settings(JSON.stringify({ shape, filter, stride, bias, pooling, activation, slope }));
    const form = dualForm(setting);
    return { setting, form, ...cutting, ...(cutting.a === 2 ? round : solid)(setting, cutting.patches) };
  };
}

/** The three networks of a state whose filters have as many entries as those of the scene. */
function createNetworks() {
  const optimum = remembered(
    (found) => found && { filters: found.filters, sizes: found.sizes, ...(found.free?.length && { level: found.free[0] }) },
  );
  const between = remembered(betweenNets),
    byHand = remembered(toNet);
  return ({ answer, sgd, hand, seed, frame }, setting) => {
    const a = filterEntries(setting),
      fits = (net) => (net && net.filters.every((u) => u.length === a) ? net : null);
    const frames = sgd?.frames ?? [],
      low = frameAt(frames, frame),
      high = frameAt(frames, Math.ceil(frame));
    const made = hand && (hand.steps[hand.steps.length - 1] ?? hand.start);
    return {
      optimum: fits(optimum(answer?.optimum ?? null)),
      sgd: low?.nets[seed] ? fits(between(setting, low.nets[seed], high.nets[seed], frame - Math.floor(frame))) : null,
      hand: made ? fits(byHand(setting, made)) : null,
    };
  };
}

/** The frame at or before a place in a run. */
function frameAt(frames, place) {
  return frames.length ? frames[Math.min(Math.max(Math.floor(place), 0), frames.length - 1)] : null;
}

/** A network on the way from one frame to the next. */
function betweenNets(setting, from, to, share) {
  if (from === to || share === 0) return toNet(setting, from);
  const towards = (start, end) => start + share * (end - start);
  return toNet(setting, {
    filters: from.filters.map((w, j) => w.map((entry, e) => towards(entry, to.filters[j][e]))),
    weights: from.weights.map((weight, j) => towards(weight, to.weights[j])),
    free: from.free?.map((level, r) => towards(level, to.free[r])),
  });
}

/** The library's numbers about what is drawn; null where it has not spoken about the present scene. */
function numbersOf(show, current, answer, frame, seed, hand, net) {
  const optimum = answer?.optimum,
    step = hand?.steps[hand.steps.length - 1];
  let known = null;
  if (show === "optimum") known = optimum && { ...optimum, lower: optimum.lower_bound };
  else if (show === "hand") known = step && { ...step, lower: step.best_lower };
  else if (frame)
    known = {
      objective: frame.objective[seed],
      lower: frame.lower[seed],
      ceiling: frame.ceiling[seed],
      peak: frame.peak[seed],
    };
  if (!current || !known || !net)
    return { objective: null, lower: null, gap: null, ceiling: null, peak: null, active: null };
  const { objective, lower = null, ceiling, peak: highest } = known;
  return {
    objective,
    lower,
    gap: known.gap ?? relativeGap(objective, lower),
    ceiling,
    peak: highest,
    // the library's own count where it has left out what does nothing
    active: show === "optimum" ? net.sizes.length : awake(net),
  };
}

/** (objective - lower) / objective, the library's definition; null without a bound. */
function relativeGap(objective, lower) {
  if (lower === null) return null;
  return objective === lower ? 0 : (objective - lower) / Math.abs(objective);
}

/** Filters that do something. */
function awake(net) {
  const largest = net.sizes.reduce((most, size) => Math.max(most, Math.abs(size)), 0);
  return net.sizes.filter((size) => Math.abs(size) > ASLEEP * largest).length;
}

/** Every seed at a frame. */
function seedsOf({ objective, lower, ceiling, peak: highest }) {
  return objective.map((value, seed) => ({
    seed,
    objective: value,
    lower: lower[seed],
    ceiling: ceiling[seed],
    peak: highest[seed],
  }));
}

/** The seed with the lowest objective. */
function bestSeed({ objective }) {
  return objective.reduce((best, value, seed) => (value < objective[best] ? seed : best), 0);
}

/** The way of every neuron of one seed up to the shown moment, [m][frames] of directions. */
function trailsOf(setting, frames, seed, place, now) {
  const past = frames.slice(0, Math.floor(place) + 1).map((frame) => toNet(setting, frame.nets[seed]));
  if (place > past.length - 1) past.push(now);
  return now.filters.map((_, j) => past.map((net) => net.filters[j]));
}

/** How far above the optimum every seed is, frame by frame, as a share of the optimum. */
function excessOf(frames, optimum) {
  const unit = optimum.objective > 0 ? optimum.objective : 1,
    seeds = frames[0]?.objective.length ?? 0;
  const curves = Array.from({ length: seeds }, (_, s) =>
    frames.map((frame) => (frame.objective[s] - optimum.objective) / unit),
  );
  return { iterations: frames.map((frame) => frame.it), curves };
}
