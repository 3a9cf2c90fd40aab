/**
 * The lines of the patches of filters with two entries, drawn the same way in the round picture and in the unrolled one:
 * hue = sample, dash = window, the chosen ones strong and with their name.
 */
import { angleOf } from "./circle.js";
import { keyedChildren, setAttributes, setText, svgNode } from "./dom.js";
import { sampleHue, windowDash } from "./format.js";
import { markTarget, tabStop } from "./directions_targets.js";

/** So many lines may be drawn at full strength; more are drawn fainter, so that the curve stays the main thing. */
const CLEAR_LINES = 40;
const FAINTEST_LINES = 0.45;

/** How a line or great circle is drawn: strong if it is chosen, lit if its patch fires, faint beside those. */
export function lineLook(focus, { i, k, pair }) {
  const lit = pair !== undefined || Boolean(focus?.lit?.(i, k));
  const chosen = lit && (focus.target.kind === "sample" || focus.target.kind === "patch");
  return { lit, look: chosen ? " chosen" : lit ? " lit" : focus ? " dim" : "" };
}

/** What tells a line from the others; those of pairs of patches by both. */
export function lineKey({ i, k, pair = "" }) {
  return `${i}.${k}.${pair}`;
}

/** What a line says of itself. */
export function lineName({ i, k, pair }, what) {
  return `${what} of ${pair === undefined ? "" : "the patch pointed at and "}sample ${i + 1}, patch ${k + 1}`;
}

/** Opacity of all lines together. */
export function crowdOpacity(count, clear = CLEAR_LINES) {
  return Math.round(100 * Math.max(FAINTEST_LINES, Math.min(1, clear / count))) / 100;
}

/** The lines in `group`; `pathOf(line)` is the path of one, `hueOf(line)` its stroke as long as it is not lit. */
export function drawLines(group, derived, pathOf, hueOf, more = "") {
  const { focus } = derived;
  const make = () => svgNode("path", {});
  keyedChildren(
    group,
    derived.lines,
    lineKey,
    make,
    (node, line) => {
      const { lit, look } = lineLook(focus, line);
      setAttributes(node, {
        d: pathOf(line),
        class: `cc-dir-line${more}${look}`,
        stroke: lit ? sampleHue(line.i) : hueOf(line),
        "stroke-dasharray": windowDash(line.k),
      });
      const label = `${lineName(line, "line")}, at ${Math.round(line.angle)} degrees`;
      markTarget(node, { kind: "patch", i: line.i, k: line.k }, label, isPinned(focus, line));
    },
  );
  setAttributes(group, { opacity: crowdOpacity(derived.lines.length) });
  tabStop(group);
}

/** Whether the patch of this line is what is pinned. */
export function isPinned(focus, { i, k }) {
  return Boolean(focus?.pinned && focus.target.kind === "patch" && focus.i === i && focus.k === k);
}

/** The lines of the sample or patch that is pointed at. */
export function chosenLines({ focus, lines }) {
  if (!focus || focus.i === null) return [];
  // the lines of pairs have no names: each is shared
  return lines.filter(({ i, k, pair }) => pair === undefined && i === focus.i && (focus.k === null || focus.k === k));
}

/** The arc of directions in which the one chosen patch fires, and its sample; null if there is not exactly one. */
export function firingArc(derived) {
  const chosen = chosenLines(derived);
  if (chosen.length !== 1) return null;
  const [{ i, k }] = chosen;
  const [x, y] = derived.patches[i][k];
  const from = ((Math.atan2(y, x) * 180) / Math.PI + 270) % 360;
  return { i, from, to: from + 180 };
}

/** The angle to look at: that under the pointer, else of what is pinned or has the focus; null without any. */
export function lookedAt({ focus }, probed) {
  return probed ?? (focus?.u ? angleOf(focus.u) : null);
}

/** The cell that is pointed at, or null. */
export function litCellOf({ focus, cells }) {
  return focus && focus.cell !== null ? cells[focus.cell] : null;
}

/** The names of the chosen lines at both of their ends: sample, and small its patch. */
export function drawLineNames(group, derived, placeOf) {
  const ends = chosenLines(derived).flatMap((line) => [line, { ...line, angle: line.angle + 180 }]);
  const key = ({ i, k, angle }) => `${i}.${k}.${angle >= 180}`;
  keyedChildren(group, ends, key, makeLineName, (node, { i, k, angle }) => {
    const [x, y] = placeOf(angle);
    setAttributes(node, { x: Math.round(x), y: Math.round(y), style: `fill:${sampleHue(i)}` });
    setText(node.firstChild, i + 1);
    setText(node.lastChild, derived.K > 1 ? k + 1 : "");
  });
}

function makeLineName() {
  const text = svgNode("text", { class: "cc-dir-label", "text-anchor": "middle" });
  svgNode("tspan", {}, text);
  svgNode("tspan", { class: "small", dy: 3 }, text);
  return text;
}
