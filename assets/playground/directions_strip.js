/**
 * All directions of a filter with two entries, the circle cut open: angle to the right, the dual function upwards with
 * its ceiling as a level line, and below it time downwards, in which the neurons of a run travel.
 */
import { angleOf, cellIndex, directionAt, turn } from "./circle.js";
import { keyedChildren, setAttributes, setText, svgNode } from "./dom.js";
import { sampleHue } from "./format.js";
import { drawLineNames, drawLines, firingArc, litCellOf, lookedAt } from "./directions_lines.js";
import { createPeakRing, drawBorn, drawGlyph, drawMarksIn, tenth } from "./directions_marks.js";
import { heightPlace } from "./directions_model.js";
import { createHandle, markUnder, nearestPatch, pointAt } from "./directions_targets.js";
import { pointerIn } from "./pixels.js";

const STRIP_LEFT = 68;
const STRIP_RIGHT = 16;
/** Legends stand above, drawings of filters below. */
const STRIP_TOP = 56;
const STRIP_BOTTOM = 34;
const STRIP_GLYPH = 28;
/** Parts of the height: the curve's zero line, and the ceiling's height above it. */
const ZERO_AT = 0.66;
const CEILING_SHARE = 0.56;
const STRIP_NEAR = 4;
const STRIP_COMPASS = [0, 45, 90, 135, 180, 225, 270, 315, 360];

