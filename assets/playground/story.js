/**
 * The one sentence over the picture: what is pointed at, else how things stand. Plain English first.
 *
 * No count and no "proved" before the library has spoken about the present scene; a network that was trained on other
 * data is called so. At most LONGEST characters, which is two lines.
 */
import { activationOf } from "./activations.js";
import { decimals, signed } from "./format.js";
import { dot, winner } from "./maths.js";
import { countText, directionNote, directionWords, listText, percentWords, thousands } from "./words.js";

/** Characters that two lines of 17 px over the picture hold in a wide font. */
export const LONGEST = 116;
/** From here on a curve pokes through the ceiling, more than rounding can do. */
const POKES = 1.002;
/** Share above the optimum below which a run has found it. */
const FOUND = 5e-4;
/** Bounds closer than this share are not told apart by their first figures. */
const CLOSE = 0.02;
/** A run is stuck if its objective falls by less than this share in the last quarter of its steps. */
const STILL = 1e-3;

/** The sentence as parts to be drawn, and as plain text to be read out. */
export function story(state, derived) {
  const parts = (derived.focus ? focusStory(state, derived) : stateStory(state, derived)).filter((part) => part.text);
  return { parts, plain: parts.map((part) => part.text).join("") };
}

const say = (text) => ({ text });
const stress = (text, tone) => ({ text, strong: true, tone });

/** How things stand. */
function stateStory(state, derived) {
  if (state.error) return [stress("That did not work: ", "orange"), say(shortened(state.error, LONGEST - 20))];
  if (state.show === "sgd" && derived.show !== "sgd")
    return state.playing
      ? [stress("Training starts …", "purple")]
      : [say("SGD has not been trained on these data yet: "), stress("press Play.", "purple")];
  if (derived.show === "sgd") return sgdStory(state, derived);
  if (derived.show === "hand") return handStory(state, derived);
  return optimumStory(state, derived);
}

function optimumStory(state, derived) {
  const { current, net, numbers } = derived;
  if (!current.optimum && state.estimate)
    return [
      stress("Too large to follow your hand", "orange"),
      say(` (${state.estimate}): the optimum is computed when you let go.`),
    ];
  if (!net) return [say("Looking for the best network there is …")];
  if (!current.optimum)
    return [
      stress("Your change, a preview: "),
      say("the curve is that of the last optimum, the new one and its proof are on their way …"),
    ];
  const { scope, status } = state.answer.optimum,
    count = countText(net.sizes.length, "filter");
  if (scope !== "global" || numbers.gap === null)
    return [
      stress(`The best network found, ${count}. `, "green"),
      say("Not every direction could be searched, so this is not proved to be the best."),
    ];
  if (status !== "optimal")
    return [
      stress(`The best so far, ${count}: `, "green"),
      say(`${betweenBounds(numbers)}The time was not enough for more.`),
    ];
  if (!net.sizes.length)
    return [
      stress("Optimum: no filter at all. ", "green"),
      say("Nowhere does the curve reach the ceiling: every filter costs more than it helps."),
    ];
  const touches = `The ${derived.a === 2 ? "curve" : "surface"} touches the ceiling at`;
  const stars = net.sizes.length === 1 ? "star" : "stars";
  return [
    stress(`Optimum, ${count}. `, "green"),
    say(`${touches} the ${stars} and is nowhere above it: `),
    stress("no other filter can help.", "green"),
  ];
}

