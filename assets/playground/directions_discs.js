/**
 * All directions of a filter with three entries: the sphere as two discs of equal area, one for each half.
 *
 * The dual function is a relief of colours with the ceiling as the edge between green and purple; the great circle of a
 * patch is where it starts to fire. A place on the second disc is minus the direction of that place on the first.
 */
import { htmlNode, keyedChildren, setAttributes, setText, svgNode } from "./dom.js";
import { sampleHue, windowDash } from "./format.js";
import { dot } from "./maths.js";
import { fromDisc, greatCircle, toDisc, trailOnDiscs, unit3 } from "./sphere.js";
import { crowdOpacity, isPinned, lineKey, lineLook, lineName } from "./directions_lines.js";
import { createPeakRing, drawBorn, drawGlyph, drawMarksIn, tenth } from "./directions_marks.js";
import { createRelief, patternTest } from "./directions_relief.js";
import { createHandle, markTarget, markUnder, nearestPatch, pointAt, tabStop } from "./directions_targets.js";
import { pointerIn } from "./pixels.js";

/** Room between the discs and around them, for the legends above and for the scale below. */
const DISCS_GAP = 14;
const DISCS_TOP = 40;
const DISCS_BOTTOM = 50;
const DISCS_GLYPH = 28;
/** Discs one above the other are that much larger, or they lie beside each other. */
const STACKED_GAIN = 1.05;
/** A direction so near a great circle (sine of the angle) means its patch. */
const NEAR_CIRCLE = 0.022;
/** So many great circles may be drawn at full strength. */
const CLEAR_CIRCLES = 30;
/** One press of an arrow key, in radians. */
const ARROW_TURN = 0.04;
/** Angles of the rim at which the filter of that direction is drawn: the corners that the discs leave free. */
const CORNERS = [45, 135, 225, 315];

/** Radii of the discs in a box: beside each other, and one above the other. */
function discRadii(width, height) {
  const free = height - DISCS_TOP - DISCS_BOTTOM;
  return {
    beside: Math.min((width - DISCS_GAP) / 4, free / 2) - 1,
    stacked: Math.min((free - DISCS_GAP) / 4, width / 2 - DISCS_GLYPH * 0.3),
  };
}

/** Whether the discs lie one above the other: where that makes them larger, it takes the room of the words. */
export function stackedDiscs(width, height) {
  const { beside, stacked } = discRadii(width, height);
  return stacked > STACKED_GAIN * beside;
}