/** The picture as a strip; `hooks` are {actions, add}. */
export function createStripView(parent, hooks) {
  const svg = svgNode(
    "svg",
    { class: "cc-dir-svg", role: "group", "aria-label": "All directions of a filter, unrolled" },
    parent,
  );
  const defs = svgNode("defs", {}, svg);
  const above = svgNode("rect", { x: 0, y: 0 }, svgNode("clipPath", { id: "cc-dir-strip-beyond" }, defs));
  for (const tone of ["green", "purple"]) {
    const inside = svgNode("linearGradient", { id: `cc-dir-strip-${tone}`, x1: 0, x2: 0, y1: 0, y2: 1 }, defs);
    for (const [offset, opacity] of [
      [0, 0.34],
      [1, 0.05],
    ])
      svgNode("stop", { offset, style: `stop-color:var(--${tone});stop-opacity:${opacity}` }, inside);
  }
  const group = (name) => svgNode("g", { class: `cc-dir-${name}` }, svg);
  const cells = svgNode("path", { class: "cc-dir-cells" }, svg);
  const side = svgNode("path", { class: "cc-dir-side" }, svg);
  const litCell = svgNode("path", { class: "cc-dir-cell" }, svg);
  const ties = svgNode("path", { class: "cc-dir-tie" }, svg);
  const lines = group("lines");
  const curve = group("curve");
  const fill = svgNode("path", { class: "inside" }, curve);
  const over = svgNode("path", { class: "cc-dir-strip-over", "clip-path": "url(#cc-dir-strip-beyond)" }, curve);
  const outline = svgNode("path", { class: "outline" }, curve);
  const zero = svgNode("path", { class: "cc-dir-zero" }, svg);
  const ceiling = svgNode("path", { class: "cc-dir-ceiling" }, svg);
  const words = ["ceiling", "0", "start", "end"].map((text) => {
    const node = svgNode("text", { class: `cc-dir-word ${text === "ceiling" ? "green" : ""}`, "text-anchor": "end" }, svg);
    setText(node, text === "ceiling" ? "ceiling β" : text);
    return node;
  });
  const labels = group("labels");
  const trails = group("trails");
  const born = group("born");
  const others = group("others");
  const ray = group("ray");
  const rayLine = svgNode("path", {}, ray);
  const dots = group("dots");
  const stars = group("stars");
  const compass = group("compass");
  const peak = createPeakRing(svg);
  const handle = createHandle(svg, {
    actions: hooks.actions,
    turned: (u, right, up) => directionAt(angleOf(u) + right + up),
    draw: (u) => [tenth(across(angleOf(u))), tenth(box.zero), angleOf(u)],
  });

  let box = { width: 0, height: 0, zero: 1, ceiling: 1, end: 1 };
  let model = null;
  let drawn = {};
  let probed = null;

  // a filter of zeros has no direction: it stands at the left end
  const acrossOf = (u) => (u.some(Boolean) ? across(angleOf(u)) : STRIP_LEFT);
  const across = (degrees) => STRIP_LEFT + ((box.width - STRIP_LEFT - STRIP_RIGHT) * degrees) / 360;
  const level = (height) => box.zero - heightPlace(Math.abs(height), box.zero - box.ceiling, box.zero - STRIP_TOP + 6);
  const down = (share) => box.zero + 22 + (box.end - box.zero - 32) * share;
  const column = (from, to) =>
    to > from ? `M${tenth(across(from))} ${STRIP_TOP}H${tenth(across(to))}V${tenth(box.end)}H${tenth(across(from))}Z` : "";
  /** Columns of an arc that may pass 360 degrees. */
  const arc = ({ from, to }) => (to > 360 ? column(from, 360) + column(0, to - 360) : column(from, to));

  function size(width, height) {
    const end = height - STRIP_BOTTOM;
    const zeroAt = STRIP_TOP + (end - STRIP_TOP) * ZERO_AT;
    box = { width, height, end, zero: zeroAt, ceiling: zeroAt - (zeroAt - STRIP_TOP) * CEILING_SHARE };
    drawn = {};
    setAttributes(svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    setAttributes(above, { width, height: tenth(box.ceiling) });
    setAttributes(zero, { d: `M${STRIP_LEFT} ${tenth(box.zero)}H${width - STRIP_RIGHT}` });
    setAttributes(ceiling, { d: `M${STRIP_LEFT} ${tenth(box.ceiling)}H${width - STRIP_RIGHT}` });
    const levels = [box.ceiling + 4, box.zero + 4, down(0) + 4, down(1) + 4];
    words.forEach((node, index) => setAttributes(node, { x: STRIP_LEFT - 7, y: tenth(levels[index]) }));
  }

  function drawArrangement() {
    const { derived } = model;
    if (drawn.cells !== derived.cells) {
      drawn.cells = derived.cells;
      const rays = derived.ties.map(({ angle }) => `M${tenth(across(angle))} ${STRIP_TOP}V${tenth(box.end)}`);
      setAttributes(ties, { d: rays.join("") || "M0 0" });
      setAttributes(cells, {
        d:
          (derived.cells.length > 1 &&
            derived.cells
              .filter((_, index) => index % 2)
              .map(arc)
              .join("")) ||
          "M0 0",
        opacity: tenth(Math.min(1, 36 / derived.cells.length)),
      });
    }
    drawLines(
      lines,
      derived,
      ({ angle }) => [angle, angle + 180].map((each) => `M${tenth(across(each))} ${STRIP_TOP}V${tenth(box.end)}`).join(""),
      ({ i }) => sampleHue(i),
      " flat",
    );
    const cell = litCellOf(derived);
    setAttributes(litCell, { d: cell ? arc(cell) : "M0 0" });
    const fires = firingArc(derived);
    setAttributes(side, { d: fires ? arc(fires) : "M0 0", fill: fires ? sampleHue(fires.i) : null });
    drawLineNames(labels, derived, (angle) => [across(angle), STRIP_TOP + 11]);
  }

  function drawCurve() {
    const { curve: values } = model.derived;
    setAttributes(curve, { class: `cc-dir-curve ${model.green ? "green" : "purple"}${model.faded}` });
    setAttributes(fill, { fill: `url(#cc-dir-strip-${model.green ? "green" : "purple"})` });
    if (drawn.curve === values) return;
    drawn.curve = values;
    let d = "";
    if (values) {
      const { angles, values: heights } = values;
      for (let index = 0; index < angles.length; index += 1)
        d += `L${tenth(across(angles[index]))} ${tenth(level(heights[index]))}`;
      // the circle is closed: the value at 360 is that at 0
      const ends = tenth(
        level(heights[0] + ((heights.at(-1) - heights[0]) * angles[0]) / (angles[0] + 360 - angles.at(-1) || 1)),
      );
      d = `M${across(0)} ${ends}${d}L${across(360)} ${ends}`;
    }
    const closed = d ? `${d}V${tenth(box.zero)}H${STRIP_LEFT}Z` : "M0 0";
    setAttributes(outline, { d: d || "M0 0" });
    setAttributes(fill, { d: closed });
    setAttributes(over, { d: model.through ? closed : "M0 0" });
  }

  function drawTrails() {
    setAttributes(trails, { class: `cc-dir-trails${model.dotsLook}` });
    keyedChildren(
      trails,
      model.trails,
      ({ j }) => j,
      () => svgNode("path", { class: "plain" }),
      (node, { steps }) => setAttributes(node, { d: trailDown(steps) }),
    );
    drawBorn(born, model, 2.4, ({ u, time }) => [across(angleOf(u)), down(time)]);
  }

  function trailDown(way) {
    let before = angleOf(way[0].u);
    let d = `M${tenth(across(before))} ${tenth(down(way[0].time))}`;
    for (const { u, time } of way.slice(1)) {
      const angle = angleOf(u);
      const y = tenth(down(time));
      const target = before + turn(before, angle);
      if (target < 0 || target > 360) {
        // out at one end of the strip, in at the other
        const [out, back] = target < 0 ? [0, 360] : [360, 0];
        d += `L${across(out)} ${y}M${across(back)} ${y}`;
      }
      d += `L${tenth(across(angle))} ${y}`;
      before = angle;
    }
    return d;
  }

  function drawMarks() {
    const y = down(model.hasRun ? model.time : 1);
    const onCeiling = (u) => [acrossOf(u), box.ceiling];
    const inTime = (u) => [acrossOf(u), y];
    for (const node of words.slice(2)) setAttributes(node, { display: model.hasRun ? null : "none" });
    drawMarksIn({ others, dots, stars }, model, inTime, onCeiling);
    const { peak: highest } = model.derived;
    peak.update(
      model,
      highest && [acrossOf(highest.u), level(highest.ceiling)],
      box.width,
      model.stars.map(({ u }) => onCeiling(u)),
    );
  }

  function drawRay() {
    const degrees = lookedAt(model.derived, probed);
    setAttributes(ray, { display: degrees === null ? "none" : null });
    if (degrees !== null) setAttributes(rayLine, { d: `M${tenth(across(degrees))} ${STRIP_TOP}V${tenth(box.end)}` });
  }

  function drawCompass() {
    const { scene } = model.derived;
    if (drawn.filter === scene.filter && drawn.view === scene.view) return;
    Object.assign(drawn, { filter: scene.filter, view: scene.view });
    keyedChildren(
      compass,
      STRIP_COMPASS,
      (degrees) => degrees,
      () => svgNode("g", {}),
      (node, degrees) =>
        drawGlyph(node, scene, directionAt(degrees), across(degrees), box.height - STRIP_BOTTOM / 2 + 1, STRIP_GLYPH),
    );
  }

  function find(event) {
    const [x, y] = pointerIn(event, svg);
    const degrees = (360 * (x - STRIP_LEFT)) / (box.width - STRIP_LEFT - STRIP_RIGHT);
    if (!model || degrees < 0 || degrees >= 360 || y < STRIP_TOP - 6) return { target: null, probe: null };
    const mark = markUnder(event);
    if (mark) return { target: mark, probe: null };
    const { cells: arcs, lines: all } = model.derived;
    const patch = nearestPatch(event, all, STRIP_NEAR, ({ angle }) =>
      Math.min(Math.abs(across(angle) - x), Math.abs(across(angle + 180) - x)),
    );
    if (patch) return { target: patch, probe: degrees };
    return { target: { kind: "cell", u: arcs[cellIndex(arcs, degrees)].u }, probe: degrees };
  }

  pointAt(svg, {
    find,
    probe(degrees) {
      probed = degrees;
      if (model) drawRay();
    },
    mayAdd: () => !model.refusal,
    hooks,
  });

  return {
    node: svg,
    size,
    update(next) {
      model = next;
      drawArrangement();
      drawCurve();
      drawTrails();
      drawMarks();
      drawRay();
      drawCompass();
      handle.update([1, 0]);
    },
  };
}
