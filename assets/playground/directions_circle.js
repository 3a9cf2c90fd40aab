/**
 * All directions of a filter with two entries, as a circle.
 *
 * The line of a patch is where it starts to fire, the arcs between lines are the cells. The curve around the centre is
 * the dual function |v . phi(u)|: its ceiling, beta, is a circle. The band at the rim is time: neurons start at its inner
 * edge and end at the rim, so how they travel through the cells and how high the curve is get separate radii.
 */
import { angleOf, cellIndex, directionAt, turn } from "./circle.js";
import { keyedChildren, setAttributes, setText, svgNode } from "./dom.js";
import { sampleHue } from "./format.js";
import { drawLineNames, drawLines, firingArc, litCellOf, lookedAt } from "./directions_lines.js";
import { createPeakRing, drawBorn, drawGlyph, drawMarksIn, tenth } from "./directions_marks.js";
import { heightPlace } from "./directions_model.js";
import { curveHeight, furtherPeaks, quietAngle } from "./directions_reading.js";
import { createHandle, markUnder, nearestPatch, pointAt } from "./directions_targets.js";
import { pointerIn } from "./pixels.js";

/** Room around the circle, at its sides for the drawings of filters, and their side. */
const SIDE_ROOM = 34;
const TOP_ROOM = 7;
const GLYPH = 26;
/** The name of a line stands so far inside its end. */
const NAME_INSIDE = 14;
/** In a narrower picture the drawings at the sides give way. */
const NARROW = 440;
/** Radii as parts of the whole: the ceiling, and where the band of time begins. */
const CEILING_AT = 0.52;
const BAND_AT = 0.835;
/** How near, in pixels, the pointer must be to a line to mean it. */
const NEAR_LINE = 4;
/** Heights that get a ring of their own above the ceiling. */
const RINGS = [2, 4];
const HUES = 12;
/** More cells than these are hairs: they are not shaded in turn. */
const MOST_SHADED = 720;
/** Above and below there is no room for drawings; the corners are free. */
const CIRCLE_COMPASS = [0, 45, 135, 180, 225, 315];

