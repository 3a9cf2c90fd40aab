/** Numbers as text, and the two marks that tell patches apart: the hue of a sample and the dashes of a window. */

const WINDOW_DASHES = [null, "7 4", "2 3", "9 3 2 3", "12 3", "4 2", "1 2", "9 2 2 2 2 2"];
const SAMPLE_HUES = 12;

/** A number with this many decimals, a true minus sign, and no minus before zero. */
export function decimals(x, digits) {
  if (!Number.isFinite(x)) return "–";
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** The same with a plus sign before what is positive. */
export function signed(x, digits) {
  const text = decimals(x, digits);
  return x > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** Dash pattern of the line of window k; null is a whole line. */
export function windowDash(k) {
  return WINDOW_DASHES[k % WINDOW_DASHES.length];
}

/** Colour of sample i, as a CSS value. */
export function sampleHue(i) {
  return `var(--s${i % SAMPLE_HUES})`;
}