/** A run of SGD at the shown frame. */
function sgdStory(state, derived) {
  const { sgd, seed } = state,
    { numbers } = derived,
    last = sgd.frames.length - 1;
  if (!derived.current.sgd)
    return [
      stress("Trained on other data, ", "purple"),
      say("or with other settings: this network says nothing about the present ones. "),
      stress("Press Play.", "purple"),
    ];
  const frame = sgd.frames[Math.min(Math.floor(state.frame), last)],
    over = sgd.done && state.frame >= last;
  const name = over
    ? `${optimiserName(sgd)}, seed ${seed + 1}, `
    : `${optimiserName(sgd)}, seed ${seed + 1}, step ${thousands(frame.it)}: `;
  if (numbers.objective === Infinity)
    return [stress(name, "purple"), say("has diverged: its steps were too long, and its weights grew beyond all bounds.")];
  const above = excessAbove(state, numbers),
    pokes = numbers.ceiling > POKES;
  const peak = numbers.peak ? directionWords(derived.scene, numbers.peak) : "";
  if (above === null)
    return [
      stress(name, "purple"),
      say(
        `${over ? "ends at " : ""}objective ${figures(numbers.objective)}; the optimum is ` +
          `${state.fresh && state.answer?.optimum ? figures(state.answer.optimum.objective) : "not known yet"}.`,
      ),
    ];
  const proved = isProved(state.answer.optimum),
    best = !proved ? "the best found" : over ? "the best possible" : "the best";
  const far =
    above < FOUND
      ? `at ${best}. `
      : above < 1
        ? `${percentWords(above)} above ${best}. `
        : `${over ? "at " : ""}${decimals(1 + above, 1)} times ${best}. `;
  const rigid = derived.form === "steps";
  if (!over && rigid && above >= FOUND)
    return [stress(name, "purple"), say(`${far}No slope: its filters cannot move, weights can.`)];
  if (!over)
    return [
      stress(name, "purple"),
      say(far),
      say(
        pokes
          ? `Peak: a filter ${peak}, ${times(numbers.ceiling)} the ceiling.`
          : proved && "Nothing pokes through the ceiling.",
      ),
    ];
  if (!proved && !pokes) return [stress(name, "purple"), say(`ends ${far}Not every direction could be searched.`)];
  if (proved && above < FOUND)
    return [
      stress(`${name}found the optimum: `, "purple"),
      say(
        pokes ? `its peak is ${times(numbers.ceiling)} the ceiling. ` : "nothing pokes through the ceiling. ",
      ),
      say("Other seeds may be less lucky."),
    ];
  if (!pokes) return [stress(name, "purple"), say(`ends ${far}No filter is missing: it only has to train on.`)];
  if (rigid)
    return [stress(`${name}is stuck `, "purple"), say(`${far}Its filters never moved: steps have no slope.`)];
  return [
    stress(`${name}${isStuck(sgd, seed) ? "is stuck" : "ends"} `, "purple"),
    say(`${far}Still missing: `),
    stress(`a filter ${peak}.`, "purple"),
  ];
}

/** Whether no network can be better: every direction was searched, and the bounds have closed. */
function isProved({ status, scope }) {
  return status === "optimal" && scope === "global";
}

/** Whether a finished run has stopped improving. */
function isStuck({ frames }, seed) {
  const last = frames[frames.length - 1],
    late = frames.find((frame) => frame.it >= 0.75 * last.it);
  return late.objective[seed] - last.objective[seed] < STILL * last.objective[seed];
}

/** Steps of column generation by hand. */
function handStory(state, derived) {
  const { hand } = state,
    steps = hand.steps.length,
    last = hand.steps[steps - 1],
    { numbers } = derived;
  if (!derived.current.hand) return [stress("Made for other data: "), say("add a filter to begin again.")];
  if (!steps) {
    const begun = hand.start.filters.length ? "This is the network you start from. " : "No filter yet. ";
    return [
      stress(begun),
      say("The highest point of the curve is the filter that helps most: "),
      stress("add it.", "green"),
    ];
  }
  const added = `${countText(steps, "step")} by hand`;
  if (last.done && last.best_lower === null)
    return [
      stress(`${added}, nothing is missing where it was looked. `, "green"),
      say("Not every direction could be searched: nothing is proved."),
    ];
  if (last.done)
    return [stress(`${added}, and nothing is missing: `, "green"), say("you have found the optimum, and its proof.")];
  const peak = last.peak ? `a filter ${directionWords(derived.scene, last.peak)}` : "the filter at the peak";
  return [
    stress(`${added}: `),
    say(`${betweenBounds(numbers)}Still missing: ${peak}. `),
    stress("Add it too.", "green"),
  ];
}

