/**
 * What is on the screen as a picture, made in the browser: boxes, words, canvases and SVG of an element as one SVG, and
 * that as a PNG. Styles are written into it, so that it is the same picture in any other program.
 */
import { SVG_NAMESPACE } from "./dom.js";

const PICTURE_SCALE = 2; // pixels of a PNG for one of the screen
const DRAWN_STYLES = [
  "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "paint-order",
  "dominant-baseline", "visibility", "display", "transform", "transform-origin", "clip-path", "mask", "stop-color",
  "stop-opacity",
];

const escapedXml = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const notDrawn = (style) => style.display === "none" || style.visibility === "hidden" || Number(style.opacity) === 0;
const isClear = (colour) => colour === "transparent" || /, 0\)$/.test(colour);

/** An element as the text of an SVG with a `title`. */
export function pictureOf(root, title) {
  const frame = root.getBoundingClientRect();
  const ground = getComputedStyle(root.getRootNode().host ?? document.body);
  const parts = [];
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) parts.push(...pictureWords(node, frame));
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    if (notDrawn(style) || (!box.width && !box.height)) return;
    const place = `x="${box.x - frame.x}" y="${box.y - frame.y}" width="${box.width}" height="${box.height}"`;
    if (Number(style.opacity) < 1 && node.tagName !== "svg") parts.push(`<g opacity="${style.opacity}">`);
    if (node.tagName === "svg") parts.push(pictureOfSvg(node, box, frame));
    else if (node.tagName === "CANVAS") parts.push(`<image ${place} href="${node.toDataURL()}"/>`);
    else {
      const line = parseFloat(style.borderTopWidth);
      const edge = line && !isClear(style.borderTopColor) ? `stroke="${style.borderTopColor}" stroke-width="${line}"` : "";
      const fill = isClear(style.backgroundColor) ? "none" : style.backgroundColor;
      if (edge || fill !== "none") parts.push(`<rect ${place} rx="${parseFloat(style.borderTopLeftRadius) || 0}" fill="${fill}" ${edge}/>`);
      node.childNodes.forEach(visit);
    }
    if (Number(style.opacity) < 1 && node.tagName !== "svg") parts.push("</g>");
  };
  visit(root);
  const size = `width="${frame.width}" height="${frame.height}" viewBox="0 0 ${frame.width} ${frame.height}"`;
  const paper = `<rect width="100%" height="100%" fill="${ground.getPropertyValue("--st-background-color") || "#fff"}"/>`;
  return `<svg xmlns="${SVG_NAMESPACE}" ${size}><title>${escapedXml(title)}</title>${paper}${parts.join("")}</svg>`;
}

/** The words of a text, each where it stands and as long: lines are broken as on the screen, whatever font there is. */
function pictureWords(node, frame) {
  const style = getComputedStyle(node.parentElement);
  const size = parseFloat(style.fontSize);
  const look = `font-family="${escapedXml(style.fontFamily)}" font-size="${size}" font-weight="${style.fontWeight}" fill="${style.color}"`;
  return [...node.textContent.matchAll(/\S+/g)].map(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const box = range.getBoundingClientRect();
    const base = box.y - frame.y + box.height / 2 + 0.34 * size;
    return box.width ? `<text x="${box.x - frame.x}" y="${base}" textLength="${box.width}" lengthAdjust="spacingAndGlyphs" ${look}>${escapedXml(word)}</text>` : "";
  });
}

/** An SVG with its styles written into it, at its place. */
function pictureOfSvg(svg, box, frame) {
  const copy = svg.cloneNode(true);
  const from = [svg, ...svg.querySelectorAll("*")];
  const to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((node, k) => {
    const style = getComputedStyle(node);
    const own = DRAWN_STYLES.filter((name) => !(k === 0 && name.startsWith("transform")));
    to[k].setAttribute("style", own.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
    to[k].removeAttribute("class");
  });
  const cut = [svg, svg.parentElement].some((node) => getComputedStyle(node).overflow === "hidden");
  const place = { x: box.x - frame.x, y: box.y - frame.y, width: box.width, height: box.height };
  place.overflow = cut ? "hidden" : "visible";
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, value);
  return new XMLSerializer().serializeToString(copy);
}

/** Give a picture of an element to the visitor as a file; `format` is png or svg. */
export async function savePicture(root, name, title, format) {
  const text = pictureOf(root, title);
  const vector = new Blob([text], { type: "image/svg+xml" });
  const link = document.createElement("a");
  link.download = `${name}.${format}`;
  link.href = URL.createObjectURL(format === "svg" ? vector : await pictureAsPng(text));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

async function pictureAsPng(text) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = PICTURE_SCALE * image.width;
  canvas.height = PICTURE_SCALE * image.height;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done));
}
