/** A point of a picture that is moved both ways by hand: in the plane, or as a number and its target. */
import { svgNode } from "./dom.js";
import { draggable, hoversOver, keyedValue, settle } from "./handles.js";

/** A press that moves less than this many pixels only chooses. */
const POINT_STILL = 3;
const ALONG = ["ArrowLeft", "ArrowRight", "Home", "End"];

/**
 * The group of point i, with a ring around it: its owner draws the point and writes its place.
 *
 * `at()` is where it is and `reaches()` how far it may go; `put(place, final)` moves it; `placeOf(x, y)` is the place at
 * a point of the window; `select(i)` hears that it is in hand, `remove(i)` takes it away, `flip()` changes its class.
 */
export function createHandPoint(store, i, { at, reaches, put, placeOf, select, remove, flip }) {
  const node = svgNode("g", { tabindex: 0, role: "slider", "aria-label": `point ${i + 1}` });
  const ring = svgNode("circle", { class: "ring", r: 10.5 }, node);
  let grab = null;
  let moved = false;

  draggable(node, {
    move(event, first) {
      const { clientX: x, clientY: y } = event;
      if (first) {
        const box = ring.getBoundingClientRect();
        grab = { from: [x, y], off: [x - box.x - box.width / 2, y - box.y - box.height / 2] };
        moved = false;
        select(i);
        return;
      }
      moved ||= Math.hypot(x - grab.from[0], y - grab.from[1]) >= POINT_STILL;
      if (moved) put(placeOf(x - grab.off[0], y - grab.off[1]), false);
    },
    end: () => settle(store),
  });
  hoversOver(node, store, () => ({ kind: "sample", i }));
  node.addEventListener("focus", () => select(i));
  node.addEventListener("dblclick", flip);
  node.addEventListener("keydown", (event) => {
    const axis = ALONG.includes(event.key) ? 0 : 1;
    const wanted = keyedValue(event, at()[axis], reaches()[axis]);
    if (event.key === "Delete" || event.key === "Backspace") remove(i);
    else if (event.key === "Enter") store.actions.pin({ kind: "sample", i });
    else if (event.key === " ") flip();
    else if (wanted !== null) put(at().with(axis, wanted), true);
    else return;
    event.preventDefault();
  });
  return node;
}
