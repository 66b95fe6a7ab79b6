// Plays a film with its sound: in the browser's own player where it can show it, else one picture
// after the other, as fast as they come.

import { el } from "./dom.js";
import { frameAt } from "./times.js";

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
const LOAD_MS = 10_000;
const FIRST_PICTURE_MS = 500;
/** Frames a second where nothing tells how long the film is. */
const USUAL_RATE = 25;

/**
 * @typedef {object} Film
 * @property {string} url of the file
 * @property {number} frames
 * @property {() => Promise<import("./times.js").Times | null>} times null: evenly spread
 * @property {(frame: number) => Promise<void>} look shows one picture, as when nothing plays
 * @property {(frame: number) => void} at told which frame is shown while it plays
 * @property {() => Promise<void>} rest told that it stands; resolves when the picture of its frame is there
 */

export class Player {
  #film;
  #frame = 0;
  /** Goes up with each start and stop: what was begun before it is over. */
  #turn = 0;
  /** @type {Promise<void> | null} */
  #loading = null;
  /** @type {import("./times.js").Times} */
  #times = (frame) => frame / USUAL_RATE;
  /** Time of the first picture in the browser's player, in seconds. */
  #start = 0;
  #speed = 1;
  playing = false;
  /** What the browser can do with the file. */
  can = { show: true, sound: true };
  /** @type {() => void} */
  told = () => {};

  /** @param {Film} film */
  constructor(film) {
    this.#film = film;
    this.node = el("video", { class: "film", preload: "none", playsinline: true, "aria-hidden": "true", tabindex: -1 });
    this.node.addEventListener("ended", () => this.#end());
  }

  get speed() {
    return this.#speed;
  }

  set speed(speed) {
    this.#speed = speed;
    if (this.playing && !this.can.show) this.play(this.#frame);
    else this.node.playbackRate = speed;
  }

  /** @param {number} from frame; at the last one it begins anew */
  toggle(from) {
    if (this.playing) this.pause();
    else this.play(from);
  }

  /** @param {number} from */
  async play(from) {
    const turn = ++this.#turn;
    this.playing = true;
    this.#frame = from < this.#film.frames - 1 ? from : 0;
    this.told();
    await (this.#loading ??= this.#load());
    if (turn !== this.#turn) return;
    const { node } = this;
    if (this.can.sound) {
      node.playbackRate = this.#speed;
      const length = this.#times(this.#frame + 1) - this.#times(this.#frame);
      // Into the frame: rounded down, its very beginning would be the one before.
      node.currentTime = this.#start + this.#times(this.#frame) + Math.min(length, 1 / USUAL_RATE) / 2;
      await node.play().catch(() => this.#without());
    }
    if (turn !== this.#turn) return;
    this.told();
    if (this.can.show) this.#follow(turn);
    else this.#leaf(turn);
  }

  pause() {
    if (!this.playing) return;
    const turn = ++this.#turn;
    this.playing = false;
    this.node.pause();
    this.told();
    this.#film.rest().finally(() => {
      if (turn === this.#turn) this.node.classList.remove("on");
    });
  }

  /** Of the last pictures a busy browser does not always tell. */
  #end() {
    if (this.playing && this.can.show) {
      this.#frame = this.#film.frames - 1;
      this.#film.at(this.#frame);
    }
    this.pause();
  }

  /** Let go of the file. */
  close() {
    this.#turn += 1;
    this.playing = false;
    this.node.removeAttribute("src");
    this.node.load();
  }

  async #load() {
    const { node } = this;
    const loaded = new Promise((resolve) => {
      for (const kind of ["loadeddata", "error"]) node.addEventListener(kind, () => resolve(kind), { once: true });
    });
    const first = new Promise((resolve) => onPicture(node, resolve));
    node.preload = "auto";
    node.src = this.#film.url;
    const known = this.#film.times().catch(() => null);
    // WebKit without the codec tells of neither.
    const heard = (await Promise.race([loaded, after(LOAD_MS, "late")])) === "loadeddata";
    this.can = { show: heard && node.videoWidth > 0, sound: heard };
    if (this.can.show) this.#start = await Promise.race([first, after(FIRST_PICTURE_MS, 0)]);
    const even = Number.isFinite(node.duration) ? node.duration / this.#film.frames : 1 / USUAL_RATE;
    this.#times = (await known) ?? ((frame) => frame * even);
    node.addEventListener("error", () => this.playing && this.pause());
  }

  /** Nothing can be heard or shown after all. */
  #without() {
    this.can = { show: false, sound: false };
  }

  /** Tell which frame the browser shows. @param {number} turn */
  #follow(turn) {
    onPicture(this.node, (second) => {
      if (turn !== this.#turn) return;
      this.#frame = frameAt(this.#times, this.#film.frames, second - this.#start);
      this.#film.at(this.#frame);
      this.node.classList.add("on");
      this.#follow(turn);
    });
  }

  /** Show one picture after the other, by the clock of the sound if there is one. @param {number} turn */
  async #leaf(turn) {
    const [began, from] = [performance.now(), this.#times(this.#frame)];
    const clock = () =>
      this.can.sound ? this.node.currentTime - this.#start : from + ((performance.now() - began) / 1000) * this.#speed;
    // The browser ends its own player where the page takes it away.
    while (turn === this.#turn && this.node.isConnected) {
      const next = frameAt(this.#times, this.#film.frames, clock());
      await this.#film.look(next);
      if (turn !== this.#turn) return;
      this.#frame = next;
      this.#film.at(next);
      if (next === this.#film.frames - 1) return this.pause();
      await new Promise(requestAnimationFrame);
    }
  }
}

/** The time of the next picture that is shown. @param {HTMLVideoElement} video @param {(second: number) => void} then */
function onPicture(video, then) {
  if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback((_, { mediaTime }) => then(mediaTime));
  else requestAnimationFrame(() => then(/** @type {HTMLVideoElement} */ (video).currentTime));
}

/** @template T @param {number} ms @param {T} value @returns {Promise<T>} */
const after = (ms, value) => new Promise((resolve) => setTimeout(() => resolve(value), ms));
