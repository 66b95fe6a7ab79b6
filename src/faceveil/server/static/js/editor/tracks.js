// Changes to the tracks of a plan. Pure functions: tracks in, new tracks out, none is altered.
// A track is {id, boxes: Map, seen: Map, origin, keep}; the maps go from frames to boxes and faces.

import { follow } from "./interpolate.js";

/** The tracks of a plan as the service sends it. */
export function fromPlan(plan) {
  return plan.tracks.map((track) => ({ ...track, boxes: byFrame(track.boxes), seen: byFrame(track.seen) }));
}

/** The plan with these tracks, to be sent back. */
export function toPlan(plan, tracks) {
  const plain = (track) => ({
    ...track,
    boxes: Object.fromEntries(track.boxes),
    seen: Object.fromEntries(track.seen),
  });
  return { ...plan, tracks: tracks.map(plain) };
}

/** A track drawn by hand: key boxes by frame, followed over a span. */
export const drawn = (id, keys, [from, to]) => madeOf({ id, origin: "manual", keep: false }, keys, from, to);

export const nextId = (tracks) => Math.max(-1, ...tracks.map((track) => track.id)) + 1;

export const removed = (tracks, id) => tracks.filter((track) => track.id !== id);

export const withKeep = (tracks, id, keep) => changed(tracks, id, (track) => ({ ...track, keep }));

/**
 * A box corrected by hand on one frame. A track drawn by hand follows anew; of a detected one the
 * other frames stay as the detector and the tracker had them.
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

/** A track drawn by hand without its key box on a frame; the last key stays. */
export function withoutKey(tracks, id, frame) {
  return changed(tracks, id, (track) => {
    const keys = keysOf(track);
    if (track.origin !== "manual" || keys.size < 2 || !keys.delete(frame)) return track;
    return madeOf(track, keys, ...span(track));
  });
}

/** A track drawn by hand over another span; where it ends it stands as it stood there before. */
export function withSpan(tracks, id, from, to) {
  return changed(tracks, id, (track) => {
    if (track.origin !== "manual" || from > to) return track;
    const keys = keysOf(track);
    const ends = follow(keys, Math.min(from, ...keys.keys()), Math.max(to, ...keys.keys()));
    const inside = new Map([...keys].filter(([frame]) => from <= frame && frame <= to));
    if (inside.size < keys.size) {
      if (Math.min(...keys.keys()) < from) inside.set(from, ends.get(from));
      if (Math.max(...keys.keys()) > to) inside.set(to, ends.get(to));
    }
    return madeOf(track, inside, from, to);
  });
}

/** First and last frame of a track. */
export function span(track) {
  let [from, to] = [Infinity, -Infinity];
  for (const frame of track.boxes.keys()) {
    from = Math.min(from, frame);
    to = Math.max(to, frame);
  }
  return [from, to];
}

const byFrame = (object) => new Map(Object.entries(object).map(([frame, value]) => [Number(frame), value]));

const keysOf = (track) => new Map([...track.seen].map(([frame, face]) => [frame, face.box]));

const sure = (box) => ({ box, score: 1, landmarks: null });

const changed = (tracks, id, change) => tracks.map((track) => (track.id === id ? change(track) : track));

function madeOf(track, keys, from, to) {
  const seen = new Map([...keys].map(([frame, box]) => [frame, sure(box)]));
  return { ...track, boxes: follow(keys, from, to), seen };
}
