/** The way through the Tour: back, how far one is, and on; at its end, where to go from here. */
import { htmlNode, setAttributes, setText } from "./dom.js";

const ONWARD = [["playground", "Play with these data"], ["solve", "Solve larger problems"], ["start", "Home"]];

/** Back, how far one is, and on; at the end where to go from here. */
export function createTourFoot(root, titles, { go, onward }) {
  const node = htmlNode("nav", { class: "cc-tour-foot", "aria-label": "Steps of the tour" }, root);
  const back = htmlNode("button", { type: "button", class: "cc-button cc-tour-back", "data-tip": "Arrow key ←" }, node, "← Back");
  back.addEventListener("click", () => go(back.number));
  const progress = htmlNode("ol", { class: "cc-tour-steps" }, node);
  const links = titles.map((title, place) => {
    const names = { "data-tip": `${place + 1}. ${title}`, "aria-label": `Step ${place + 1}: ${title}` };
    const link = htmlNode("a", { href: `?step=${place + 1}`, ...names }, htmlNode("li", {}, progress));
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(place + 1);
    });
    return link;
  });
  const next = htmlNode("button", { type: "button", class: "cc-button cc-tour-next", "data-tip": "Arrow key →" }, node);
  next.addEventListener("click", onward);
  const ends = htmlNode("div", { class: "cc-tour-ends" }, node);
  const door = ([page, text]) => htmlNode("a", { href: page, target: "_self", class: "cc-button" }, ends, text);
  const doors = ONWARD.map(door);
  return {
    update({ tour, step, revealed }) {
      back.number = tour.number - 1;
      setAttributes(back, { disabled: tour.number === 1 });
      links.forEach((link, place) => {
        const here = place + 1 === tour.number;
        setAttributes(link, { "aria-current": here ? "step" : null, class: tour.revealed[place + 1] ? "seen" : "" });
      });
      const last = tour.number === tour.count && revealed;
      setText(next, revealed ? "Next →" : "Show me →");
      setAttributes(next, { hidden: last, disabled: !step, class: `cc-button cc-tour-next${revealed ? " primary" : ""}` });
      setAttributes(ends, { hidden: !last });
      setAttributes(progress, { class: `cc-tour-steps${last ? " last" : ""}` });
      setAttributes(doors[0], { href: `playground${step?.link ?? ""}` });
    },
  };
}
