// Changes to the tracks of a plan. Pure functions: tracks in, new tracks out, none is altered.
// The maps of a track go from frames to boxes and faces.

import { follow } from "./interpolate.js";

/** The score of a box that was followed; one set by hand has 1. */
const FOLLOWED = 0.99;

/** @typedef {Service.Box} Box */
/** @typedef {Service.Face} Face */
/** @typedef {Omit<Service.Track, "boxes" | "seen">} Bare a track without its boxes */
/** @typedef {Bare & {boxes: Map<number, Box>, seen: Map<number, Face>}} Track */

/** The tracks of a plan as the service sends it. @param {Service.Plan} plan @returns {Track[]} */
export const fromPlan = (plan) => read(plan.tracks);

/** @param {Service.Track[]} tracks @returns {Track[]} */
const read = (tracks) => tracks.map((track) => ({ ...track, boxes: byFrame(track.boxes), seen: byFrame(track.seen) }));

/** The plan with these tracks, to be sent back. @param {Service.Plan} plan @param {Track[]} tracks @returns {Service.Plan} */
export function toPlan(plan, tracks) {
  return { ...plan, tracks: tracks.map(plain) };
}

/** @param {Track} track @returns {Service.Track} */
const plain = (track) => ({
  ...track,
  boxes: Object.fromEntries(track.boxes),
  seen: Object.fromEntries(track.seen),
});

/** @typedef {Pick<Service.Draft, "kept" | "changed" | "added" | "removed">} Edits */

/** Nothing was changed. @param {Edits} edits */
export const isEmpty = ({ kept, changed, added, removed }) =>
  changed.length + added.length + removed.length + Object.keys(kept).length === 0;

/**
 * How tracks differ from those that they were made from, as a draft has it.
 * @param {Track[]} origin @param {Track[]} tracks @returns {Edits}
 */
export function differences(origin, tracks) {
  const before = new Map(origin.map((track) => [track.id, track]));
  const there = new Set(tracks.map((track) => track.id));
  /** @type {Edits} */
  const edits = { kept: {}, changed: [], added: [], removed: origin.map(({ id }) => id).filter((id) => !there.has(id)) };
  for (const track of tracks) {
    const old = before.get(track.id);
    if (old === track) continue;
    if (!old) edits.added.push(plain(track));
    else if (old.boxes !== track.boxes || old.seen !== track.seen || old.origin !== track.origin || old.person !== track.person || old.why !== track.why) edits.changed.push(plain(track));
    else if (old.keep !== track.keep) edits.kept[track.id] = track.keep;
  }
  return edits;
}

/**
 * The tracks with the edits of a draft. Added ones get new ids: theirs may be taken by now.
 * @param {Track[]} origin @param {Edits} edits @returns {Track[]}
 */
export function withEdits(origin, { kept, changed, added, removed }) {
  const gone = new Set(removed);
  const anew = new Map(read(changed).map((track) => [track.id, track]));
  const tracks = origin
    .filter(({ id }) => !gone.has(id))
    .map((track) => anew.get(track.id) ?? (track.id in kept ? { ...track, keep: kept[track.id] } : track));
  const first = nextId(origin);
  return [...tracks, ...read(added).map((track, i) => ({ ...track, id: first + i }))];
}

/**
 * A track drawn by hand: key boxes by frame, followed over a span.
 * @param {number} id @param {Map<number, Box>} keys @param {[number, number]} span
 */
export const drawn = (id, keys, [from, to]) => madeOf({ id, origin: "manual", keep: false, person: null, why: "" }, keys, from, to);

/** @param {{id: number}[]} tracks */
export const nextId = (tracks) => Math.max(-1, ...tracks.map((track) => track.id)) + 1;

/** @param {Track[]} tracks @param {number} id */
export const removed = (tracks, id) => tracks.filter((track) => track.id !== id);

/** The same track if it is so already. @param {Track} track @param {boolean} keep @returns {Track} */
export const asKept = (track, keep) => (track.keep === keep ? track : { ...track, keep });

/** @param {Track[]} tracks @param {number} id @param {boolean} keep */
export const withKeep = (tracks, id, keep) => changed(tracks, id, (track) => asKept(track, keep));

/**
 * A box corrected by hand on one frame. A track drawn by hand follows anew; of a detected one the
 * other frames stay as the detector and the tracker had them.
 * @param {Track[]} tracks @param {number} id @param {number} frame @param {Box} box
 */
