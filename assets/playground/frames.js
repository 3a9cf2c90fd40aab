/** Frames of a training run as they come from the library: JSON has no number for the objective of a seed that diverged. */

/** The frames with an infinite objective where a seed has diverged; its network is the last that was finite. */
export function readFrames(frames) {
  const read = (value) => value ?? Infinity;
  return frames.map((frame) => ({ ...frame, objective: frame.objective.map(read) }));
}
