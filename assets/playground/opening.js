/**
 * The first ten seconds without a click: the optimum is seen, then SGD begins to train by itself and gets stuck.
 *
 * Only on the scene that the page begins with, and only while nothing has been touched: who came to do something, or by
 * a link to a scene of their own, or does not like things to move, is left alone.
 */

/** How long the optimum is looked at before SGD begins. */
const LOOK_MS = 1200;

/** Watch for the first answer. Returns `stop()`. */
export function createOpening(store) {
  const { scene, scenes, reduced } = store.state;
  const listens = ["pointerdown", "keydown", "wheel", "touchstart"];
  let timer = 0;
  const leave = store.subscribe((state) => {
    if (state.scene !== scene || state.show !== "optimum") stop();
    else if (state.fresh && !timer) timer = setTimeout(begin, LOOK_MS);
  });

  function stop() {
    clearTimeout(timer);
    leave();
    for (const name of listens) document.removeEventListener(name, stop, true);
  }
  function begin() {
    stop();
    store.actions.play();
  }

  for (const name of listens) document.addEventListener(name, stop, { capture: true, passive: true });
  if (reduced || scene.edited || scene.name !== scenes[0]?.name) stop();
  return { stop };
}
