// Changes to the tracks of a plan. Pure functions: tracks in, new tracks out, none is altered.
// The maps of a track go from frames to boxes and faces.

import { follow } from "./interpolate.js";

/** @typedef {Service.Box} Box */
/** @typedef {Service.Face} Face */
/** @typedef {Omit<Service.Track, "boxes" | "seen">} Bare a track without its boxes */
/** @typedef {Bare & {boxes: Map<number, Box>, seen: Map<number, Face>}} Track */

/** The tracks of a plan as the service sends it. @param {Service.Plan} plan @returns {Track[]} */
export function fromPlan(plan) {
  return plan.tracks.map((track) => ({ ...track, boxes: byFrame(track.boxes), seen: byFrame(track.seen) }));
}

/** The plan with these tracks, to be sent back. @param {Service.Plan} plan @param {Track[]} tracks @returns {Service.Plan} */
export function toPlan(plan, tracks) {
  /** @param {Track} track */
  const plain = (track) => ({
    ...track,
    boxes: Object.fromEntries(track.boxes),
    seen: Object.fromEntries(track.seen),
  });
  return { ...plan, tracks: tracks.map(plain) };
}

/**
 * A track drawn by hand: key boxes by frame, followed over a span.
 * @param {number} id @param {Map<number, Box>} keys @param {[number, number]} span
 */
export const drawn = (id, keys, [from, to]) => madeOf({ id, origin: "manual", keep: false }, keys, from, to);

/** @param {{id: number}[]} tracks */
export const nextId = (tracks) => Math.max(-1, ...tracks.map((track) => track.id)) + 1;

/** @param {Track[]} tracks @param {number} id */
export const removed = (tracks, id) => tracks.filter((track) => track.id !== id);

/** @param {Track[]} tracks @param {number} id @param {boolean} keep */
export const withKeep = (tracks, id, keep) => changed(tracks, id, (track) => ({ ...track, keep }));

/**
 * A box corrected by hand on one frame. A track drawn by hand follows anew; of a detected one the
 * other frames stay as the detector and the tracker had them.
 * @param {Track[]} tracks @param {number} id @param {number} frame @param {Box} box
 */
export function withBox(tracks, id, frame, box) {
  return changed(tracks, id, (track) => {
    if (track.origin === "manual") {
      const keys = keysOf(track).set(frame, box);
      const [from, to] = span(track);
      return madeOf(track, keys, Math.min(from, frame), Math.max(to, frame));
    }
    return {
      ...track,
      boxes: new Map(track.boxes).set(frame, box),
      seen: new Map(track.seen).set(frame, sure(box)),
    };
  });
}

/**
 * A track drawn by hand without its key box on a frame; the last key stays.
 * @param {Track[]} tracks @param {number} id @param {number} frame
 */
export function withoutKey(tracks, id, frame) {
  return changed(tracks, id, (track) => {
    const keys = keysOf(track);
    if (track.origin !== "manual" || keys.size < 2 || !keys.delete(frame)) return track;
    return madeOf(track, keys, ...span(track));
  });
}

/**
 * A track drawn by hand over another span; where it ends it stands as it stood there before.
 * @param {Track[]} tracks @param {number} id @param {number} from @param {number} to
 */
export function withSpan(tracks, id, from, to) {
  return changed(tracks, id, (track) => {
    if (track.origin !== "manual" || from > to) return track;
    const keys = keysOf(track);
    const ends = follow(keys, Math.min(from, ...keys.keys()), Math.max(to, ...keys.keys()));
    const inside = new Map([...keys].filter(([frame]) => from <= frame && frame <= to));
    if (inside.size < keys.size) {
      /** @param {number} frame */
      const stand = (frame) => inside.set(frame, /** @type {Box} */ (ends.get(frame)));
      if (Math.min(...keys.keys()) < from) stand(from);
      if (Math.max(...keys.keys()) > to) stand(to);
    }
    return madeOf(track, inside, from, to);
  });
}

/** First and last frame of a track. @param {Track} track @returns {[number, number]} */
export function span(track) {
  let [from, to] = [Infinity, -Infinity];
  for (const frame of track.boxes.keys()) {
    from = Math.min(from, frame);
    to = Math.max(to, frame);
  }
  return [from, to];
}

/** @template T @param {Record<string, T>} object @returns {Map<number, T>} */
const byFrame = (object) => new Map(Object.entries(object).map(([frame, value]) => [Number(frame), value]));

/** @param {Track} track */
const keysOf = (track) => new Map([...track.seen].map(([frame, face]) => [frame, face.box]));

/** @param {Box} box @returns {Face} */
const sure = (box) => ({ box, score: 1, landmarks: null });

/** @param {Track[]} tracks @param {number} id @param {(track: Track) => Track} change */
const changed = (tracks, id, change) => tracks.map((track) => (track.id === id ? change(track) : track));

/** @param {Bare} track @param {Map<number, Box>} keys @param {number} from @param {number} to @returns {Track} */
function madeOf(track, keys, from, to) {
  const seen = new Map([...keys].map(([frame, box]) => [frame, sure(box)]));
  return { ...track, boxes: follow(keys, from, to), seen };
}
