// What is being edited: the tracks with their history, the frame shown, the face selected.

import { timesOf } from "../times.js";
import { central, isLargeEnough } from "./geometry.js";
import { History } from "./history.js";
import { sceneOf } from "./interpolate.js";
import * as persons from "./persons.js";
import { Seeker } from "./seeker.js";
import * as edit from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {"tracks" | "frame" | "selected" | "playing"} What has changed; playing: the frame, and soon again */
/** @typedef {import("./seeker.js").Sought} Sought */

export class Model {
  history;
  #times;
  #seeker = new Seeker((frame) => this.seconds(frame));
  /** @type {Set<(what: What) => void>} */
  #listeners = new Set();

  /**
   * @param {Service.Plan} plan as the service sends it
   * @param {edit.Edits | null} [edits] that were made in an earlier review, and can be undone
   */
  constructor(plan, edits = null) {
    this.plan = plan;
    /** What each frame of a document is; empty for pictures and videos. */
    this.parts = plan.media.parts;
    this.frames = plan.pts.length;
    this.frame = 0;
    /** @type {number | null} */
    this.selected = null;
    /** The track that the next one picked is joined to. @type {number | null} */
    this.merging = null;
    this.#times = timesOf(plan);
    this.history = new History(edit.fromPlan(plan));
    if (edits) this.history.push(edit.withEdits(this.tracks, edits));
  }

  /** @param {(what: What) => void} listener */
  listen(listener) {
    this.#listeners.add(listener);
  }

  get tracks() {
    return this.history.state;
  }

  get changed() {
    return this.history.changed;
  }

  /** What was changed, as a draft has it. */
  get edits() {
    return edit.differences(this.history.origin, this.tracks);
  }

  get canUndo() {
    return this.history.canUndo;
  }

  get canRedo() {
    return this.history.canRedo;
  }

  /** @param {number} id */
  has(id) {
    return this.tracks.some((track) => track.id === id);
  }

  /** The track with an id that there is. @param {number} id */
  track(id) {
    return /** @type {Track} */ (this.tracks.find((track) => track.id === id));
  }

  /** Pages and pictures have sizes of their own. */
  get size() {
    const { width, height } = this.parts[this.frame] ?? this.plan.media;
    return { width, height };
  }

  /** Frames that have nothing to do with each other, gone through one by one. */
  get paged() {
    return this.parts.length > 0;
  }

  /** Frames over time. */
  get isVideo() {
    return this.frames > 1 && !this.paged;
  }

  /** How many faces are hidden, and how many stay visible. */
  get counts() {
    const kept = this.tracks.filter((track) => track.keep).length;
    return { hidden: this.tracks.length - kept, kept };
  }

  /** The tracks that have a box on the frame shown. */
  get present() {
    return this.tracks.filter((track) => track.boxes.has(this.frame));
  }

  /** Seconds from the first frame. @param {number} frame */
  seconds(frame) {
    return this.#times(frame);
  }

  /** @param {number} frame @param {"frame" | "playing"} how */
  go(frame, how = "frame") {
    const next = Math.max(0, Math.min(Math.round(frame), this.frames - 1));
    // Whoever goes where the film stands wants it to stay there.
    if (!this.frames || (next === this.frame && how === "playing")) return;
    this.frame = next;
    this.#tell(how);
  }

  /** What played stands still at the frame shown. */
  stay() {
    this.#tell("frame");
  }

  /** The nearest frame with what is sought before or after the one shown, or null. @param {Sought} what @param {1 | -1} way */
  nearest(what, way) {
    return this.#seeker.nearest(this.tracks, this.frame, what, way);
  }

  /** Go there, if there is one. @param {Sought} what @param {1 | -1} way */
  seekTo(what, way) {
    this.go(this.nearest(what, way) ?? this.frame);
  }

  /** Select on purpose; joins it to the one that waits for that. @param {number | null} id */
  pick(id) {
    const first = this.merging;
    this.merging = null;
    if (first === null || id === null || id === first || !this.has(first)) return this.select(id);
    this.selected = first;
    this.#change(edit.merged(this.tracks, first, id, this.plan.cuts));
  }

  /** The next one picked is joined to this; called again, it is not. @param {number} id */
  merge(id) {
    this.merging = this.merging === id ? null : id;
    this.#tell("selected");
  }

  /** A track of its own from the frame shown on. @param {number} id */
  split(id) {
    this.#change(edit.split(this.tracks, id, this.frame, this.#freeId()));
  }

  /** @param {number | null} id */
  select(id) {
    if (id === this.selected) return;
    this.selected = id;
    this.#tell("selected");
  }

  /** @param {number} id */
  toggle(id) {
    this.#change(edit.withKeep(this.tracks, id, !this.track(id).keep));
  }

