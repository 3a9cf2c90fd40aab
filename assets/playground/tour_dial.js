/**
 * What the Tour lays over the circle: the dot that is dragged to where something is guessed, and letters at filters.
 *
 * It stands where the circle stands, whose measures it reads from the drawing.
 */
import { angleOf } from "./circle.js";
import { htmlNode, keyedChildren, setAttributes, setText } from "./dom.js";
import { pointerIn } from "./pixels.js";

const KEY_DEGREES = { ArrowRight: -2, ArrowDown: -2, ArrowLeft: 2, ArrowUp: 2, PageUp: 15, PageDown: -15 };
/** Letters stand so far out, as a part of the radius. */
const LETTERS_AT = 0.66;
/** The dot stands so far inside the rim: above and below the circle there is no room for it. */
const DOT_INSIDE = 13;

/** Build it in the picture's box; `guess(degrees)` is told of every move, `check()` that it stands. */
export function createTourDial(root, { guess, check }) {
  const stage = root.querySelector(".cc-dir-stage");
  const layer = htmlNode("div", { class: "cc-tour-layer", hidden: true }, stage);
  const letters = htmlNode("div", { "aria-hidden": "true" }, layer);
  const ray = htmlNode("div", { class: "cc-tour-ray" }, layer);
  const dot = htmlNode("div", { class: "cc-tour-dot", role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 360 }, layer);
  let degrees = 0;
  let open = false;
  let circle = null;
  let wanted = { asked: false, at: null, marks: [] };

  function turnTo(event) {
    const [left, top] = pointerIn(event, stage);
    const [x, y] = [left - circle.x, top - circle.y];
    if (Math.hypot(x, y) > 4) guess(Math.round(angleOf([x, -y])) % 360);
  }
  layer.addEventListener("pointerdown", (event) => {
    if (!open || !circle) return;
    layer.setPointerCapture(event.pointerId);
    event.preventDefault();
    dot.focus({ preventScroll: true });
    turnTo(event);
  });
  layer.addEventListener("pointermove", (event) => layer.hasPointerCapture(event.pointerId) && turnTo(event));
  dot.addEventListener("keydown", (event) => {
    const by = KEY_DEGREES[event.key];
    if (!open || (!by && event.key !== "Enter")) return;
    event.preventDefault();
    event.stopPropagation();
    if (by) guess((degrees + by + 360) % 360);
    else check();
  });

  /** `asked` says that one guesses now, `at` is where the dot stands (null without one), `marks` are the letters. */
  function draw() {
    const { asked, at, marks } = wanted;
    const drawn = stage.querySelector(".cc-dir-disc");
    const [x, y, r] = ["cx", "cy", "r"].map((part) => Number(drawn?.getAttribute(part)));
    open = asked;
    circle = r ? { x, y, r } : null;
    setAttributes(layer, { hidden: !circle || (at === null && !marks.length), class: `cc-tour-layer${asked ? " open" : ""}` });
    if (!circle) return;
    setAttributes(dot, { hidden: at === null });
    setAttributes(ray, { hidden: at === null });
    if (at !== null) {
      degrees = at;
      place(dot, at, r - DOT_INSIDE);
      setAttributes(dot, {
        "aria-label": "your guess, a direction", "aria-valuenow": Math.round(at), "aria-valuetext": `${Math.round(at)} degrees`,
        "aria-disabled": String(!asked), tabindex: asked ? 0 : -1,
      });
      ray.style.transform = `translate(${x}px, ${y}px) rotate(${-at}deg)`;
      ray.style.width = `${r}px`;
    }
    keyedChildren(letters, marks, (mark) => mark.name, () => htmlNode("b", { class: "cc-tour-letter" }), (node, mark) => {
      setText(node, mark.name);
      place(node, angleOf(mark.u), r * LETTERS_AT);
    });
  }

  function place(node, angle, radius) {
    const radians = (angle * Math.PI) / 180;
    node.style.transform = `translate(${(circle.x + radius * Math.cos(radians)).toFixed(1)}px, ${(circle.y - radius * Math.sin(radians)).toFixed(1)}px)`;
  }

  // made after the picture's own, so that it is told later: the circle has its new size then
  const sizes = new ResizeObserver(draw);
  sizes.observe(stage);
  return {
    update(next) {
      wanted = next;
      draw();
    },
    stop: () => sizes.disconnect(),
  };
}
