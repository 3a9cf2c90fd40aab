/**
 * One tooltip for the whole playground: any element with `data-tip` shows its text when pointed at or focused.
 *
 * The browser's own tooltips come late, never on focus and never by touch.
 */
import { htmlNode, setText } from "./dom.js";
import { pointerIn } from "./pixels.js";

const TIP_DELAY_MS = 350;
const TIP_MARGIN = 8;

/** Serve all of `root`. Returns `stop()`. */
export function createTooltip(root) {
  const bubble = htmlNode("div", { class: "cc-tip", role: "tooltip", hidden: true }, root);
  let shownFor = null;
  let timer = 0;

  function show(node) {
    shownFor = node;
    setText(bubble, node.dataset.tip);
    bubble.hidden = false;
    const box = node.getBoundingClientRect();
    const [left, top] = pointerIn({ clientX: box.left, clientY: box.top }, root);
    const [right, bottom] = pointerIn({ clientX: box.right, clientY: box.bottom }, root);
    const { offsetWidth: width, offsetHeight: height } = bubble;
    const x = Math.min(Math.max((left + right - width) / 2, TIP_MARGIN), root.offsetWidth - width - TIP_MARGIN);
    const above = top - height - TIP_MARGIN;
    const y = above > 0 ? above : bottom + TIP_MARGIN;
    bubble.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  function hide() {
    clearTimeout(timer);
    shownFor = null;
    bubble.hidden = true;
  }

  // a button that has become another one while it is pointed at does not keep its old words
  const renamed = new MutationObserver(() => {
    if (shownFor && shownFor.dataset.tip !== bubble.textContent) hide();
  });
  renamed.observe(root, { subtree: true, attributeFilter: ["data-tip"] });

  function point(event) {
    const node = event.target.closest?.("[data-tip]");
    if (node === shownFor && node) return;
    hide();
    if (node?.dataset.tip) timer = setTimeout(show, TIP_DELAY_MS, node);
  }

  const focus = (event) => event.target.matches(":focus-visible") && point(event);
  // a finger has no other way to ask for a word
  const tap = (event) => event.target.matches?.(".cc-term") && show(event.target);
  const ends = { pointerdown: hide, focusout: hide, pointerleave: hide, keydown: hide };
  const listeners = { pointerover: point, focusin: focus, click: tap, ...ends };
  for (const [name, listener] of Object.entries(listeners)) root.addEventListener(name, listener);
  return {
    stop() {
      clearTimeout(timer);
      renamed.disconnect();
      for (const [name, listener] of Object.entries(listeners)) root.removeEventListener(name, listener);
    },
  };
}
