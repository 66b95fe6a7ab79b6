// What is being edited: the tracks with their history, the frame shown, the face selected.

import { central, isLargeEnough } from "./geometry.js";
import { History } from "./history.js";
import { sceneOf } from "./interpolate.js";
import * as edit from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {"tracks" | "frame" | "selected"} What has changed */

export class Model {
  #history;
  /** @type {Set<(what: What) => void>} */
  #listeners = new Set();

  /** @param {Service.Plan} plan as the service sends it */
  constructor(plan) {
    this.plan = plan;
    this.size = { width: plan.media.width, height: plan.media.height };
    this.frames = plan.pts.length;
    this.frame = 0;
    /** @type {number | null} */
    this.selected = null;
    this.#history = new History(edit.fromPlan(plan));
  }

  /** @param {(what: What) => void} listener */
  listen(listener) {
    this.#listeners.add(listener);
  }

  get tracks() {
    return this.#history.state;
  }

  get changed() {
    return this.#history.changed;
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  /** @param {number} id */
  has(id) {
    return this.tracks.some((track) => track.id === id);
  }

  /** The track with an id that there is. @param {number} id */
  track(id) {
    return /** @type {Track} */ (this.tracks.find((track) => track.id === id));
  }

  /** The tracks that have a box on the frame shown. */
  get present() {
    return this.tracks.filter((track) => track.boxes.has(this.frame));
  }

  /** Seconds from the first frame. @param {number} frame */
  seconds(frame) {
    const [numerator, denominator = 1] = String(this.plan.time_base).split("/").map(Number);
    return ((this.plan.pts[frame] - this.plan.pts[0]) * numerator) / denominator;
  }

  /** @param {number} frame */
  go(frame) {
    const next = Math.min(Math.max(Math.round(frame), 0), this.frames - 1);
    if (next === this.frame) return;
    this.frame = next;
    this.#tell("frame");
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

  /** @param {boolean} keep */
  setAll(keep) {
    this.#change(this.tracks.map((track) => (track.keep === keep ? track : { ...track, keep })));
  }

  /** @param {number} id */
  remove(id) {
    if (this.selected === id) this.selected = null;
    this.#change(edit.removed(this.tracks, id));
  }

  /**
   * A new box on the frame shown, in a video held over the whole scene: when unsure, cover.
   * @param {Box} box
   * @returns the id of its track, or null if the box is too small to be meant
   */
  add(box = central(this.size)) {
    if (!isLargeEnough(box)) return null;
    const id = this.#freeId();
    const scene = sceneOf(this.frame, this.plan.cuts, this.frames);
    this.selected = id;
    this.#change([...this.tracks, edit.drawn(id, new Map([[this.frame, box]]), scene)]);
    return id;
  }

  /** Several new tracks in one step, see `asTracks`. @param {import("./missed.js").Drawn[]} made */
  addAll(made) {
    const first = this.#freeId();
    const tracks = made.map(({ keys, span }, i) => edit.drawn(first + i, keys, span));
    if (tracks.length) this.#change([...this.tracks, ...tracks]);
  }

  /** @param {number} id @param {Box} box @param {string | null} tag see History.push */
  setBox(id, box, tag = null) {
    this.#change(edit.withBox(this.tracks, id, this.frame, box), tag && `${tag} ${id} ${this.frame}`);
  }

  /** @param {number} id */
  removeKey(id) {
    this.#change(edit.withoutKey(this.tracks, id, this.frame));
  }

  /** Let a track drawn by hand begin or end at the frame shown. @param {number} id @param {"from" | "to"} end */
  bound(id, end) {
    const [from, to] = edit.span(this.track(id));
    const now = this.frame;
    const [first, last] = end === "from" ? [now, Math.max(to, now)] : [Math.min(from, now), now];
    this.#change(edit.withSpan(this.tracks, id, first, last));
  }

  undo() {
    if (this.#history.undo()) this.#settled();
  }

  redo() {
    if (this.#history.redo()) this.#settled();
  }

  toPlan() {
    return edit.toPlan(this.plan, this.tracks);
  }

  /** Of no track here, nor of one that an undo may bring back. */
  #freeId() {
    return edit.nextId([...this.tracks, ...this.plan.tracks]);
  }

  /** @param {Track[]} tracks @param {string | null} tag */
  #change(tracks, tag = null) {
    this.#history.push(tracks, tag);
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
