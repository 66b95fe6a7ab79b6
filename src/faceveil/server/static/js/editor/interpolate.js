// A box that follows: drawn on a few key frames, in between on the straight line from one to the
// next, and held still before the first and after the last. Pure functions.

/** @typedef {Service.Box} Box */
/** @typedef {Map<number, Box>} Boxes frame -> box */

/** The box `share` of the way from a to b. @param {Box} a @param {Box} b @param {number} share */
export function between(a, b, share) {
  /** @param {number} one @param {number} other */
  const mix = (one, other) => one + (other - one) * share;
  return { x0: mix(a.x0, b.x0), y0: mix(a.y0, b.y0), x1: mix(a.x1, b.x1), y1: mix(a.y1, b.y1) };
}

/**
 * The box on every frame of a span.
 * @param {Boxes} keys at least one
 * @param {number} from @param {number} to
 * @returns {Boxes} frame -> box for `from` to `to`, both included
 */
export function follow(keys, from, to) {
  const order = [...keys.keys()].sort((a, b) => a - b);
  /** @type {Boxes} */
  const boxes = new Map();
  let next = 0;
  for (let frame = from; frame <= to; frame += 1) {
    while (next < order.length && order[next] < frame) next += 1;
    boxes.set(frame, at(keys, order, next, frame));
  }
  return boxes;
}

/** @param {Boxes} keys @param {number[]} order @param {number} next @param {number} frame */
function at(keys, order, next, frame) {
  /** @param {number} key */
  const box = (key) => /** @type {Box} */ (keys.get(key));
  if (next === 0) return box(order[0]);
  if (next === order.length) return box(order[next - 1]);
  const [before, after] = [order[next - 1], order[next]];
  return between(box(before), box(after), (frame - before) / (after - before));
}

/**
 * What a time bar shows of a track: stretches of frames that are all seen or all filled in.
 * @param {Pick<import("./tracks.js").Track, "boxes" | "seen">} track
 * @returns {{from: number, to: number, seen: boolean}[]} in order, both ends included
 */
export function stretches(track) {
  /** @type {{from: number, to: number, seen: boolean}[]} */
  const found = [];
  for (const frame of [...track.boxes.keys()].sort((a, b) => a - b)) {
    const seen = track.seen.has(frame);
    const last = found.at(-1);
    if (last && last.to === frame - 1 && last.seen === seen) last.to = frame;
    else found.push({ from: frame, to: frame, seen });
  }
  return found;
}

/**
 * The scene a frame lies in, [first, last]. `cuts` are the frames at which scenes begin.
 * @param {number} frame @param {number[]} cuts @param {number} frames @returns {[number, number]}
 */
export function sceneOf(frame, cuts, frames) {
  const from = Math.max(0, ...cuts.filter((cut) => cut <= frame));
  const next = cuts.filter((cut) => cut > frame);
  return [from, Math.min(frames, ...next) - 1];
}
