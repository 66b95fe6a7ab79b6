// A box that follows: drawn on a few key frames, in between on the straight line from one to the
// next, and held still before the first and after the last. Pure functions.

/** The box `share` of the way from a to b. */
export function between(a, b, share) {
  const mix = (one, other) => one + (other - one) * share;
  return { x0: mix(a.x0, b.x0), y0: mix(a.y0, b.y0), x1: mix(a.x1, b.x1), y1: mix(a.y1, b.y1) };
}

/**
 * The box on every frame of a span.
 * @param {Map<number, object>} keys frame -> box; at least one
 * @returns {Map<number, object>} frame -> box for `from` to `to`, both included
 */
export function follow(keys, from, to) {
  const order = [...keys.keys()].sort((a, b) => a - b);
  const boxes = new Map();
  let next = 0;
  for (let frame = from; frame <= to; frame += 1) {
    while (next < order.length && order[next] < frame) next += 1;
    boxes.set(frame, at(keys, order, next, frame));
  }
  return boxes;
}

function at(keys, order, next, frame) {
  if (next === 0) return keys.get(order[0]);
  if (next === order.length) return keys.get(order[next - 1]);
  const [before, after] = [order[next - 1], order[next]];
  return between(keys.get(before), keys.get(after), (frame - before) / (after - before));
}

/**
 * What a time bar shows of a track: stretches of frames that are all seen or all filled in.
 * @returns {{from: number, to: number, seen: boolean}[]} in order, both ends included
 */
export function stretches(track) {
  const found = [];
  for (const frame of [...track.boxes.keys()].sort((a, b) => a - b)) {
    const seen = track.seen.has(frame);
    const last = found.at(-1);
    if (last && last.to === frame - 1 && last.seen === seen) last.to = frame;
    else found.push({ from: frame, to: frame, seen });
  }
  return found;
}

/** The scene a frame lies in, [first, last]. `cuts` are the frames at which scenes begin. */
export function sceneOf(frame, cuts, frames) {
  const from = Math.max(0, ...cuts.filter((cut) => cut <= frame));
  const next = cuts.filter((cut) => cut > frame);
  return [from, Math.min(frames, ...next) - 1];
}
