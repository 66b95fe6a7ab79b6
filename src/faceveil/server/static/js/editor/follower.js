// A box in a video goes along with what it was drawn around, both ways, until it is told to stop.

import { followBox } from "../api.js";
import { button, el, keysLeave } from "../dom.js";
import { timecode } from "../format.js";
import { say } from "../i18n.js";
import { icon } from "../icons.js";
import { complain } from "../toast.js";
import { nameOf } from "./names.js";
import { room } from "./tracks.js";

/** Each time the boxes change they are kept, which takes a while for many. */
const PAUSE_MS = 600;
/** Endings that a person should look at. */
const TOLD = new Set(["lost", "left", "long"]);

/** @typedef {import("./tracks.js").Track} Track */

export class Follower {
  #pursuits = 0;
  /** @type {AbortController | null} */
  #under_way = null;
  /** The track as it was left here; whoever changes it otherwise ends the pursuit. @type {Track | null} */
  #left = null;
  #id = -1;
  #telling = false;

  /** @param {import("./model.js").Model} model @param {import("../api.js").Known} job */
  constructor(model, job) {
    this.model = model;
    this.job = job;
    this.said = el("span", { class: "small", role: "status" });
    this.places = el("span", { class: "row" });
    this.stopping = button("editor.follow.stop", icon("cross"), () => this.stop(), { kind: "quiet" });
    this.node = el("div", { class: "row following", hidden: true }, this.said, this.places, this.stopping);
    model.listen((what) => {
      if (what !== "tracks" || this.#telling || !this.#under_way) return;
      if (!model.has(this.#id) || model.track(this.#id) !== this.#left) this.stop();
    });
  }

  /** Follow a track from the frame shown, or stop following it. @param {number} id */
  toggle(id) {
    if (this.#under_way && this.#id === id) this.stop();
    else this.start(id);
  }

  stop() {
    this.#under_way?.abort();
  }

  /** @param {number} id */
  async start(id) {
    const { model } = this;
    const { frame } = model;
    const track = model.track(id);
    const box = track.boxes.get(frame);
    this.stop();
    if (!box || !model.isVideo) return;
    const under_way = new AbortController();
    this.#pursuits += 1;
    const pursuit = `follow ${this.#pursuits}`;
    [this.#under_way, this.#id, this.#left] = [under_way, id, track];
    this.node.hidden = false;
    this.stopping.hidden = false;
    keysLeave(this.places);
    this.places.replaceChildren();
    const reached = { first: frame, last: frame };
    /** @type {Service.Pursued[]} */
    let waiting = [];
    let shown = 0;
    const name = () => nameOf(track);
    const where = () => ({ name, from: timecode(model.seconds(reached.first)), to: timecode(model.seconds(reached.last)) });
    say(this.said, "editor.follow.going", where());
    const show = () => {
      shown = Date.now();
      for (const part of waiting) {
        this.#telling = true;
        model.stretch(id, part, pursuit);
        this.#telling = false;
        this.#left = model.track(id);
        if (part.way === "later") reached.last = part.at;
        else reached.first = part.at;
        if (TOLD.has(part.ended)) this.#tell(part);
      }
      waiting = [];
      say(this.said, "editor.follow.going", where());
    };
    let told = "editor.follow.done";
    try {
      await followBox(
        this.job,
        { frame, box, ...room(track, frame) },
        (part) => {
          if (under_way.signal.aborted) return;
          waiting.push(part);
          if (Date.now() - shown >= PAUSE_MS) show();
        },
        under_way.signal,
      );
    } catch (error) {
      told = "editor.follow.stopped";
      if (!under_way.signal.aborted) complain(error);
    }
    if (this.#under_way !== under_way) return;
    if (!under_way.signal.aborted) show();
    this.#under_way = null;
    keysLeave(this.stopping);
    this.stopping.hidden = true;
    say(this.said, told, where());
  }

  /** Why it is not followed further, and the way there. @param {Service.Pursued} part */
  #tell({ way, ended, at }) {
    const there = button(`editor.follow.${ended}.${way}`, icon(ended === "left" ? "from" : "warning"), () => this.model.go(at), {
      kind: "quiet",
      params: { time: timecode(this.model.seconds(at)) },
    });
    this.places.append(there);
  }
}
