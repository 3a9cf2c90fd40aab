import assert from "node:assert/strict";
import { test } from "node:test";
import { contour, createHeights, fillHeights } from "../../assets/playground/heights.js";
import { dualFunction } from "../../assets/playground/dual_function.js";
import { counted, dot, patches, vphi, winner } from "../../assets/playground/maths.js";
import { peak } from "../../assets/playground/peak.js";
import {
  fromDisc,
  greatCircle,
  sphereFrame,
  sphereLines,
  sphereTies,
  toDisc,
  trailOnDiscs,
} from "../../assets/playground/sphere.js";
import { generator, PLANE, randomDirection, randomScene, SPACE } from "./cases.mjs";

const FRAMES = [sphereFrame(SPACE), sphereFrame(PLANE)];
const near = (one, other, close = 1e-12) =>
  one.forEach((entry, e) => assert.ok(Math.abs(entry - other[e]) < close, `${one} ${other}`));

test("a frame is right-handed and orthonormal, its pole the bias or the direction of equal entries", () => {
  for (const [x, y, z] of FRAMES) {
    near([dot(x, x), dot(y, y), dot(z, z), dot(x, y), dot(y, z), dot(z, x)], [1, 1, 1, 0, 0, 0]);
    near([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]], z);
  }
  near(
    FRAMES[0][2],
    [1, 1, 1].map((one) => one / Math.sqrt(3)),
  );
  assert.deepEqual(FRAMES[1], [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

test("places on the discs and directions belong to each other", () => {
  const draw = generator(1);
  for (const frame of FRAMES)
    for (let s = 0; s < 200; s++) {
      const u = randomDirection(draw, 3),
        { side, x, y } = toDisc(frame, u);
      assert.ok(x * x + y * y <= 1 + 1e-12);
      near(fromDisc(frame, side, x, y), u);
    }
  const beyond = fromDisc(FRAMES[0], 0, 3, 4);
  assert.ok(Math.abs(dot(beyond, FRAMES[0][2])) < 1e-12);
  near([toDisc(FRAMES[0], beyond).x, toDisc(FRAMES[0], beyond).y].map(Math.abs), [0.6, 0.8]);
});

test("the discs have equal areas: a share of directions falls on the same share of a disc", () => {
  const draw = generator(2),
    inner = 0.5;
  let inside = 0;
  for (let s = 0; s < 20000; s++) {
    const { x, y } = toDisc(FRAMES[0], randomDirection(draw, 3));
    inside += x * x + y * y < inner;
  }
  assert.ok(Math.abs(inside / 20000 - inner) < 0.015);
});

test("opposite directions have the same place on different discs", () => {
  const u = randomDirection(generator(3), 3),
    here = toDisc(FRAMES[0], u),
    there = toDisc(
      FRAMES[0],
      u.map((entry) => -entry),
    );
  assert.notEqual(here.side, there.side);
  near([here.x, here.y], [there.x, there.y]);
});

test("along a great circle the patch has no response, and the circle runs from rim to rim", () => {
  for (const scene of [SPACE, PLANE]) {
    const X = patches(scene),
      frame = sphereFrame(scene),
      lines = sphereLines(scene, X);
    assert.equal(lines.length, X.flat().length);
    for (const { i, k, normal } of lines) {
      const points = greatCircle(frame, normal);
      for (let s = 0; s < points.length; s += 2)
        for (const side of [0, 1])
          assert.ok(Math.abs(dot(fromDisc(frame, side, points[s], points[s + 1]), X[i][k])) < 1e-7);
      const last = points.length - 2;
      near([Math.hypot(points[0], points[1]), Math.hypot(points[last], points[last + 1])], [1, 1], 1e-9);
    }
  }
  const rim = greatCircle(FRAMES[1], [0, 0, 1]);
  for (let s = 0; s < rim.length; s += 2) assert.ok(Math.abs(Math.hypot(rim[s], rim[s + 1]) - 1) < 1e-12);
});

test("a trail is cut at the rim, and goes on at the opposite place of the other disc", () => {
  const frame = FRAMES[1],
    path = [
      [0.6, 0, 0.8],
      [0.8, 0, 0.6],
      [0.8, 0, -0.6],
      [0.6, 0, -0.8],
    ];
  const [first, second, ...none] = trailOnDiscs(frame, path);
  assert.deepEqual([first.side, second.side, none.length], [0, 1, 0]);
  assert.deepEqual([first.points.length, second.points.length], [3, 3]);
  near(first.points[2], [1, 0]);
  near(second.points[0], [-1, 0]);
  const turns = [...Array(60)].map((_, s) => {
    const t = s / 7;
    return [Math.cos(t), 0.6 * Math.sin(t), 0.8 * Math.sin(t)];
  });
  for (const part of trailOnDiscs(FRAMES[0], turns))
    for (const [x, y] of part.points) assert.ok(Math.hypot(x, y) < 1 + 1e-9);
});

test("across a tie the winner changes, and only arcs where a pair leads are drawn", () => {
  const scene = randomScene(4, { filter: [3], pooling: "max", n: 3 }),
    X = patches(scene),
    frame = sphereFrame(scene);
  const ties = sphereTies(scene, X, frame);
  assert.ok(ties.length > 3);
  for (const { i, k, l, side, points } of ties) {
    const [x, y] = points[points.length >> 1],
      u = fromDisc(frame, side, x, y),
      values = X[i].map((row) => dot(row, u));
    assert.ok(Math.abs(values[k] - values[l]) < 1e-7);
    assert.ok(Math.max(...values) - values[k] < 1e-7 && values[k] > -1e-7);
  }
  const draw = generator(8);
  for (let s = 0; s < 500; s++) {
    // between two directions with different winners lies a tie; the first found on the way is drawn
    const u = randomDirection(draw, 3),
      w = randomDirection(draw, 3);
    if (winner(X[0], u) === winner(X[0], w) || dot(u, w) < 0) continue;
    let [low, high] = [0, 1];
    const at = (t) => {
      const p = u.map((entry, e) => (1 - t) * entry + t * w[e]),
        r = Math.hypot(...p);
      return p.map((entry) => entry / r);
    };
    for (let b = 0; b < 50; b++) {
      const mid = (low + high) / 2;
      if (winner(X[0], at(mid)) === winner(X[0], u)) low = mid;
      else high = mid;
    }
    const place = at(low),
      best = Math.max(...X[0].map((row) => dot(row, place)));
    if (best < 1e-3) continue;
    const pair = [winner(X[0], at(low)), winner(X[0], at(high))].sort();
    assert.ok(ties.some((tie) => tie.i === 0 && tie.k === pair[0] && tie.l === pair[1]));
  }
  assert.deepEqual(sphereTies(SPACE, patches(SPACE), FRAMES[0]), []);
});

test("height maps hold the dual function, and nothing far outside the discs", () => {
  for (const pooling of ["sum", "mean", "max"])
    for (const activation of ["relu", "residual"]) {
      const scene = randomScene(6, { filter: [3], pooling, activation }),
        X = patches(scene),
        v = scene.y,
        frame = sphereFrame(scene),
        size = 30;
      const { front, back } = fillHeights(createHeights(size), scene, X, v, frame);
      let filled = 0;
      for (let at = 0; at < size * size; at++) {
        const x = (2 * (at % size) + 1) / size - 1,
          y = 1 - (2 * Math.floor(at / size) + 1) / size;
        if (Math.hypot(x, y) > 1 + 4 / size) {
          assert.ok(Number.isNaN(front[at]));
          continue;
        }
        if (Math.hypot(x, y) > 1) {
          assert.ok(Number.isFinite(back[at]));
          continue;
        }
        filled++;
        [front, back].forEach((map, side) => {
          const height = vphi(scene, X, v, fromDisc(frame, side, x, y)) / scene.beta;
          assert.ok(Math.abs(map[at] - height) < 1e-4 * Math.max(1, Math.abs(height)));
        });
      }
      assert.ok(filled > 600);
    }
});

test("along the contour the map is at its level, whatever the sign", () => {
  const scene = SPACE,
    X = patches(scene),
    frame = sphereFrame(scene),
    size = 120,
    value = dualFunction(scene, X, scene.y);
  const { front } = fillHeights(createHeights(size), scene, X, scene.y, frame),
    level = 4;
  const segments = contour(size, front, level);
  assert.ok(segments.length > 200);
  for (let s = 0; s < segments.length; s += 2) {
    const [x, y] = [segments[s], segments[s + 1]];
    if (Math.hypot(x, y) > 0.97) continue;
    assert.ok(Math.abs(Math.abs(value(fromDisc(frame, 0, x, y)) / scene.beta) - level) < 0.25);
  }
});

test("the two lines of a saddle do not cut off the side that its middle belongs to", () => {
  // the middle of (3, 0, 3, 0) is above 1: the two low corners are cut off, each by a segment of its own
  const high = contour(2, Float32Array.from([3, 0, 0, 3]), 1);
  // the upper left and the lower right corner are above: one segment lies in the upper right, one in the lower left
  const middles = [0, 4].map((s) => [high[s] + high[s + 2], high[s + 1] + high[s + 3]].map(Math.sign));
  assert.deepEqual(middles.sort(), [
    [-1, -1],
    [1, 1],
  ]);
  const low = contour(2, Float32Array.from([1.5, 0, 0, 1.5]), 1);
  const others = [0, 4].map((s) => [low[s] + low[s + 2], low[s + 1] + low[s + 3]].map(Math.sign));
  assert.deepEqual(others.sort(), [
    [-1, 1],
    [1, -1],
  ]);
});

test("no direction of many is above the peak", () => {
  const draw = generator(9);
  for (const pooling of ["sum", "mean", "max"])
    for (const activation of ["relu", "residual"])
      for (let seed = 0; seed < 8; seed++) {
        const scene = randomScene(seed, { filter: [3], pooling, activation, n: 3 }),
          X = patches(scene),
          v = scene.y;
        const top = peak(scene, X, v),
          value = dualFunction(scene, X, v),
          close = pooling === "max" ? 1e-4 : 1e-12;
        assert.ok(Math.abs(Math.abs(value(top.u)) - Math.abs(top.value)) < 1e-12);
        for (let s = 0; s < 4000; s++)
          assert.ok(Math.abs(value(randomDirection(draw, 3))) <= Math.abs(top.value) * (1 + close));
      }
});

test("rows that are zero, alone, or parallel leave the peak where it belongs", () => {
  const base = { ...SPACE, shape: [3] };
  const cases = [
    [[[0, 0, 0]], [1], 0],
    [[[3, 0, 4]], [2], 10],
    [
      [
        [3, 0, 4],
        [6, 0, 8],
        [-3, 0, -4],
      ],
      [1, 1, 1],
      15,
    ],
    [
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      [1, 1],
      Math.SQRT2,
    ],
    [
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      [1, -1, 1],
      Math.SQRT2,
    ],
  ];
  for (const [X, y, height] of cases) {
    const scene = { ...base, X, y },
      top = peak(scene, patches(scene), y);
    assert.ok(Math.abs(Math.abs(top.value) - height) < 1e-12, `${JSON.stringify(X)} ${top.value}`);
  }
  assert.deepEqual(counted(base, patches({ ...base, X: [[0, 0, 0]] }), [1, 0, 0]), [[false]]);
});
