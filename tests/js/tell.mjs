// Reads states of the playground from standard input; writes what is derived from each, and its sentence, as JSON.
import { readFileSync } from "node:fs";
import { createDerive } from "../../assets/playground/derive.js";
import { readFrames } from "../../assets/playground/frames.js";
import { objective } from "../../assets/playground/maths.js";
import { story } from "../../assets/playground/story.js";

const derive = createDerive();

function told(given) {
  const state = given.sgd ? { ...given, sgd: { ...given.sgd, frames: readFrames(given.sgd.frames) } } : given;
  const derived = derive(state),
    { show, numbers, outputs, peak, v, seeds, best, excess, trails, net } = derived;
  return {
    show,
    numbers,
    outputs,
    peak,
    v,
    seeds,
    best,
    excess,
    trails,
    objective: net && objective(derived.scene, derived.patches, net),
    story: story(state, derived),
  };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(told)));