/** What both bounds say about the best possible; in per cent where they are close, empty without a lower one. */
function betweenBounds({ objective, lower }) {
  if (!(lower > 0)) return "";
  if (objective / lower - 1 < CLOSE) return `at most ${percentWords(objective / lower - 1)} above the best. `;
  return `the best lies between ${figures(lower)} and ${figures(objective)}. `;
}

/** What is pointed at or pinned. */
function focusStory(state, derived) {
  const { focus } = derived;
  if (focus.target.kind === "sample") return sampleStory(derived, focus);
  if (focus.target.kind === "patch") return patchStory(derived, focus);
  if (focus.target.kind === "cell") return cellStory(derived, focus);
  if (focus.target.kind === "direction") return placeStory(derived, focus);
  return neuronStory(derived, focus);
}

function sampleStory(derived, { i }) {
  const { scene, K, outputs, current, beside, show } = derived,
    said = [];
  if (outputs.optimum && current.optimum) said.push(`the optimum says ${decimals(outputs.optimum[i], 2)}`);
  const kind = show === "hand" ? "hand" : "sgd";
  if (beside && current[kind]) said.push(`${kind === "sgd" ? "SGD" : "yours"} ${decimals(outputs[kind][i], 2)}`);
  const several = K > 1,
    whose = several ? `its ${K} patches` : "its patch";
  const lines = {
    squares: `squares draw no line${several ? "s" : ""} for ${whose}`,
    knees: `on a line ${several ? "one of " : ""}${whose} meets another`,
  }[derived.form];
  const inPicture = lines ?? `${several ? `${whose} are ${K} lines` : "one line"} in the picture`;
  return [
    stress(`Sample ${i + 1}: `),
    say(`${inPicture}. Target ${decimals(scene.y[i], 2)}${said.length ? `, ${said.join(", ")}` : ""}.`),
  ];
}

/** What a patch does where it has no line of its own. */
const PATCH_SIDES = {
  squares: "its response is squared by every filter, whatever its sign: no side is silent.",
  knees: "with a free bias each filter has its own place from where on the patch makes it fire.",
};

function patchStory(derived, { i, k, filterShares }) {
  const { nets, current, patches } = derived,
    name = derived.K === 1 ? `Sample ${i + 1}` : `Patch ${k + 1} of sample ${i + 1}`;
  if (!nets.optimum || !current.optimum)
    return [
      stress(`${name}: `),
      say(PATCH_SIDES[derived.form] ?? "on one side of its line it makes a filter fire, on the other side it is silent."),
    ];
  const row = patches[i][k],
    wins = (u) => derived.setting.pooling !== "max" || winner(patches[i], u) === k;
  const { fires } = activationOf(derived.setting),
    // what is nearly zero is zero
    response = (u) => (Math.abs(dot(row, u)) > 1e-7 ? dot(row, u) : 0);
  const firing = nets.optimum.filters.map((u, j) => (fires(response(u)) && wins(u) ? j : -1)).filter((j) => j >= 0);
  if (!firing.length)
    return [
      stress(`${name} `),
      say(
        derived.form in PATCH_SIDES
          ? "makes no filter of the optimum fire: all of them are silent at it."
          : "makes no filter of the optimum fire: all of them point to the silent side of its line.",
      ),
    ];
  const most = firing.reduce(
    (best, j) => (Math.abs(filterShares[j]) > Math.abs(filterShares[best]) ? j : best),
    firing[0],
  );
  return [
    stress(`${name} `),
    say(
      `fires for ${firing.length === 1 ? "filter" : "filters"} ${listText(
        firing.map((j) => j + 1),
        2,
      )} of the optimum; `,
    ),
    stress(`filter ${most + 1} adds ${decimals(filterShares[most], 2)}`, toneOf(filterShares[most])),
    say(" to its prediction."),
  ];
}

