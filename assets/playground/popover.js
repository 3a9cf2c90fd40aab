/**
 * A card that a button opens: the scenes, more controls, the list of keys.
 *
 * It closes on Escape (the focus goes back to the button), on a press elsewhere, and when the focus leaves it.
 */

/** Tie `card` to `button`; both are inside `root`. Returns `open()`, `close()`. */
export function createPopover(root, button, card) {
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  card.setAttribute("role", "dialog");
  card.hidden = true;

  function open() {
    card.hidden = false;
    button.setAttribute("aria-expanded", "true");
    (card.querySelector("[aria-current=true]") ?? card.querySelector("button, input"))?.focus({ preventScroll: true });
  }
  function close(focusButton) {
    if (card.hidden) return;
    card.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (focusButton) button.focus({ preventScroll: true });
  }

  const inside = (node) => card.contains(node) || button.contains(node);
  button.addEventListener("click", () => (card.hidden ? open() : close(true)));
  root.addEventListener("pointerdown", (event) => inside(event.target) || close(false));
  card.addEventListener("focusout", (event) => event.relatedTarget && !inside(event.relatedTarget) && close(false));
  card.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close(true);
  });
  return { open, close: () => close(true) };
}
