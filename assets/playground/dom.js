/**
 * Building and changing elements in place, for all panels.
 *
 * The panels are built once and then only changed: an element that holds the focus or the pointer must not be replaced.
 * Attributes are written only when they differ from what was written last, so that an unchanged frame costs the browser
 * no layout.
 */

export const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** A new SVG element with these attributes, appended to `parent` if there is one. */
export function svgNode(tag, attributes, parent) {
  const node = document.createElementNS(SVG_NAMESPACE, tag);
  if (attributes) setAttributes(node, attributes);
  if (parent) parent.append(node);
  return node;
}

/** A new HTML element with these attributes and this text, appended to `parent` if there is one. */
export function htmlNode(tag, attributes, parent, text) {
  const node = document.createElement(tag);
  if (attributes) setAttributes(node, attributes);
  if (text !== undefined) setText(node, text);
  if (parent) parent.append(node);
  return node;
}

/** Write the attributes that changed; null, undefined and false take one away, true writes an empty one. */
export function setAttributes(node, attributes) {
  const written = (node.__written ??= new Map());
  for (const name in attributes) {
    const given = attributes[name];
    const value = given === null || given === undefined || given === false ? null : given === true ? "" : String(given);
    if (written.get(name) === value) continue;
    written.set(name, value);
    if (value === null) node.removeAttribute(name);
    else node.setAttribute(name, value);
  }
}

/** Write the text of a node if it changed. */
export function setText(node, text) {
  const value = String(text);
  if (node.__text === value) return;
  node.__text = value;
  node.textContent = value;
}

/**
 * Children of `parent`, one for each item: `make(item, index)` returns a new child, `change(child, item, index)` writes
 * it. Children are matched by `key(item, index)`, keep their identity, and stand in the order of the items. `parent`
 * has no other children.
 */
export function keyedChildren(parent, items, key, make, change) {
  const kept = (parent.__keyed ??= new Map());
  const names = items.map(key);
  const wanted = new Set(names);
  // first away with the rest: moving a child past one that goes would cost it the focus
  for (const [name, child] of kept) {
    if (wanted.has(name)) continue;
    child.remove();
    kept.delete(name);
  }
  let next = parent.firstChild;
  items.forEach((item, index) => {
    let child = kept.get(names[index]);
    if (!child) {
      child = make(item, index);
      kept.set(names[index], child);
    }
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
    change(child, item, index);
  });
}

/** Path data of a five-pointed star with its tip up. */
export function starPath(x, y, radius) {
  let path = "";
  for (let corner = 0; corner < 10; corner += 1) {
    const r = corner % 2 ? radius * 0.45 : radius;
    const angle = -Math.PI / 2 + (corner * Math.PI) / 5;
    path += `${corner ? "L" : "M"}${(x + r * Math.cos(angle)).toFixed(2)} ${(y + r * Math.sin(angle)).toFixed(2)}`;
  }
  return `${path}Z`;
}
