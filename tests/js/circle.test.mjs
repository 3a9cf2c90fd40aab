import assert from "node:assert/strict";
import { test } from "node:test";
import {
  angleOf,
  cellIndex,
  circleCells,
  circleLines,
  circleTies,
  directionAt,
  turn,
} from "../../assets/playground/circle.js";
import { circleCurve } from "../../assets/playground/circle_curve.js";
import { counted, dot, patches, vphi, winner } from "../../assets/playground/maths.js";
import { peak } from "../../assets/playground/peak.js";
import { generator, randomScene, TRAP } from "./cases.mjs";

test("an angle is the angle of its direction, and the shortest turn leads there", () => {
  for (let angle = 0; angle < 360; angle += 7) {
    assert.ok(Math.abs(turn(angleOf(directionAt(angle)), angle)) < 1e-12);
    for (let other = 0; other < 360; other += 11) {
      const way = turn(angle, other);
      assert.ok(way > -180 && way <= 180);
      assert.ok(Math.abs(turn(angle + way, other)) < 1e-9);
    }
  }
  assert.equal(turn(10, 190), 180);
});

test("on its line a patch has no response, and lines of patches of zeros do not exist", () => {
  const scene = { ...TRAP, X: [[0, 0, 1, 2], ...TRAP.X.slice(1)] },
    X = patches(scene),
    lines = circleLines(scene, X);
  assert.equal(lines.length, 11);
  for (const { i, k, angle, u } of lines) {
    assert.ok(angle >= 0 && angle < 180);
    assert.ok(Math.abs(dot(X[i][k], u)) < 1e-15 && Math.abs(dot(X[i][k], directionAt(angle))) < 1e-14);
  }
});

test("within a cell the same patches fire, and beside it others do", () => {
  for (const pooling of ["sum", "max"])
    for (let seed = 0; seed < 20; seed++) {
      const scene = randomScene(seed, { pooling }),
        X = patches(scene),
        cells = circleCells(scene, X);
      const pattern = (angle) => JSON.stringify(counted(scene, X, directionAt(angle)));
      cells.forEach((cell, c) => {
        const at = (share) => cell.from + share * (cell.to - cell.from);
        for (const share of [0.01, 0.3, 0.99]) {
          assert.equal(pattern(at(share)), pattern(cell.mid));
          assert.equal(cellIndex(cells, at(share)), c);
        }
        assert.notEqual(pattern(cells[(c + 1) % cells.length].mid), pattern(cell.mid));
      });
      const whole = cells.reduce((sum, cell) => sum + cell.to - cell.from, 0);
      assert.ok(Math.abs(whole - 360) < 1e-9);
    }
});

test("the trap has the 24 cells that the library lists", () => {
  assert.equal(circleCells(TRAP, patches(TRAP)).length, 24);
});

test("parallel patches have one wall, and without a line there is one cell", () => {
  const one = {
    ...TRAP,
    shape: [2],
    X: [
      [1, 2],
      [2, 4],
      [-3, -6],
    ],
    y: [1, 1, 1],
  };
  assert.equal(circleCells(one, patches(one)).length, 2);
  const none = { ...one, X: [[0, 0]], y: [1] };
  assert.deepEqual(
    circleCells(none, patches(none)).map(({ from, to }) => [from, to]),
    [[0, 360]],
  );
});

test("across a tie of max pooling the winner changes from one patch of the pair to the other", () => {
  let seen = 0;
  for (let seed = 0; seed < 20; seed++) {
    const scene = randomScene(seed, { pooling: "max" }),
      X = patches(scene);
    for (const { i, k, l, angle } of circleTies(scene, X)) {
      const sides = [angle - 1e-4, angle + 1e-4].map((place) => winner(X[i], directionAt(place)));
      assert.deepEqual(sides.sort(), [k, l].sort());
      seen++;
    }
  }
  assert.ok(seen > 50);
  assert.deepEqual(circleTies(TRAP, patches(TRAP)), []);
});

test("no point of a dense curve is above the peak, and the drawn curve reaches it", () => {
  for (const pooling of ["sum", "mean", "max"])
    for (const activation of ["relu", "residual"])
      for (let seed = 0; seed < 8; seed++) {
        const scene = randomScene(seed, { pooling, activation, n: 3 }),
          X = patches(scene),
          v = scene.y;
        const top = peak(scene, X, v),
          curve = circleCurve(scene, X, v);
        let dense = 0;
        for (let angle = 0; angle < 360; angle += 0.05)
          dense = Math.max(dense, Math.abs(vphi(scene, X, v, directionAt(angle))));
        const height = Math.abs(top.value);
        assert.ok(dense <= height * (1 + 1e-12), `${pooling} ${activation} ${seed}`);
        assert.ok(height - dense < 5e-3 * height);
        const drawn = curve.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        assert.ok(Math.abs(drawn - top.ceiling) <= 1e-9 * top.ceiling);
      }
});

test("angles of the curve rise, and every wall is among them", () => {
  const X = patches(TRAP),
    { angles } = circleCurve(TRAP, X, TRAP.y);
  assert.ok(angles.every((angle, s) => s === 0 || angle >= angles[s - 1]));
  for (const cell of circleCells(TRAP, X)) assert.ok(angles.includes(cell.from));
});

test("a random direction lies in the cell that its angle says", () => {
  const draw = generator(5),
    X = patches(TRAP),
    cells = circleCells(TRAP, X);
  for (let s = 0; s < 200; s++) {
    const angle = 360 * draw(),
      cell = cells[cellIndex(cells, angle)];
    assert.deepEqual(counted(TRAP, X, directionAt(angle)), counted(TRAP, X, cell.u));
  }
});
