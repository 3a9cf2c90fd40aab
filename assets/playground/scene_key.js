/**
 * The identity of a problem: what an optimum, a training run and a step by hand belong to.
 *
 * Two scenes with the same key have the same objective, whatever they are called and however they are drawn.
 */

const scenesSeen = new WeakMap();

/** Text of everything in a scene that the objective depends on; kept for each scene, which never changes. */
export function sceneKey(scene) {
  let key = scenesSeen.get(scene);
  if (key === undefined) {
    const { X, y, shape, filter, stride, pooling, activation, slope, bias, loss, beta } = scene;
    key = JSON.stringify([X, y, shape, filter, stride, pooling, activation, slope, bias, loss, beta]);
    scenesSeen.set(scene, key);
  }
  return key;
}
