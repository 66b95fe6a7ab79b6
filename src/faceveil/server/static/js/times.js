// When each frame of a film is shown, in seconds from the first one.

/** @typedef {(frame: number) => number} Times */

/** Times of a browser's player are rounded. */
const ROUNDED_S = 0.001;

/** As a plan has them. @param {Service.Plan} plan @returns {Times} */
export function timesOf({ pts, time_base }) {
  const [numerator, denominator = 1] = String(time_base).split("/").map(Number);
  return (frame) => ((pts[frame] - pts[0]) * numerator) / denominator;
}

/** The frame that is shown at a time. @param {Times} times @param {number} frames @param {number} second */
export function frameAt(times, frames, second) {
  let [low, high] = [0, frames - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (times(middle) <= second + ROUNDED_S) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}
