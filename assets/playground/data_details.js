/** The coordinates and the target of the point in hand, each as a slider with its number: for keys, and for the exact. */
import { htmlNode, keyedChildren, setAttributes, setText } from "./dom.js";
import { setEntry, setTarget } from "./edits.js";
import { decimals } from "./format.js";
import { keyedValue, reachOf } from "./handles.js";

const COORDINATES = ["x", "y"];

/** Build in `box`; returns `update(state, derived, i)`. */
export function createDetails(box, store) {
  const card = htmlNode("div", { class: "cc-details" }, box);
  const title = htmlNode("b", {}, card);
  const list = htmlNode("div", {}, card);

  function makeRow(e) {
    const row = htmlNode("label", {});
    const name = htmlNode("span", { class: "cc-sub" }, row, e === null ? "target" : COORDINATES[e]);
    const slider = htmlNode("input", { type: "range", step: 0.01 }, row);
    const value = htmlNode("output", { class: "cc-num" }, row);
    const put = (wanted, final) => {
      const { i } = row;
      store.actions.edit((scene) => (e === null ? setTarget(scene, i, wanted) : setEntry(scene, i, e, wanted)), { final });
    };
    slider.addEventListener("input", () => put(Number(slider.value), false));
    slider.addEventListener("change", () => put(Number(slider.value), true));
    slider.addEventListener("keydown", (event) => {
      const wanted = keyedValue(event, Number(slider.value), Number(slider.max));
      if (wanted === null) return;
      event.preventDefault();
      put(wanted, true);
    });
    return Object.assign(row, { parts: { name, slider, value } });
  }

  return function update({ scene }, i) {
    const { X, y } = scene;
    const values = [...X[i].map((value, e) => ({ e, value })), { e: null, value: y[i] }];
    setText(title, `Point ${i + 1}`);
    keyedChildren(list, values, ({ e }) => String(e), ({ e }) => makeRow(e), (row, { e, value }) => {
      const reach = e === null ? reachOf(y) : reachOf(X.flat());
      const { slider, value: shown } = row.parts;
      row.i = i;
      const name = e === null ? `target ${i + 1}` : `sample ${i + 1}, entry ${e + 1}`;
      setAttributes(slider, { min: -reach, max: reach, "aria-label": name, "aria-valuetext": decimals(value, 2) });
      slider.value = String(value);
      slider.style.setProperty("--filled", `${50 + (50 * value) / reach}%`);
      setText(shown, decimals(value, 2));
    });
  };
}
