/**
 * Pixels: where a pointer is in those of an element, and a canvas that is filled one by one.
 *
 * A presented playground is enlarged as a whole: one of its own pixels is then more than one of the window's, in which
 * the browser gives the places of pointers and boxes.
 */

/** Where the pointer, or another place of the window, is in an element: [x, y] in the element's own pixels. */
export function pointerIn({ clientX, clientY }, node) {
  const { x, y } = node.getBoundingClientRect();
  const zoom = zoomAround(node);
  return [(clientX - x) / zoom, (clientY - y) / zoom];
}

/** How many pixels of the window one pixel of the playground has. */
export function zoomAround(node) {
  const root = node.closest(".cc-play");
  return root.getBoundingClientRect().width / root.offsetWidth || 1;
}

/**
 * The pen of a canvas that is filled pixel by pixel. Its pixels lie in memory: sent to a graphics card and back for each
 * picture they take longer, most of all where there is no card and one is emulated.
 */
export function pixelPen(canvas) {
  return canvas.getContext("2d", { willReadFrequently: true });
}