  /** Hide all others. @param {number} person */
  only(person) {
    this.#change(persons.withOnly(this.tracks, person));
  }

  /** Hide all but the person of a face. @param {number} id */
  onlyThis(id) {
    this.#change(persons.withOnlyThis(this.tracks, id));
  }

  /** Hide the person of a face wherever that is, or the face alone. @param {number} id */
  hideEverywhere(id) {
    const person = this.personOf(id);
    this.#change(person === null ? edit.withKeep(this.tracks, id, false) : persons.withPerson(this.tracks, person, false));
  }

  /** @param {number} id */
  personOf(id) {
    return persons.personOf(this.track(id));
  }

  /** It is this person; null: somebody else. @param {number} id @param {number | null} person */
  moveTo(id, person) {
    if (person === null) return this.pullOut(id);
    this.#change(persons.movedTo(this.tracks, (track) => track.id === id, person));
  }

  /** Two cards are one person. @param {number} person @param {number} into */
  joinPersons(person, into) {
    this.#change(persons.joined(this.tracks, person, into));
  }

  /** @param {number} person @param {boolean} keep */
  setPerson(person, keep) {
    this.#change(persons.withPerson(this.tracks, person, keep));
  }

  /** It is somebody else. @param {number} id */
  pullOut(id) {
    this.#change(persons.pulledOut(this.tracks, id));
  }

  /** @param {boolean} keep */
  setAll(keep) {
    this.#change(this.tracks.map((track) => edit.asKept(track, keep)));
  }

  /** There is no face here. What the check has added it would find again, so it is left visible. @param {number} id */
  remove(id) {
    if (this.track(id).origin === "checked") return this.#change(edit.withKeep(this.tracks, id, true));
    if (this.selected === id) this.selected = null;
    this.#change(edit.removed(this.tracks, id));
  }

  /**
   * A new box on the frame shown, in a video held over the whole scene: when unsure, cover.
   * @param {Box} box @returns the id of its track, or null if the box is too small to be meant
   */
  add(box = central(this.size)) {
    if (!this.frames || !isLargeEnough(box)) return null;
    const id = this.#freeId();
    const scene = sceneOf(this.frame, this.plan.cuts, this.frames);
    this.selected = id;
    this.#change([...this.tracks, edit.drawn(id, new Map([[this.frame, box]]), scene)]);
    return id;
  }

  /** Several new tracks in one step, see `asTracks`. @param {import("./missed.js").Drawn[]} made */
  addAll(made) {
    const first = this.#freeId();
    if (made.length) this.#change([...this.tracks, ...made.map(({ keys, span }, i) => edit.drawn(first + i, keys, span))]);
  }

  /** @param {number} id @param {Box} box @param {string | null} tag see History.push */
  setBox(id, box, tag = null) {
    this.#change(edit.withBox(this.tracks, id, this.frame, box), tag && `${tag} ${id} ${this.frame}`);
  }

  /** Some frames more of a box that is followed; all of a pursuit are undone in one step. @param {number} id @param {Service.Pursued} part @param {string} pursuit */
  stretch(id, part, pursuit) {
    this.#change(edit.withStretch(this.tracks, id, part), pursuit, Infinity);
  }

  /** @param {number} id */
  removeKey(id) {
    this.#change(edit.withoutKey(this.tracks, id, this.frame));
  }

  /** Let a track begin or end at the frame shown. @param {number} id @param {"from" | "to"} end */
  bound(id, end) {
    const [from, to] = edit.span(this.track(id));
    const { frame: now } = this;
    const [first, last] = end === "from" ? [now, Math.max(to, now)] : [Math.min(from, now), now];
    this.#change(edit.withSpan(this.tracks, id, first, last));
  }

  undo() {
    if (this.history.undo()) this.#settled();
  }

  redo() {
    if (this.history.redo()) this.#settled();
  }

  /** Everything as the plan has it; an edit like others, that can be undone. */
  reset() {
    this.#change(this.history.origin);
  }

  toPlan() {
    return edit.toPlan(this.plan, this.tracks);
  }

  /** Of no track here, nor of one that an undo may bring back. */
  #freeId() {
    return edit.nextId([...this.tracks, ...this.plan.tracks]);
  }

  /** @param {Track[]} tracks @param {string | null} tag @param {number} [within] see History.push */
  #change(tracks, tag = null, within) {
    // What changes nothing is no step to go back.
    const same = tracks.length === this.tracks.length && tracks.every((track, i) => track === this.tracks[i]);
    if (!same) this.history.push(tracks, tag, undefined, within);
    this.#settled();
  }

  #settled() {
    if (this.selected !== null && !this.has(this.selected)) this.selected = null;
    this.#tell("tracks");
  }

  /** @param {What} what */
  #tell(what) {
    for (const listener of this.#listeners) listener(what);
  }
}
