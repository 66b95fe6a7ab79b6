// When a track is there: stretches seen by the detector or drawn by hand, and stretches filled in.

import { el } from "../dom.js";
import { stretches } from "./interpolate.js";

const HEIGHT = 14;

/** @typedef {import("./tracks.js").Track} Track */

/**
 * A bar as wide as its room, drawn anew with `draw(track)`. The style sheet marks the frame shown.
 * @param {number} frames @param {(frame: number) => void} onseek
 */
export function timebar(frames, onseek) {
  const canvas = el("canvas", { class: "timebar", height: HEIGHT * 2, width: 600, "aria-hidden": "true" });
  canvas.addEventListener("click", (event) => {
    const place = canvas.getBoundingClientRect();
    onseek(((event.clientX - place.left) / place.width) * frames);
  });
  /** @param {Pick<Track, "boxes" | "seen">} track */
  const anew = (track) => draw(canvas, track, frames);
  return { node: el("div", { class: "lane" }, canvas), draw: anew };
}

/** @param {HTMLCanvasElement} canvas @param {Pick<Track, "boxes" | "seen">} track @param {number} frames */
function draw(canvas, track, frames) {
  canvas.width = Math.max(60, Math.round(canvas.clientWidth * devicePixelRatio)) || 600;
  const paint = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  // The style sheet chooses the colour of the stretches.
  const look = getComputedStyle(canvas);
  const { width, height } = canvas;
  /** @param {number} index */
  const x = (index) => (index / frames) * width;
  paint.clearRect(0, 0, width, height);
  for (const { from, to, seen } of stretches(track)) {
    const long = Math.max(x(to + 1) - x(from), 2);
    paint.fillStyle = look.color;
    if (seen) paint.fillRect(x(from), height * 0.15, long, height * 0.7);
    else hatch(paint, x(from), long, height);
  }
}

/**
 * Filled in: thinner and striped, so that it differs from seen without its colour.
 * @param {CanvasRenderingContext2D} paint @param {number} left @param {number} long @param {number} height
 */
function hatch(paint, left, long, height) {
  const [top, tall] = [height * 0.3, height * 0.4];
  paint.save();
  paint.beginPath();
  paint.rect(left, top, long, tall);
  paint.clip();
  paint.globalAlpha = 0.3;
  paint.fillRect(left, top, long, tall);
  paint.globalAlpha = 1;
  paint.lineWidth = 1.5;
  paint.strokeStyle = paint.fillStyle;
  paint.beginPath();
  for (let x = left - tall; x < left + long; x += 6) {
    paint.moveTo(x, top + tall);
    paint.lineTo(x + tall, top);
  }
  paint.stroke();
  paint.restore();
}