/** The picture as a circle; `hooks` are {actions, add}. */
export function createCircleView(parent, hooks) {
  const svg = svgNode(
    "svg",
    { class: "cc-dir-svg", role: "group", "aria-label": "All directions of a filter, as a circle" },
    parent,
  );
  const defs = svgNode("defs", {}, svg);
  const beyond = svgNode("path", { "clip-rule": "evenodd" }, svgNode("clipPath", { id: "cc-dir-beyond" }, defs));
  const fades = [...Array(HUES).keys()].map((i) =>
    fade(defs, `cc-dir-hue${i}`, `var(--s${i})`, [
      [0, 0.1],
      [0.45, 0.45],
      [1, 0.85],
    ]),
  );
  const trailFade = fade(defs, "cc-dir-time", "var(--purple)", [
    [BAND_AT, 0.25],
    [1, 1],
  ]);
  const petalFades = ["green", "purple"].flatMap((tone) => [
    fade(defs, `cc-dir-in-${tone}`, `var(--${tone})`, [
      [0, 0.04],
      [CEILING_AT, 0.3],
      [1, 0.3],
    ]),
    fade(defs, `cc-dir-over-${tone}`, `var(--${tone})`, [
      [CEILING_AT, 0.4],
      [BAND_AT, 0.85],
    ]),
  ]);

  const group = (name) => svgNode("g", { class: `cc-dir-${name}` }, svg);
  const disc = svgNode("circle", { class: "cc-dir-disc" }, svg);
  const cells = group("cells");
  const side = svgNode("path", { class: "cc-dir-side" }, svg);
  const litCell = svgNode("path", { class: "cc-dir-cell" }, svg);
  const rings = group("rings");
  const band = svgNode("circle", { class: "cc-dir-band" }, rings);
  const ties = svgNode("path", { class: "cc-dir-tie" }, svg);
  const lines = group("lines");
  const curve = group("curve");
  const inside = svgNode("path", { class: "inside" }, curve);
  const over = svgNode("path", { class: "over", "clip-path": "url(#cc-dir-beyond)" }, curve);
  const outline = svgNode("path", { class: "outline" }, curve);
  const ceiling = svgNode("circle", { class: "cc-dir-ceiling" }, svg);
  const ceilingPath = svgNode("path", { id: "cc-dir-ceiling-path", fill: "none" }, svg);
  const ceilingText = svgNode(
    "textPath",
    { href: "#cc-dir-ceiling-path" },
    svgNode("text", { class: "cc-dir-ceiling-text", dy: -6 }, svg),
  );
  const ringNames = group("ring-names");
  const labels = group("labels");
  const trails = group("trails");
  const born = group("born");
  const others = group("others");
  const smaller = group("smaller");
  const ray = group("ray");
  const rayLine = svgNode("path", {}, ray);
  const rayDot = svgNode("circle", { r: 4.5 }, ray);
  const dots = group("dots");
  const stars = group("stars");
  const compass = group("compass");
  const peak = createPeakRing(svg);
  const handle = createHandle(svg, {
    actions: hooks.actions,
    turned: (u, across, up) => directionAt(angleOf(u) + across + up),
    draw: (u) => [...at(angleOf(u), box.R).map(tenth), angleOf(u)],
  });

  let box = { width: 0, height: 0, cx: 0, cy: 0, R: 1 };
  let model = null;
  let drawn = {};
  let probed = null;
  let textAt = 90;

  // a filter of zeros has no direction: it stands in the centre
  const atFilter = (u, radius) => (u.some(Boolean) ? at(angleOf(u), radius) : [box.cx, box.cy]);
  const at = (degrees, radius) => {
    const radians = (degrees * Math.PI) / 180;
    return [box.cx + radius * Math.cos(radians), box.cy - radius * Math.sin(radians)];
  };
  const point = (degrees, radius) => at(degrees, radius).map(tenth).join(" ");
  const high = (height) => heightPlace(Math.abs(height), CEILING_AT * box.R, BAND_AT * box.R - 3);
  const timeRadius = (share) => box.R * BAND_AT + 4 + (box.R * (1 - BAND_AT) - 8) * share;
  const wedge = ({ from, to }) => {
    if (to - from >= 359.99) return ring(box.R);
    const [center, radius] = [`${tenth(box.cx)} ${tenth(box.cy)}`, tenth(box.R)];
    return `M${center}L${point(to, box.R)}A${radius} ${radius} 0 ${to - from > 180 ? 1 : 0} 1 ${point(from, box.R)}Z`;
  };
  const ring = (radius) =>
    `M${point(180, radius)}A${radius} ${radius} 0 1 1 ${point(0, radius)}A${radius} ${radius} 0 1 1 ${point(180, radius)}Z`;

  function size(width, height) {
    const R = Math.max(60, Math.min(width / 2 - (width < NARROW ? TOP_ROOM : SIDE_ROOM), height / 2 - TOP_ROOM));
    box = { width, height, cx: width / 2, cy: height / 2, R };
    drawn = {};
    setAttributes(svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    const center = { cx: box.cx, cy: box.cy };
    setAttributes(disc, { ...center, r: R });
    setAttributes(band, { ...center, r: tenth(R * BAND_AT) });
    setAttributes(ceiling, { ...center, r: tenth(R * CEILING_AT) });
    for (const each of [...fades, trailFade, ...petalFades]) setAttributes(each, { ...center, r: R });
    setAttributes(beyond, { d: `M0 0H${width}V${height}H0Z${ring(R * CEILING_AT)}` });
    setAttributes(ceilingPath, {
      d: `M${point(180, R * CEILING_AT)}A${R * CEILING_AT} ${R * CEILING_AT} 0 0 1 ${point(0, R * CEILING_AT)}`,
    });
    keyedChildren(
      rings,
      [null, ...RINGS],
      (each) => each ?? "band",
      () => svgNode("circle", { class: "ring" }),
      (node, each) => {
        if (each) setAttributes(node, { ...center, r: tenth(high(each)) });
      },
    );
  }

  /** The walls and what lies between them; they change only with the data. */
  function drawArrangement() {
    const { derived } = model;
    if (drawn.cells !== derived.cells) {
      drawn.cells = derived.cells;
      // a path each: Chromium leaves holes in one path of many wedges that meet in a point
      const shaded = derived.cells.length > MOST_SHADED ? [] : derived.cells.filter((_, index) => index % 2);
      keyedChildren(
        cells,
        shaded,
        (_, index) => index,
        () => svgNode("path", {}),
        (node, cell) => setAttributes(node, { d: wedge(cell) }),
      );
      // max pooling: the rays where another patch begins to win
      const rays = derived.ties.map(({ angle }) => `M${tenth(box.cx)} ${tenth(box.cy)}L${point(angle, box.R)}`);
      setAttributes(ties, { d: rays.join("") || "M0 0" });
      setAttributes(cells, { opacity: tenth(Math.min(1, 36 / derived.cells.length)) });
    }
    drawLines(
      lines,
      derived,
      ({ angle }) => `M${point(angle, box.R)}L${point(angle + 180, box.R)}`,
      ({ i }) => `url(#cc-dir-hue${i % HUES})`,
    );
  }

  /** What is pointed at: its cell, the half where a patch fires, its name at the rim. */
  function drawFocus() {
    const { derived } = model;
    const fires = firingArc(derived);
    setAttributes(side, { d: fires ? wedge(fires) : "M0 0", fill: fires ? sampleHue(fires.i) : null });
    const cell = litCellOf(derived);
    setAttributes(litCell, { d: cell ? wedge(cell) : "M0 0" });
    drawLineNames(labels, derived, (angle) => {
      const [x, y] = at(angle, box.R - NAME_INSIDE);
      return [x, y + 4];
    });
  }

  function drawCurve() {
    const { curve: values } = model.derived;
    setAttributes(curve, { class: `cc-dir-curve ${model.green ? "green" : "purple"}${model.faded}` });
    const tone = model.green ? "green" : "purple";
    setAttributes(inside, { fill: `url(#cc-dir-in-${tone})` });
    setAttributes(over, { fill: `url(#cc-dir-over-${tone})` });
    if (drawn.curve === values) return;
    drawn.curve = values;
    let d = "M0 0";
    if (values) {
      const { angles, values: heights } = values;
      d = "";
      for (let index = 0; index < angles.length; index += 1) {
        const radius = high(heights[index]);
        const radians = (angles[index] * Math.PI) / 180;
        d += `${index ? "L" : "M"}${tenth(box.cx + radius * Math.cos(radians))} ${tenth(box.cy - radius * Math.sin(radians))}`;
      }
      d += "Z";
    }
    for (const path of [inside, outline]) setAttributes(path, { d });
    setAttributes(over, { d: model.through ? d : "M0 0" });
    drawCeilingText(values);
    drawSmallerPeaks(values);
  }

  /** The name of the ceiling stands where the curve leaves most room for it, and moves only for a clear gain. */
  function drawCeilingText(values) {
    const marks = model.stars.map(({ u }) => angleOf(u));
    if (!model.green) marks.push(angleOf(model.derived.peak.u));
    textAt = quietAngle(values, marks, textAt);
    setAttributes(ceilingText, { startOffset: `${tenth(((180 - textAt) / 180) * 100)}%` });
    setText(ceilingText, "ceiling β");
    const opposite = textAt + 180;
    keyedChildren(
      ringNames,
      RINGS.filter((each) => high(each) < BAND_AT * box.R - 8),
      (each) => each,
      () => svgNode("text", {}),
      (node, each) => {
        const [x, y] = at(opposite, high(each));
        setAttributes(node, { x: tenth(x), y: tenth(y + 4) });
        setText(node, `${each} ×`);
      },
    );
  }

  /** Further peaks above the ceiling: a small ring each. */
  function drawSmallerPeaks(values) {
    const marked = values && model.through && model.show !== "optimum";
    const found = marked ? furtherPeaks(values, angleOf(model.derived.peak.u)) : [];
    keyedChildren(
      smaller,
      found,
      (_, index) => index,
      () => svgNode("circle", { r: 4.5 }),
      (node, { degrees, height }) => {
        const [cx, cy] = at(degrees, high(height));
        setAttributes(node, { cx: tenth(cx), cy: tenth(cy) });
      },
    );
  }

  /** Where the neurons have been. */
  function drawTrails() {
    setAttributes(trails, { class: `cc-dir-trails${model.dotsLook}` });
    keyedChildren(
      trails,
      model.trails,
      ({ j }) => j,
      () => svgNode("path", { stroke: "url(#cc-dir-time)" }),
      (node, { first, steps }) => {
        const run = `${model.state.sgd.run} ${model.state.seed} ${first}`;
        if (node.__box !== box || node.__run !== run)
          Object.assign(node, { __box: box, __run: run, __kept: { index: Infinity } });
        setAttributes(node, { d: trailPath(steps, node.__kept) });
      },
    );
    drawBorn(born, model, 2.4, ({ u, time }) => at(angleOf(u), timeRadius(time)));
  }

  /** The way of one neuron; what lies before the last two frames does not change and is kept. */
  function trailPath(way, kept) {
    let { index, before, d } = kept;
    if (index > way.length - 2) {
      index = 0;
      before = angleOf(way[0].u);
      d = `M${point(before, timeRadius(way[0].time))}`;
    }
    while (index < way.length - 1) {
      if (index === way.length - 2) Object.assign(kept, { index, before, d });
      const by = turn(before, angleOf(way[index + 1].u));
      const [start, end] = [way[index].time, way[index + 1].time];
      // along the ring, not across it
      const steps = Math.max(1, Math.ceil(Math.abs(by) / 5));
      for (let step = 1; step <= steps; step += 1) {
        d += `L${point(before + (by * step) / steps, timeRadius(start + ((end - start) * step) / steps))}`;
      }
      before += by;
      index += 1;
    }
    return d;
  }

  function drawMarks() {
    const radius = timeRadius(model.hasRun ? model.time : 1);
    const onCeiling = (u) => atFilter(u, box.R * CEILING_AT);
    const onRim = (u) => atFilter(u, radius);
    setAttributes(band, { opacity: model.dots.length ? 1 : 0 });
    drawMarksIn({ others, dots, stars }, model, onRim, onCeiling);
    const [wordX, wordY] = at(textAt, box.R * CEILING_AT + 10);
    const ceilingWord = [-24, 0, 24].map((along) => [wordX + along, wordY]);
    const { peak: highest } = model.derived;
    peak.update(model, highest && atFilter(highest.u, high(highest.ceiling)), box.width, [
      ...model.stars.map(({ u }) => onCeiling(u)),
      ...ceilingWord,
    ]);
  }

  /** The direction under the pointer or of what is pinned: a ray, and how high the curve is there. */
  function drawRay() {
    const degrees = lookedAt(model.derived, probed);
    setAttributes(ray, { display: degrees === null ? "none" : null });
    if (degrees === null) return;
    setAttributes(rayLine, { d: `M${tenth(box.cx)} ${tenth(box.cy)}L${point(degrees, box.R)}` });
    const { curve: values } = model.derived;
    const [cx, cy] = at(degrees, values ? high(curveHeight(values, degrees)) : 0);
    setAttributes(rayDot, { cx: tenth(cx), cy: tenth(cy), display: values ? null : "none" });
  }

  function drawCompass() {
    const { scene } = model.derived;
    if (drawn.filter === scene.filter && drawn.view === scene.view) return;
    Object.assign(drawn, { filter: scene.filter, view: scene.view });
    const seen = CIRCLE_COMPASS.filter((degrees) => box.width >= NARROW || degrees % 90);
    keyedChildren(
      compass,
      seen,
      (degrees) => degrees,
      () => svgNode("g", {}),
      (node, degrees) => {
        const [x, y] = at(degrees, box.R + GLYPH * 0.62);
        drawGlyph(node, scene, directionAt(degrees), x, y, GLYPH);
      },
    );
  }

  function find(event) {
    const [x, y] = pointerIn(event, svg);
    const radius = Math.hypot(x - box.cx, y - box.cy);
    if (!model || radius > box.R + TOP_ROOM) return { target: null, probe: null };
    const degrees = angleOf([x - box.cx, box.cy - y]);
    const mark = markUnder(event);
    if (mark) return { target: mark, probe: null };
    const { cells: arcs, lines: all } = model.derived;
    const awayFrom = ({ angle }) => Math.abs(Math.sin(((degrees - angle) * Math.PI) / 180)) * radius;
    // near the centre all lines are near
    const patch = radius > box.R * 0.2 ? nearestPatch(event, all, NEAR_LINE, awayFrom) : null;
    if (patch) return { target: patch, probe: degrees };
    if (radius > box.R) return { target: null, probe: null };
    // the same target as long as the pointer stays in the cell: only the ray follows it
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
      drawFocus();
      drawCurve();
      drawTrails();
      drawMarks();
      drawRay();
      drawCompass();
      handle.update([1, 0]);
    },
  };
}

/** A colour that grows from the centre outwards; stops are [part of the radius, opacity]. */
function fade(defs, id, color, stops) {
  const gradient = svgNode("radialGradient", { id, gradientUnits: "userSpaceOnUse" }, defs);
  for (const [offset, opacity] of stops)
    svgNode("stop", { offset, style: `stop-color:${color};stop-opacity:${opacity}` }, gradient);
  return gradient;
}