export function withBox(tracks, id, frame, box) {
  return changed(tracks, id, (track) => {
    if (isKeyed(track)) {
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
    if (!isKeyed(track) || keys.size < 2 || !keys.delete(frame)) return track;
    return madeOf(track, keys, ...span(track));
  });
}

/**
 * A track over another span; where it is longer it stands as it stood at its end.
 * @param {Track[]} tracks @param {number} id @param {number} from @param {number} to
 */
export function withSpan(tracks, id, from, to) {
  return changed(tracks, id, (track) => {
    if (from > to) return track;
    if (!isKeyed(track)) return within(track, from, to);
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

/** @param {Track} track @param {number} from @param {number} to @returns {Track} */
function within(track, from, to) {
  /** @template T @param {Map<number, T>} map */
  const inside = (map) => new Map([...map].filter(([frame]) => from <= frame && frame <= to));
  const boxes = inside(track.boxes);
  const [first, last] = span(track);
  const [start, end] = [track.boxes.get(first), track.boxes.get(last)];
  if (start) for (let frame = from; frame < Math.min(first, to + 1); frame += 1) boxes.set(frame, start);
  if (end) for (let frame = Math.max(last + 1, from); frame <= to; frame += 1) boxes.set(frame, end);
  return { ...track, boxes, seen: inside(track.seen) };
}

/**
 * A track cut in two before a frame.
 * @param {Track[]} tracks @param {number} id @param {number} frame @param {number} next id of the second part
 */
export function split(tracks, id, frame, next) {
  const track = tracks.find((one) => one.id === id);
  if (!track) return tracks;
  const [from, to] = span(track);
  if (frame <= from || frame > to) return tracks;
  const [second] = withSpan([{ ...track, id: next }], next, frame, to);
  return [...withSpan(tracks, id, from, frame - 1), second];
}

/**
 * Two tracks that are one face. What only one covers stays covered, where both do all of both; the
 * frames between them are filled in, unless a scene begins there.
 * @param {Track[]} tracks @param {number} id @param {number} other @param {number[]} cuts
 */
export function merged(tracks, id, other, cuts) {
  const [a, b] = [id, other].map((wanted) => tracks.find((track) => track.id === wanted));
  if (!a || !b) return tracks;
  const boxes = new Map(a.boxes);
  for (const [frame, box] of b.boxes) {
    const there = boxes.get(frame);
    boxes.set(frame, there ? hull(there, box) : box);
  }
  const frames = [...boxes.keys()].sort((x, y) => x - y);
  frames.forEach((frame, i) => {
    const next = frames[i + 1];
    if (next === undefined || next === frame + 1 || cuts.some((cut) => frame < cut && cut <= next)) return;
    const ends = new Map([frame, next].map((end) => [end, /** @type {Box} */ (boxes.get(end))]));
    for (const [between, box] of follow(ends, frame, next)) boxes.set(between, box);
  });
  const seen = new Map([...b.seen, ...a.seen]);
  for (const [frame, face] of seen) seen.set(frame, { ...face, box: /** @type {Box} */ (boxes.get(frame)) });
  // Of a drawn track the key boxes alone count; a mixed one keeps each box as it is.
  const origin = a.origin === "manual" ? b.origin : a.origin;
  const person = a.person === b.person ? a.person : null;
  const one = { ...a, origin, person, keep: a.keep && b.keep, boxes, seen };
  return tracks.flatMap((track) => (track === a ? [one] : track === b ? [] : [track]));
}

/** @param {Box} a @param {Box} b @returns {Box} */
export const hull = (a, b) => ({
  x0: Math.min(a.x0, b.x0),
  y0: Math.min(a.y0, b.y0),
  x1: Math.max(a.x1, b.x1),
  y1: Math.max(a.y1, b.y1),
});

/** First and last frame of a track. @param {Track} track @returns {[number, number]} */
export function span(track) {
  let [from, to] = [Infinity, -Infinity];
  for (const frame of track.boxes.keys()) {
    from = Math.min(from, frame);
    to = Math.max(to, frame);
  }
  return [from, to];
}

/** Is it drawn by hand on some frames alone? One that was followed has boxes of its own on all. @param {Track} track */
export const isKeyed = ({ origin, seen }) => origin === "manual" && [...seen.values()].every(({ score }) => score === 1);

/**
 * The frames between which a box may be followed from one of them: up to the next on which it was
 * set by hand or detected.
 * @param {Track} track @param {number} frame @returns {{first?: number, last?: number}}
 */
export function room(track, frame) {
  /** @type {{first?: number, last?: number}} */
  const found = {};
  for (const [at, { score }] of track.seen) {
    if (track.origin === "manual" && score < 1) continue;
    if (at < frame) found.first = Math.max(found.first ?? 0, at + 1);
    if (at > frame) found.last = Math.min(found.last ?? Infinity, at - 1);
  }
  return found;
}

/**
 * A track with boxes that were followed. Where it was lost it stands still, as far as it was there;
 * where it left the picture it ends.
 * @param {Track[]} tracks @param {number} id @param {Service.Pursued} part
 */
export function withStretch(tracks, id, { way, boxes, seen, ended }) {
  return changed(tracks, id, (track) => {
    const [all, known] = [new Map(track.boxes), new Map(track.seen)];
    const found = byFrame(boxes);
    const sureIn = new Set(seen);
    for (const [frame, box] of found) {
      const there = track.boxes.get(frame);
      // What the detector leads to stays covered, too.
      all.set(frame, there && track.origin !== "manual" ? hull(there, box) : box);
      if (track.origin !== "manual") continue;
      if (sureIn.has(frame)) known.set(frame, { box, score: FOLLOWED, landmarks: null });
      else known.delete(frame);
    }
    if (track.origin === "manual" && found.size && (ended === "lost" || ended === "left")) {
      const end = way === "later" ? Math.max(...found.keys()) : Math.min(...found.keys());
      /** @param {number} frame */
      const beyond = (frame) => (way === "later" ? frame > end : frame < end);
      for (const frame of track.boxes.keys()) {
        if (!beyond(frame)) continue;
        if (ended === "left") all.delete(frame);
        else all.set(frame, /** @type {Box} */ (found.get(end)));
        known.delete(frame);
      }
    }
    return { ...track, boxes: all, seen: known };
  });
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
