// What the check still found in a result that it withheld, as boxes that can be covered at once.

import { sceneOf } from "./interpolate.js";

/** The faces of a report's findings: {frame, box}, in order of time. */
export function missedFaces(report) {
  return report.findings
    .filter((finding) => finding.kind === "face" && finding.box)
    .map(({ frame, box: [x0, y0, x1, y1] }) => ({ frame, box: { x0, y0, x1, y1 } }))
    .sort((a, b) => a.frame - b.frame);
}

/**
 * Faces that overlap on a frame, or from one sample to the next, are one face, as long as no scene
 * begins between.
 * @returns {{keys: Map<number, object>, span: [number, number]}[]} each to be held over its scene
 */
export function asTracks(found, cuts, frames) {
  const made = [];
  for (const { frame, box } of found) {
    const span = sceneOf(frame, cuts, frames);
    const known = made.find((track) => track.span[0] === span[0] && meet(track.latest, box));
    const track = known ?? { keys: new Map(), span };
    if (!known) made.push(track);
    track.latest = track.keys.has(frame) ? hull(track.keys.get(frame), box) : box;
    track.keys.set(frame, track.latest);
  }
  return made.map(({ keys, span }) => ({ keys, span }));
}

const meet = (a, b) => a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;

const hull = (a, b) => ({
  x0: Math.min(a.x0, b.x0),
  y0: Math.min(a.y0, b.y0),
  x1: Math.max(a.x1, b.x1),
  y1: Math.max(a.y1, b.y1),
});
