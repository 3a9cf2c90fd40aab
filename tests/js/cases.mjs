// Scenes for the tests of the pure modules.

/** Random numbers from a seed (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const TRAP = {
  name: "trap",
  edited: false,
  view: "signals",
  shape: [4],
  filter: [2],
  stride: [1],
  pooling: "sum",
  activation: "relu",
  slope: 0.1,
  bias: "none",
  loss: "squared",
  beta: 0.16,
  X: [
    [0.6, 2, 1.5, 1],
    [0.1, -1.3, 1.1, -0.5],
    [0.3, -0.7, 0.5, -2],
    [-1.2, 1.7, -0.7, -1.2],
  ],
  y: [0.3, -0.7, 0.8, 0.9],
};

export const SPACE = { ...TRAP, name: "space", filter: [3] };

export const PIXELS = {
  ...TRAP,
  name: "pixels",
  view: "pixels",
  shape: [2, 3],
  filter: [1, 2],
  stride: [1, 1],
  X: [
    [1, 2, -1, 0, -2, 1],
    [0.5, 0, 0, 1, 1, -1],
  ],
  y: [1, -1],
};

export const PLANE = {
  ...TRAP,
  name: "plane",
  view: "plane",
  shape: [2],
  filter: [2],
  bias: "regularised",
  pooling: "sum",
  X: [
    [1, 1],
    [-1, 0.5],
    [0.2, -1],
  ],
  y: [1, -1, 1],
};

export const LINE = { ...PLANE, name: "line", view: "line", shape: [1], filter: [1], X: [[-1], [0.3], [1.2]] };

/** A scene of signals with random entries. */
export function randomScene(seed, { n = 4, d = 6, ...settings } = {}) {
  const draw = generator(seed),
    entry = () => Math.round((4 * draw() - 2) * 100) / 100;
  const X = Array.from({ length: n }, () => Array.from({ length: d }, entry));
  return { ...TRAP, name: `random ${seed}`, shape: [d], X, y: X.map(entry), ...settings };
}

/** A random direction of a entries. */
export function randomDirection(draw, a) {
  for (;;) {
    const w = Array.from({ length: a }, () => 2 * draw() - 1),
      length = Math.hypot(...w);
    if (length > 0.1 && length < 1) return w.map((entry) => entry / length);
  }
}
