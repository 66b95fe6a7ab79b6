// Where in a video or document a person who reviews should go on.

import { stretches } from "./interpolate.js";
import { isKeyed, span } from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {"face" | "gap" | "doubt"} Sought a face, a stretch in which one was not seen, or one that may be none */

/** A face is covered without having been seen between any two looks; this long, somebody should look. */
const LONG_S = 0.5;
/** A track that the detector was never surer of may be no face. */
const UNSURE = 0.6;

export class Seeker {
  #seconds;
  /** At each step through hours of video the same is asked anew. @type {Track[]} */
  #of = [];
  /** @type {Map<Sought, number[]>} */
  #known = new Map();

  /** @param {(frame: number) => number} seconds from the first frame to another */
  constructor(seconds) {
    this.#seconds = seconds;
  }

  /**
   * The nearest frame with what is sought before or after another, or null.
   * @param {Track[]} tracks @param {number} from @param {Sought} what @param {1 | -1} way
   */
  nearest(tracks, from, what, way) {
    if (tracks !== this.#of) {
      this.#of = tracks;
      this.#known.clear();
    }
    const places = this.#known.get(what) ?? this.#places(tracks, what);
    this.#known.set(what, places);
    // One by one: there may be more than a call can take.
    let least = Infinity;
    for (const frame of places) {
      const far = (frame - from) * way;
      if (far > 0 && far < least) least = far;
    }
    return least < Infinity ? from + way * least : null;
  }

  /** Frames in which that is, of stretches the first. @param {Track[]} tracks @param {Sought} what */
  #places(tracks, what) {
    if (what === "face") return tracks.flatMap((track) => [...track.boxes.keys()]);
    if (what === "doubt") {
      const unsure = tracks.filter(
        ({ origin, seen }) =>
          origin === "checked" || (origin === "detected" && ![...seen.values()].some(({ score }) => score >= UNSURE)),
      );
      return unsure.map((track) => span(track)[0]);
    }
    return tracks
      .filter((track) => !track.keep && !isKeyed(track))
      .flatMap((track) => stretches(track))
      .filter(({ from, to, seen }) => !seen && this.#seconds(to) - this.#seconds(from) >= LONG_S)
      .map(({ from }) => from);
  }
}
