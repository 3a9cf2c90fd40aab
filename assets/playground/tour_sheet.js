/** A table of the Tour, with the filter it is about. */
import { drawGlyph } from "./directions_marks.js";
import { htmlNode, setAttributes, svgNode } from "./dom.js";
import { setTerms } from "./glossary.js";

/** A table beside the picture; its later rows are open once the answer is. */
export function createTourSheet(parent, terms) {
  const box = htmlNode("section", { class: "cc-panel cc-tour-sheet" }, parent);
  const head = htmlNode("div", { class: "cc-tour-sheet-head" }, box);
  const filter = svgNode("svg", { width: 52, height: 52, viewBox: "0 0 52 52", "aria-hidden": "true" }, head);
  const glyph = svgNode("g", {}, filter);
  const title = htmlNode("h2", { class: "cc-h" }, head);
  const table = htmlNode("table", {}, box);
  const names = htmlNode("tr", {}, htmlNode("thead", {}, table));
  const body = htmlNode("tbody", {}, table);
  const row = (cells, hidden) => {
    const node = htmlNode("tr");
    cells.forEach((cell, place) => htmlNode("td", {}, node, hidden && place ? "?" : cell));
    return node;
  };
  let drawn = "";
  return {
    update(sheet, scene, revealed) {
      const key = sheet ? `${sheet.title}${revealed}` : "";
      if (key === drawn) return;
      drawn = key;
      if (!sheet) return;
      setAttributes(box, { "aria-label": sheet.title });
      setTerms(title, sheet.title, terms);
      setAttributes(filter, { hidden: !sheet.filter });
      if (sheet.filter) drawGlyph(glyph, scene, sheet.filter, 26, 26, 44);
      names.replaceChildren(...sheet.head.map((cell) => htmlNode("th", { scope: "col" }, undefined, cell)));
      const total = sheet.total ? [row(sheet.total, !revealed)] : [];
      for (const node of total) node.className = "total";
      body.replaceChildren(...sheet.rows.map((cells, place) => row(cells, !revealed && place >= sheet.open)), ...total);
    },
  };
}