/** The picture as two discs; `hooks` are {actions, add}. */
export function createDiscsView(parent, hooks) {
  const node = htmlNode("div", { class: "cc-dir-discs" }, parent);
  const relief = createRelief(node, drawContours);
  const svg = svgNode(
    "svg",
    { class: "cc-dir-svg", role: "group", "aria-label": "All directions of a filter, the two halves of a sphere" },
    node,
  );
  const defs = svgNode("defs", {}, svg);
  const scaleFill = svgNode("linearGradient", { id: "cc-dir-scale" }, defs);
  for (const [offset, color, opacity] of [
    [0, "green", 0.05],
    [0.5, "green", 0.55],
    [0.5, "purple", 0.62],
    [1, "purple", 1],
  ]) {
    svgNode("stop", { offset, style: `stop-color:var(--${color});stop-opacity:${opacity}` }, scaleFill);
  }
  const sides = [0, 1].map((s) => {
    const own = svgNode("g", { class: "cc-dir-half" }, svg);
    const each = { node: own, fires: svgNode("path", { class: "cc-dir-side" }, own) };
    each.lines = s
      ? svgNode("use", { href: "#cc-dir-great", "aria-hidden": "true" }, own)
      : svgNode("g", { id: "cc-dir-great" }, own);
    each.ties = svgNode("path", { class: "cc-dir-tie" }, own);
    each.contour = svgNode("path", { class: "cc-dir-contour" }, own);
    each.rim = svgNode("circle", { class: "cc-dir-rim" }, own);
    each.trails = svgNode("path", { class: "cc-dir-way" }, own);
    each.compass = svgNode("g", { class: "cc-dir-compass" }, own);
    return each;
  });
  const group = (name) => svgNode("g", { class: `cc-dir-${name}` }, svg);
  const born = group("born");
  const others = group("others");
  const dots = group("dots");
  const stars = group("stars");
  const ray = svgNode("circle", { class: "cc-dir-here", r: 5 }, svg);
  const scale = group("scale");
  const bar = svgNode("rect", { fill: "url(#cc-dir-scale)", rx: 3, height: 8 }, scale);
  const notch = svgNode("path", { class: "notch" }, scale);
  const words = ["no gain", "ceiling β", "more"].map((text, index) => {
    const word = svgNode(
      "text",
      { "text-anchor": ["start", "middle", "end"][index], class: ["", "green", "purple"][index] },
      scale,
    );
    setText(word, text);
    return word;
  });
  const peak = createPeakRing(svg);
  const handle = createHandle(svg, {
    actions: hooks.actions,
    turned(u, right, up) {
      // on the second disc a place is minus the direction: the steps turn round with it
      const [x, y] = model.derived.frame;
      const sign = toDisc(model.derived.frame, u).side ? -ARROW_TURN : ARROW_TURN;
      return unit3(u.map((entry, e) => entry + sign * (right * x[e] + up * y[e])));
    },
    draw(u) {
      const { x, y } = toDisc(model.derived.frame, u);
      return [...placeOf(u).map(tenth), ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360];
    },
  });

  let box = { width: 0, height: 0, discs: [] };
  let model = null;
  let drawn = {};
  let last = null;

  function size(width, height) {
    const stacked = stackedDiscs(width, height);
    const radius = discRadii(width, height)[stacked ? "stacked" : "beside"];
    const middle = (height + DISCS_TOP - DISCS_BOTTOM) / 2;
    const apart = radius + DISCS_GAP / 2;
    const discs = stacked
      ? [
          { x: width / 2, y: middle - apart, radius },
          { x: width / 2, y: middle + apart, radius },
        ]
      : [
          { x: width / 2 - apart, y: middle, radius },
          { x: width / 2 + apart, y: middle, radius },
        ];
    box = { width, height, discs, radius };
    drawn = {};
    setAttributes(svg, { viewBox: `0 0 ${width} ${height}`, width, height });
    discs.forEach(({ x, y }, s) => {
      setAttributes(sides[s].node, { transform: `translate(${tenth(x)} ${tenth(y)})` });
      setAttributes(sides[s].rim, { r: radius });
    });
    relief.place(discs);
    const long = Math.min(300, width - 40);
    const left = (width - long) / 2;
    const level = Math.min(height - 26, discs[1].y + radius + 26);
    setAttributes(bar, { x: left, y: level, width: long });
    setAttributes(notch, { d: `M${width / 2} ${level - 3}V${level + 11}` });
    words.forEach((word, index) => setAttributes(word, { x: left + (long * index) / 2, y: level + 22 }));
  }

  const placeOf = (u) => {
    // a filter of zeros has no direction: it stands between the halves
    if (!u.some(Boolean)) return [(box.discs[0].x + box.discs[1].x) / 2, (box.discs[0].y + box.discs[1].y) / 2];
    const { side, x, y } = toDisc(model.derived.frame, u);
    const disc = box.discs[side];
    return [disc.x + x * disc.radius, disc.y - y * disc.radius];
  };

  /** Path data of points in the unit disc, y up, around the disc's own centre. */
  function local(points) {
    let d = "";
    for (let index = 0; index < points.length; index += 2) {
      d += `${index ? "L" : "M"}${tenth(points[index] * box.radius)} ${tenth(-points[index + 1] * box.radius)}`;
    }
    return d;
  }

  function drawCircles() {
    const { derived } = model;
    const { focus, lines } = derived;
    const [front] = sides;
    if (drawn.lines !== lines || drawn.frame !== derived.frame || drawn.allTies !== derived.ties) {
      drawn.lines = lines;
      drawn.frame = derived.frame;
      drawn.allTies = derived.ties;
      drawn.paths = new Map(lines.map((line) => [lineKey(line), greatCircle(derived.frame, line.normal)]));
      for (const s of [0, 1]) {
        const ties = derived.ties.filter(({ side }) => side === s);
        setAttributes(sides[s].ties, { d: ties.map(({ points }) => local([...points].flat())).join("") || "M0 0" });
      }
    }
    keyedChildren(
      front.lines,
      lines,
      lineKey,
      () => svgNode("path", {}),
      (path, line) => {
        const points = drawn.paths.get(lineKey(line));
        if (path.__points !== points) {
          path.__points = points;
          setAttributes(path, { d: local(points) });
        }
        setAttributes(path, {
          class: `cc-dir-great${lineLook(focus, line).look}`,
          stroke: sampleHue(line.i),
          "stroke-dasharray": windowDash(line.k),
        });
        markTarget(
          path,
          { kind: "patch", i: line.i, k: line.k },
          lineName(line, "great circle"),
          isPinned(focus, line),
        );
      },
    );
    setAttributes(front.lines, { opacity: crowdOpacity(lines.length, CLEAR_CIRCLES) });
    tabStop(front.lines);
    drawFiring(focus);
  }

  /** The half of the sphere on which the one chosen patch fires. */
  function drawFiring(focus) {
    const { derived } = model;
    const ofPatch = focus?.target.kind === "patch" && derived.form !== "knees";
    const one = ofPatch ? derived.lines.find(({ i, k }) => i === focus.i && k === focus.k) : null;
    sides.forEach(({ fires }, s) => {
      if (!one) return setAttributes(fires, { d: "M0 0" });
      const points = drawn.paths.get(lineKey(one));
      const [x, y] = points;
      // quarter of the rim further on, counter-clockwise: does it fire there?
      const here = dot(one.normal, fromDisc(derived.frame, s, -y, x)) > 0;
      const r = tenth(box.radius);
      return setAttributes(fires, {
        d: `${local(points)}A${r} ${r} 0 0 ${here ? 1 : 0} ${tenth(x * r)} ${tenth(-y * r)}Z`,
        fill: sampleHue(one.i),
      });
    });
  }

  function drawContours(both) {
    both.forEach((segments, s) => {
      let d = "";
      for (let index = 0; index < segments.length; index += 4) {
        const [x0, y0, x1, y1] = segments.subarray(index, index + 4);
        if (x0 * x0 + y0 * y0 > 1 && x1 * x1 + y1 * y1 > 1) continue;
        d += `M${tenth(x0 * box.radius)} ${tenth(-y0 * box.radius)}L${tenth(x1 * box.radius)} ${tenth(-y1 * box.radius)}`;
      }
      setAttributes(sides[s].contour, { d: d || "M0 0" });
    });
  }

  function drawTrails() {
    const paths = ["", ""];
    for (const { steps } of model.trails) {
      for (const { side, points } of trailOnDiscs(
        model.derived.frame,
        steps.map(({ u }) => u),
      ))
        paths[side] += local(points.flat());
    }
    sides.forEach(({ trails }, s) => setAttributes(trails, { d: paths[s] || "M0 0", class: `cc-dir-way${model.dotsLook}` }));
    drawBorn(born, model, 2.6, ({ u }) => placeOf(u));
  }

  function drawMarks() {
    drawMarksIn({ others, dots, stars }, model, placeOf, placeOf);
    const { peak: highest, focus } = model.derived;
    peak.update(
      model,
      highest && placeOf(highest.u),
      box.width,
      model.stars.map(({ u }) => placeOf(u)),
    );
    const u = focus?.u ?? null;
    setAttributes(ray, { display: u ? null : "none" });
    if (u) {
      const [cx, cy] = placeOf(u);
      setAttributes(ray, { cx: tenth(cx), cy: tenth(cy) });
    }
    relief.lightCell(model.derived, u);
  }

  function drawCompass() {
    const { scene, frame } = model.derived;
    if (drawn.filter === scene.filter && drawn.view === scene.view && drawn.around === frame) return;
    Object.assign(drawn, { filter: scene.filter, view: scene.view, around: frame });
    sides.forEach(({ compass }, s) => {
      keyedChildren(
        compass,
        CORNERS,
        (degrees) => degrees,
        () => svgNode("g", {}),
        (glyph, degrees) => {
          const [x, y] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
          const out = box.radius + DISCS_GLYPH * 0.66;
          drawGlyph(glyph, scene, fromDisc(frame, s, x, y), out * x, -out * y, DISCS_GLYPH);
        },
      );
    });
  }

  function find(event) {
    const mark = markUnder(event);
    if (mark) return { target: mark, probe: null };
    if (!model) return { target: null, probe: null };
    const [px, py] = pointerIn(event, svg);
    for (const s of [0, 1]) {
      const { x, y, radius } = box.discs[s];
      const [dx, dy] = [(px - x) / radius, (y - py) / radius];
      if (dx * dx + dy * dy > 1) continue;
      const { derived } = model;
      const u = fromDisc(derived.frame, s, dx, dy);
      const patch = nearestPatch(event, derived.lines, NEAR_CIRCLE, ({ normal }) => Math.abs(dot(normal, u)));
      if (patch) return { target: patch, probe: u };
      // the same target as long as the pointer stays in the cell
      if (!last || last.patches !== derived.patches || !last.inside(u)) {
        last = {
          patches: derived.patches,
          inside: patternTest(derived.setting, derived.patches, u),
          target: { kind: "cell", u },
        };
      }
      return { target: last.target, probe: u };
    }
    return { target: null, probe: null };
  }

  pointAt(svg, {
    find,
    probe() {},
    mayAdd: () => !model.refusal,
    hooks,
  });

  return {
    node,
    size,
    update(next) {
      model = next;
      relief.update(model, node);
      drawCircles();
      drawTrails();
      drawMarks();
      drawCompass();
      handle.update(model.derived.frame[2]);
    },
  };
}