function cellStory(derived, { fires, cell, filters }) {
  const firing = fires.flat().filter(Boolean).length,
    here = filters.map((lit, j) => (lit ? j + 1 : 0)).filter(Boolean);
  const { cells, n, K, current } = derived;
  const span =
    cells && cells.length > 1 ? `, ${Math.round(cells[cell].from)}° to ${Math.round(cells[cell].to) % 360}°` : "";
  if (derived.form === "squares")
    return [stress("One cell, all directions: "), say("a square has no corner, so that no line is ever crossed.")];
  const same =
    {
      maxima: "the same patches win in all of it",
      knees: "all patches keep their order",
    }[derived.form] ?? `the same ${firing} of ${n * K} patches fire`;
  const home =
    here.length && current.optimum ? `, home of ${here.length === 1 ? "filter" : "filters"} ${listText(here, 2)}` : "";
  const so = derived.form === "steps" ? "so all its filters are one" : "so the network is linear in it";
  return [stress(`One cell${span}${home}: `), say(`${same}, ${so}.`)];
}

function placeStory(derived, { u, responses, angle }) {
  const { scene, v, show, current } = derived,
    where =
      angle === null || scene.view === "line"
        ? `A filter ${directionWords(scene, u)} `
        : `At ${Math.round(angle) % 360}°${derived.form === "knees" ? ", best bias," : ""} a filter `;
  if (!v) return [stress(where), say("can be tried as soon as there is a network.")];
  const height = Math.abs(dot(v, responses)) / scene.beta,
    about = current[show] ? "" : "about ";
  if (height > POKES)
    return [
      stress(where),
      say(`would help ${about}`),
      stress(`${times(height)} what it costs`, "purple"),
      say(": above the ceiling, it is missing here."),
    ];
  if (height > 1 / POKES)
    return [stress(where), say(`would help ${about}as much as it costs: it touches the ceiling, as in an optimum.`)];
  return [
    stress(where),
    say(`would help ${about}${times(height)} what it costs: below the ceiling, not worth its penalty.`),
  ];
}

/** A filter of the optimum, or a neuron. */
function neuronStory(derived, { target, u, size, contributions }) {
  const best = target.kind === "filter",
    kind = derived.show === "hand" ? "hand" : "sgd";
  const what = best || kind === "hand" ? "Filter" : "SGD's neuron";
  const name = `${what} ${target.j + 1}${best ? " of the optimum" : kind === "hand" ? " by hand" : ""}`;
  const order = contributions.map((_, i) => i).filter((i) => Math.abs(contributions[i]) >= 5e-3);
  order.sort((one, other) => Math.abs(contributions[other]) - Math.abs(contributions[one]));
  const adds = order.slice(0, 2).map((i) => `${signed(contributions[i], 2)} to sample ${i + 1}`);
  return [
    stress(name, best ? "green" : "purple"),
    say(` (${directionNote(derived.scene, u)}, size `),
    stress(signed(size, 2), toneOf(size)),
    say(
      adds.length
        ? `) adds ${adds.join(", ")}${order.length > adds.length ? " …" : "."}`
        : ") adds next to nothing to any prediction.",
    ),
  ];
}

function toneOf(value) {
  return value < 0 ? "blue" : "orange";
}

/** How far above the certified optimum, as a share; null while that is not known for this scene. */
function excessAbove(state, numbers) {
  const optimum = state.fresh ? state.answer?.optimum : null;
  if (!optimum || numbers.objective === null || !(optimum.objective > 0)) return null;
  return Math.max(0, numbers.objective / optimum.objective - 1);
}

function optimiserName({ settings }) {
  const name = settings?.optimiser ?? "SGD";
  return name === "momentum" ? "SGD with momentum" : name[0].toUpperCase() + name.slice(1);
}

function times(height) {
  // near the ceiling as many figures as tell on which side of it
  return `${decimals(height, height < 1 ? 2 : height < 1.1 ? 3 : height < 10 ? 1 : 0)}\u00a0×`;
}

function figures(value) {
  return value === null ? "–" : String(Number(value.toPrecision(3)));
}

function shortened(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 2).trimEnd()} …`;
}
