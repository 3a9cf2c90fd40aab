/**
 * The activations of the library, one entry each: whatever differs between them is looked up here.
 *
 *   value(t)   sigma(t); at zero the side above counts, as in the library
 *   fires(t)   whether a patch with this response is told as one that fires
 *   degree     p in sigma(s t) = s^p sigma(t), s > 0: a neuron of length l and weight w is one of length 1, weight w l^p
 *   form       what v . phi is as a function of the direction, see dual_function.js
 *   above, below   the slopes of those that have two
 */

/** t above zero times one slope, below zero times another. */
function twoSlopes(label, above, below) {
  // no product with a slope of zero: of a large t below zero it would be minus zero
  const value = (t) => (t >= 0 ? above * t : below === 0 ? 0 : below * t);
  return { label, form: "slopes", degree: 1, above, below, value, fires: (t) => t > 0 };
}

const RELU = twoSlopes("ReLU", 1, 0);
const ACTIVATIONS = {
  relu: () => RELU,
  leaky: (slope) => twoSlopes("leaky ReLU", 1, slope),
  absolute: () => twoSlopes("absolute value", 1, -1),
  residual: () => twoSlopes("residual", 2, 1),
  quadratic: () => ({ label: "square", form: "squares", degree: 2, value: (t) => t * t, fires: (t) => t !== 0 }),
  threshold: () => ({ label: "threshold", form: "steps", degree: 0, value: (t) => (t >= 0 ? 1 : 0), fires: (t) => t >= 0 }),
};

/** Names on the screen, by the library's names. */
export const ACTIVATION_LABELS = Object.fromEntries(
  Object.entries(ACTIVATIONS).map(([name, make]) => [name, make(0).label]),
);

/** Those of the library whose neurons are no directions, and so no points of the picture: label and reason. */
export const UNDRAWN = {
  maxout: {
    label: "maxout",
    reason: "A maxout neuron has two filters, and no direction stands for it here. Solve has its exact program.",
  },
};

let activationKnown = { name: null, slope: null, entry: null };

/** The activation of a scene; the same object as long as it is the same one. */
export function activationOf({ activation, slope }) {
  if (activationKnown.name !== activation || activationKnown.slope !== slope)
    activationKnown = { name: activation, slope, entry: (ACTIVATIONS[activation] ?? ACTIVATIONS.leaky)(slope) };
  return activationKnown.entry;
}
