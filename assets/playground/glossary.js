/**
 * Words with a dotted underline: each is explained in one plain sentence, the glossary's, when it is pointed at or has
 * the focus.
 */

/**
 * The text in parts, [{text, tip}]: the first place of every term of the glossary has its sentence as a tip. `taken` are
 * the terms that were marked before, in texts that belong together.
 */
export function termParts(text, terms, taken = new Set()) {
  const found = [];
  const pattern = termPattern(terms);
  if (!pattern) return [{ text, tip: null }];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const name = termOf(match[0], terms);
    if (taken.has(name)) continue;
    taken.add(name);
    if (match.index > from) found.push({ text: text.slice(from, match.index), tip: null });
    found.push({ text: match[0], tip: terms[name] });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), tip: null });
  return found;
}

/** Write the text into a node with its terms marked. */
export function writeTerms(node, text, terms, taken) {
  node.replaceChildren(...termParts(text, terms, taken).map(({ text: words, tip }) => (tip ? termNode(words, tip) : words)));
}

/** The same where the text is often the same as before. */
export function setTerms(node, text, terms) {
  if (node.__terms === text) return;
  node.__terms = text;
  writeTerms(node, text, terms);
}

function termNode(text, tip) {
  const node = document.createElement("span");
  node.className = "cc-term";
  node.tabIndex = 0;
  node.dataset.tip = tip;
  node.setAttribute("aria-description", tip);
  node.textContent = text;
  return node;
}

/** One pattern for all terms, the longest first; made once for a glossary. */
function termPattern(terms) {
  if (!TERM_PATTERNS.has(terms)) {
    const names = Object.keys(terms).sort((one, other) => other.length - one.length);
    const escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = names.length ? new RegExp(`(?<![\\p{L}\\p{N}_])(?:${escaped.join("|")})(?:e?s)?(?![\\p{L}\\p{N}_])`, "giu") : null;
    TERM_PATTERNS.set(terms, pattern);
  }
  return TERM_PATTERNS.get(terms);
}
const TERM_PATTERNS = new WeakMap();

/** The term that a word of a text is: itself, or its plural. */
function termOf(word, terms) {
  const asked = word.toLowerCase();
  return Object.keys(terms).find((name) => [name, `${name}s`, `${name}es`].some((form) => form.toLowerCase() === asked));
}
