// What is being edited: the tracks with their history, the frame shown, the face selected.

import { central, isLargeEnough } from "./geometry.js";
import { History } from "./history.js";
import { sceneOf } from "./interpolate.js";
import * as edit from "./tracks.js";

export class Model {
  #history;
  #listeners = new Set();

  /** @param plan as the service sends it */
  constructor(plan) {
    this.plan = plan;
    this.size = { width: plan.media.width, height: plan.media.height };
    this.frames = plan.pts.length;
    this.frame = 0;
    this.selected = null;
    this.#history = new History(edit.fromPlan(plan));
  }

  /** @param {(what: "tracks" | "frame" | "selected") => void} listener */
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

  track(id) {
    return this.tracks.find((track) => track.id === id);
  }

  /** The tracks that have a box on the frame shown. */
  get present() {
    return this.tracks.filter((track) => track.boxes.has(this.frame));
  }

  /** Seconds from the first frame. */
  seconds(frame) {
    const [numerator, denominator = 1] = String(this.plan.time_base).split("/").map(Number);
    return ((this.plan.pts[frame] - this.plan.pts[0]) * numerator) / denominator;
  }

  go(frame) {
    const next = Math.min(Math.max(Math.round(frame), 0), this.frames - 1);
    if (next === this.frame) return;
    this.frame = next;
    this.#tell("frame");
  }

  select(id) {
    if (id === this.selected) return;
    this.selected = id;
    this.#tell("selected");
  }

  toggle(id) {
    this.#change(edit.withKeep(this.tracks, id, !this.track(id).keep));
  }

  setAll(keep) {
    this.#change(this.tracks.map((track) => (track.keep === keep ? track : { ...track, keep })));
  }

  remove(id) {
    if (this.selected === id) this.selected = null;
    this.#change(edit.removed(this.tracks, id));
  }

  /**
   * A new box on the frame shown, in a video held over the whole scene: when unsure, cover.
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

  /** Several new tracks in one step, see `asTracks`. */
  addAll(made) {
    const first = this.#freeId();
    const tracks = made.map(({ keys, span }, i) => edit.drawn(first + i, keys, span));
    if (tracks.length) this.#change([...this.tracks, ...tracks]);
  }

  /** @param tag see History.push */
  setBox(id, box, tag = null) {
    this.#change(edit.withBox(this.tracks, id, this.frame, box), tag && `${tag} ${id} ${this.frame}`);
  }

  removeKey(id) {
    this.#change(edit.withoutKey(this.tracks, id, this.frame));
  }

  /** Let a track drawn by hand begin or end at the frame shown. */
  bound(id, end) {
    const [from, to] = edit.span(this.track(id));
    const span = end === "from" ? [this.frame, Math.max(to, this.frame)] : [Math.min(from, this.frame), this.frame];
    this.#change(edit.withSpan(this.tracks, id, ...span));
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

  #change(tracks, tag = null) {
    this.#history.push(tracks, tag);
    this.#settled();
  }

  #settled() {
    if (this.selected !== null && !this.track(this.selected)) this.selected = null;
    this.#tell("tracks");
  }

  #tell(what) {
    for (const listener of this.#listeners) listener(what);
  }
}
