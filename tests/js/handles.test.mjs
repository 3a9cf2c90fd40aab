import assert from "node:assert/strict";
import { test } from "node:test";

import { decimals, signed } from "../../assets/playground/format.js";
import { keyedValue, reachOf } from "../../assets/playground/handles.js";

const press = (key, more = {}) => ({ key, ...more });

test("arrow keys move a slider by a tenth, Page keys by a half, Home and End to its limits", () => {
  assert.deepEqual(["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"].map((key) => keyedValue(press(key), 0.2, 2)), [0.3, 0.3, 0.1, 0.1]);
  assert.deepEqual(["PageUp", "PageDown"].map((key) => keyedValue(press(key), 0.2, 2)), [0.7, -0.3]);
  assert.deepEqual(["Home", "End"].map((key) => keyedValue(press(key), 0.2, 2)), [-2, 2]);
});

test("ten steps of a tenth make one, and no key leads beyond the limits", () => {
  let value = 0;
  for (let step = 0; step < 10; step += 1) value = keyedValue(press("ArrowUp"), value, 2);
  assert.equal(value, 1);
  for (let step = 0; step < 30; step += 1) value = keyedValue(press("PageUp"), value, 2);
  assert.equal(value, 2);
});

test("letters, and arrow keys with Ctrl, Alt or the command key, are left to others", () => {
  assert.equal(keyedValue(press("r"), 0, 2), null);
  for (const held of ["ctrlKey", "metaKey", "altKey"]) assert.equal(keyedValue(press("ArrowUp", { [held]: true }), 0, 2), null);
});

test("values reach as far as a hand goes, or as the data do", () => {
  assert.equal(reachOf([0.5, -1.9]), 2);
  assert.equal(reachOf([0.5, -2.1]), 3);
  assert.equal(reachOf([7]), 7);
});

test("numbers have a true minus sign, and zero has no sign", () => {
  assert.deepEqual([decimals(-0.25, 1), decimals(-0.01, 1), decimals(NaN, 2)], ["−0.3", "0.0", "–"]);
  assert.deepEqual([signed(0.25, 1), signed(0.01, 1), signed(-1, 0)], ["+0.3", "0.0", "−1"]);
});
