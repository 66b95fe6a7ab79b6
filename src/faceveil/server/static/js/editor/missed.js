// What the check still found in a result that it withheld, as boxes that can be covered at once.

import { sceneOf } from "./interpolate.js";
import { hull } from "./tracks.js";

/** @typedef {Service.Box} Box */
/** @typedef {{frame: number, box: Box}} Missed */
/** @typedef {{keys: Map<number, Box>, span: [number, number]}} Drawn key boxes, to be held over a scene */
/** @typedef {{media: Service.Media, findings: {kind: string, frame: number, box: [number, number, number, number] | null}[]}} Report */

/** The faces of a report's findings, in order of time. @param {Report} report @returns {Missed[]} */
export function missedFaces(report) {
  return report.findings
    .flatMap(({ kind, frame, box }) => {
      if (kind !== "face" || !box) return [];
      const [x0, y0, x1, y1] = box;
      return [{ frame, box: { x0, y0, x1, y1 } }];
    })
    .sort((a, b) => a.frame - b.frame);
}

/**
 * Faces that overlap on a frame, or from one sample to the next, are one face, as long as no scene
 * begins between.
 * @param {Missed[]} found @param {number[]} cuts @param {number} frames @returns {Drawn[]}
 */
export function asTracks(found, cuts, frames) {
  /** @type {(Drawn & {latest: Box})[]} */
  const made = [];
  for (const { frame, box } of found) {
    const span = sceneOf(frame, cuts, frames);
    const known = made.find((track) => track.span[0] === span[0] && meet(track.latest, box));
    const track = known ?? { keys: new Map(), span, latest: box };
    if (!known) made.push(track);
    const there = track.keys.get(frame);
    track.latest = there ? hull(there, box) : box;
    track.keys.set(frame, track.latest);
  }
  return made.map(({ keys, span }) => ({ keys, span }));
}

/** @param {Box} a @param {Box} b */
const meet = (a, b) => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;

