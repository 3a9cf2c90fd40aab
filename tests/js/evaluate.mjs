// Reads scenes with a network and directions from standard input; writes what the browser makes of them, as JSON.
import { readFileSync } from "node:fs";
import { circleCells } from "../../assets/playground/circle.js";
import { circleCurve } from "../../assets/playground/circle_curve.js";
import { dualForm, dualFunction, filterAt } from "../../assets/playground/dual_function.js";
import { gradientFunction } from "../../assets/playground/dual_slopes.js";
import { createHeights, fillHeights } from "../../assets/playground/heights.js";
import * as maths from "../../assets/playground/maths.js";
import { peak } from "../../assets/playground/peak.js";
import { fromDisc, sphereFrame } from "../../assets/playground/sphere.js";

/** Every value of one case. */
function values({ scene, network, directions }) {
  const X = maths.patches(scene),
    net = maths.toNet(scene, network),
    f = maths.outputs(scene, X, net),
    v = maths.dual(scene, f);
  const form = dualForm(scene),
    places = directions.map((u) => u.slice(0, maths.dimension(scene))),
    whole = places.map((u) => filterAt(scene, X, v, u)),
    gradient = ["slopes", "maxima"].includes(form) ? gradientFunction(scene, X, v) : null;
  const found = {
    patches: X,
    form,
    filters: whole,
    level: maths.hasLevel(scene) ? maths.bestLevel(scene, f) : null,
    sizes: net.sizes,
    phi: directions.map((u) => maths.phi(scene, X, u)),
    outputs: f,
    atSamples: scene.X.map((x) => maths.functionAt(scene, net, x)),
    loss: maths.loss(scene, f),
    objective: maths.objective(scene, X, net),
    zero: maths.zeroObjective(scene),
    dual: v,
    vphi: whole.map((u) => maths.vphi(scene, X, v, u)),
    fast: places.map(dualFunction(scene, X, v)),
    linear: gradient && places.map((u) => maths.dot(gradient(u), u)),
    shares: directions.map((u) => X.map((rows) => maths.shares(scene, rows, u))),
    peak: peak(scene, X, v),
  };
  return Object.assign(found, maths.dimension(scene) === 2 ? onCircle(scene, X, v) : onSphere(scene, X, v));
}

function onCircle(scene, X, v) {
  const { angles, values: heights } = circleCurve(scene, X, v);
  return { cells: circleCells(scene, X).length, angles: [...angles], heights: [...heights] };
}

/** Pixels of a coarse map, with their directions. */
function onSphere(scene, X, v) {
  const frame = sphereFrame(scene),
    size = 12,
    heights = fillHeights(createHeights(size), scene, X, v, frame),
    pixels = [];
  for (const side of [0, 1])
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++) {
        const x = (2 * column + 1) / size - 1,
          y = 1 - (2 * row + 1) / size;
        if (x * x + y * y > 1) continue;
        pixels.push({ u: fromDisc(frame, side, x, y), height: heights[side ? "back" : "front"][row * size + column] });
      }
  return { pixels };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(values)));
