// Boxes {x0, y0, x1, y1} in pixels of the picture as displayed. Pure functions.

/** @typedef {Service.Box} Box */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{width: number, height: number}} Size */

/** A box smaller than this across is a slip of the hand. */
export const SMALLEST = 4;

/** The box between two corners in any order, inside the picture. @param {Point} a @param {Point} b @param {Size} size */
export function fromCorners(a, b, size) {
  return {
    x0: clamp(Math.min(a.x, b.x), 0, size.width),
    y0: clamp(Math.min(a.y, b.y), 0, size.height),
    x1: clamp(Math.max(a.x, b.x), 0, size.width),
    y1: clamp(Math.max(a.y, b.y), 0, size.height),
  };
}

/** @param {Box} box */
export const isLargeEnough = (box) => box.x1 - box.x0 >= SMALLEST && box.y1 - box.y0 >= SMALLEST;

/**
 * The box moved; it stops at the rim, as large as before.
 * @param {Box} box @param {number} dx @param {number} dy @param {Size} size
 */
export function moved(box, dx, dy, size) {
  // A box of the detector may reach beyond the picture; it need not be pulled in to be moved.
  const right = clamp(dx, Math.min(0, -box.x0), Math.max(0, size.width - box.x1));
  const down = clamp(dy, Math.min(0, -box.y0), Math.max(0, size.height - box.y1));
  return { x0: box.x0 + right, y0: box.y0 + down, x1: box.x1 + right, y1: box.y1 + down };
}

/**
 * The box with one side or corner moved.
 * @param {Box} box
 * @param {string} handle letters of the sides it holds: "n", "se", ...
 * @param {number} dx @param {number} dy @param {Size} size
 */
export function resized(box, handle, dx, dy, size) {
  const next = { ...box };
  if (handle.includes("w")) next.x0 = clamp(box.x0 + dx, Math.min(0, box.x0), box.x1 - SMALLEST);
  if (handle.includes("e")) next.x1 = clamp(box.x1 + dx, box.x0 + SMALLEST, Math.max(size.width, box.x1));
  if (handle.includes("n")) next.y0 = clamp(box.y0 + dy, Math.min(0, box.y0), box.y1 - SMALLEST);
  if (handle.includes("s")) next.y1 = clamp(box.y1 + dy, box.y0 + SMALLEST, Math.max(size.height, box.y1));
  return next;
}

/** A box in the middle of the picture, for those who place it with the keyboard. @param {Size} size */
export function central(size) {
  const side = Math.max(SMALLEST * 2, Math.min(size.width, size.height) / 5);
  const [x, y] = [size.width / 2, size.height / 2];
  return { x0: x - side / 2, y0: y - side / 2, x1: x + side / 2, y1: y + side / 2 };
}

/** How far one press of an arrow key goes. @param {Size} size */
export const stride = (size) => Math.max(1, Math.round(Math.min(size.width, size.height) / 100));

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
