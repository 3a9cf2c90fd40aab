/** Reading the dual function's curve around the circle: its height at an angle, its further peaks, its quietest place. */
import { turn } from "./circle.js";

/** A further peak this high is marked, if it is so far, in degrees, from every higher one. */
const FURTHER_PEAK = 1.05;
const APART = 20;
const MOST_PEAKS = 3;
/** Sectors in which the curve's height is looked up, in degrees, and how far a word reaches to both sides. */
const SECTOR = 5;
const WORD_REACH = 22;
/** A word makes room for marks within so many degrees, and moves only for a gain of this much height. */
const MARK_REACH = 36;
const CLEAR_GAIN = 0.12;

/** Height |v . phi| / beta at an angle, between the curve's own points. */
export function curveHeight({ angles, values }, degrees) {
  let low = 0;
  let top = angles.length - 1;
  while (low < top) {
    const middle = (low + top) >> 1;
    if (angles[middle] < degrees) low = middle + 1;
    else top = middle;
  }
  const before = (low + angles.length - 1) % angles.length;
  const gap = (angles[low] - angles[before] + 360) % 360;
  const share = gap > 0 ? Math.min(1, ((degrees - angles[before] + 360) % 360) / gap) : 0;
  // heights, not values: where the best bias changes a value may jump to the other sign
  return Math.abs(values[before]) + (Math.abs(values[low]) - Math.abs(values[before])) * share;
}

/** The highest peaks above the ceiling besides the one at `highest`: [{degrees, height}]. */
export function furtherPeaks({ angles, values }, highest) {
  const height = (index) => Math.abs(values[(index + values.length) % values.length]);
  const found = [];
  for (let index = 0; index < values.length; index += 1) {
    const isPeak = height(index) >= height(index - 1) && height(index) > height(index + 1);
    if (!isPeak || height(index) <= FURTHER_PEAK) continue;
    // the middle of what is level, as thresholds have it
    let first = index;
    while (first > 0 && height(first - 1) === height(index)) first -= 1;
    found.push({ degrees: (angles[first] + angles[index]) / 2, height: height(index) });
  }
  found.sort((one, other) => other.height - one.height);
  const kept = [];
  for (const each of found) {
    const others = [highest, ...kept.map(({ degrees }) => degrees)];
    if (others.every((other) => Math.abs(turn(each.degrees, other)) > APART)) kept.push(each);
  }
  return kept.slice(0, MOST_PEAKS);
}

/** The angle in the upper half at which a word on the ceiling hides least; that of `before` unless another is clearly better. */
export function quietAngle(curve, marks, before) {
  const highest = new Float64Array(360 / SECTOR);
  for (let index = 0; index < (curve?.angles.length ?? 0); index += 1) {
    const sector = Math.floor(curve.angles[index] / SECTOR) % highest.length;
    highest[sector] = Math.max(highest[sector], Math.abs(curve.values[index]));
  }
  const crowded = (degrees) => {
    let most = 0;
    for (let at = degrees - WORD_REACH; at <= degrees + WORD_REACH; at += SECTOR) {
      most = Math.max(most, highest[Math.floor(at / SECTOR)]);
    }
    const hidden = marks.filter((mark) => Math.abs(turn(degrees, mark)) < MARK_REACH).length;
    return Math.min(most, 1.6) + 0.6 * hidden + Math.abs(degrees - 90) / 400;
  };
  let best = before;
  for (let degrees = 35; degrees <= 145; degrees += 5) {
    if (crowded(degrees) < crowded(best) - CLEAR_GAIN) best = degrees;
  }
  return best;
}
