// Who is who among the tracks of a plan, where people were told apart. Pure functions, as in tracks.js.

import { asKept } from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */

/** Reasons why a track may be somebody else's than the person with its number. @type {Set<string>} */
const UNSURE = new Set(["unsure", "small", "turned", "few", "unseen", "crossing"]);

/**
 * The number of the person that a track is certainly of, or null.
 * @param {Track} track
 */
export const personOf = ({ person, why }) => (UNSURE.has(why ?? "") ? null : person ?? null);

/**
 * One person visible and everybody else hidden, also those of whom nobody knows who they are.
 * @param {Track[]} tracks @param {number} person
 */
export const withOnly = (tracks, person) =>
  tracks.map((track) => asKept(track, personOf(track) === person));

/**
 * The same for a face: its person's, or of one whom nobody knows, that face alone.
 * @param {Track[]} tracks @param {number} id
 */
export function withOnlyThis(tracks, id) {
  const person = personWith(tracks, id);
  return person === null ? tracks.map((track) => asKept(track, track.id === id)) : withOnly(tracks, person);
}

/** @param {Track[]} tracks @param {number} person @param {boolean} keep */
export const withPerson = (tracks, person, keep) =>
  tracks.map((track) => (personOf(track) === person ? asKept(track, keep) : track));

/**
 * A track that is somebody else's: it no longer goes with the person, and is hidden.
 * @param {Track[]} tracks @param {number} id
 */
export const pulledOut = (tracks, id) =>
  tracks.map((track) => (track.id === id ? { ...track, person: null, keep: false, why: own(track) } : track));

/**
 * Tracks that a person says are somebody's. They become visible or hidden as all others of that
 * person are; of one of whom a part is hidden, they are hidden. `moved` tells the report who decided.
 * @param {Track[]} tracks @param {(track: Track) => boolean} which @param {number} person
 */
export function movedTo(tracks, which, person) {
  const there = tracks.filter((track) => personOf(track) === person && !which(track));
  const keep = there.every((track) => track.keep);
  /** @param {Track} track @returns {Track} */
  const moved = (track) => ({ ...track, person, why: "moved", keep: there.length ? keep : track.keep });
  return tracks.map((track) => (which(track) && personOf(track) !== person ? moved(track) : track));
}

/** All of one person's tracks are another's. @param {Track[]} tracks @param {number} person @param {number} into */
export const joined = (tracks, person, into) => movedTo(tracks, (track) => personOf(track) === person, into);

/** A number that no track has. @param {Track[]} tracks */
export const newPerson = (tracks) => Math.max(0, ...tracks.map(({ person }) => person ?? 0)) + 1;

/** @param {Track[]} tracks @param {number} id */
function personWith(tracks, id) {
  const track = tracks.find((one) => one.id === id);
  return track ? personOf(track) : null;
}

/** The reason without a move that was taken back. @param {Track} track */
const own = ({ why }) => (why === "moved" ? "" : why);

/** The tracks of each person, by their numbers; none where people were not told apart. @param {Track[]} tracks */
export function personsIn(tracks) {
  /** @type {Map<number, Track[]>} */
  const people = new Map();
  for (const track of tracks) {
    const person = personOf(track);
    if (person !== null) people.set(person, [...(people.get(person) ?? []), track]);
  }
  return new Map([...people].sort(([a], [b]) => a - b));
}

/** When any of some tracks is there, and seen. @param {Track[]} tracks */
export function together(tracks) {
  /** @type {Pick<Track, "boxes" | "seen">} */
  const one = { boxes: new Map(), seen: new Map() };
  for (const { boxes, seen } of tracks) {
    for (const [frame, box] of boxes) one.boxes.set(frame, box);
    for (const [frame, face] of seen) one.seen.set(frame, face);
  }
  return one;
}

/** Seconds in which it is there. @param {import("./model.js").Model} model @param {Pick<Track, "boxes">} whole */
export function secondsOf(model, { boxes }) {
  const last = model.frames - 1;
  const mean = model.seconds(last) / Math.max(1, last);
  let sum = 0;
  for (const at of boxes.keys()) sum += at < last ? model.seconds(at + 1) - model.seconds(at) : mean;
  return sum;
}
