// One time that the camera runs: pictures to the service and back, at the size that both keep up with.

import { urls } from "./api.js";
import { el } from "./dom.js";

export const WIDTHS = [320, 480, 640, 960, 1280];
const FIRST_WIDTH = 640;
export const MOST_FPS = 25;
const LEAST_FPS = 15;
/** Bytes that may wait to be sent; more means that the service cannot keep up. */
const MOST_WAITING = 200_000;
/** Every so many milliseconds the size is looked at anew. */
const JUDGED_MS = 3000;
/** Figures are of so many milliseconds. */
const COUNTED_MS = 2000;
const QUALITY = 0.8;
/** How the service says that it watches enough cameras already. */
const BUSY = 1013;

/** @typedef {import("./api.js").Trouble} Trouble */
/** @typedef {{id: string, seconds: number}} Recorded what is being recorded, and how much so far */
/** @typedef {[number, number, number, number][]} Covers left, top, right, bottom of the covered areas */
/** @typedef {{smallest_face: number, faces: number, reason: string, recording: Recorded | null}} Heard what the service tells now and then */
/**
 * @typedef {object} Seen
 * @property {number} fps @property {number} delay in milliseconds
 * @property {number} width @property {number} height
 * @property {number} smallest @property {number} faces
 * @property {string} reason why all of the picture is covered, or ""
 */
/**
 * @typedef {object} Told whom a session tells
 * @property {(seen: Seen) => void} show
 * @property {(covers: Covers, width: number, height: number) => void} covered each time that a picture is shown
 * @property {(recorded: Recorded | null) => void} recording
 * @property {(problem: Trouble) => void} trouble with a recording
 * @property {(problem: Trouble | null) => void} ended
 */

export class CameraSession {
  /** @param {MediaStream} stream @param {object} options @param {HTMLCanvasElement} view @param {Told} told */
  constructor(stream, options, view, told) {
    this.stream = stream;
    this.told = told;
    this.view = view;
    this.pen = context(view);
    this.video = el("video", { muted: true, playsinline: true });
    this.video.muted = true;
    this.video.srcObject = stream;
    this.video.play();
    this.grab = document.createElement("canvas");
    this.level = WIDTHS.indexOf(FIRST_WIDTH);
    /** A person chose the size. */
    this.chosen = false;
    /** @type {Map<number, number>} number of a picture -> when it was taken */
    this.sent = new Map();
    this.number = this.drawn = this.first = 0;
    /** @type {number[]} */
    this.arrived = [];
    /** @type {number[]} */
    this.delays = [];
    this.busy = this.stopped = false;
    /** @type {Trouble | null} */
    this.problem = null;
    /** @type {Covers} */
    this.covers = [];
    /** Wishes that wait for the connection. @type {(string | null)[]} */
    this.wishes = [];
    this.skipped = 0;
    this.calm = 0;
    this.began = this.judged = performance.now();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}${urls.live()}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.socket.send(JSON.stringify(options));
      for (const wish of this.wishes.splice(0)) this.record(wish);
      this.timer = setInterval(() => this.capture(), 1000 / MOST_FPS);
    };
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.hear(data) : this.draw(data, this.covers));
    this.socket.onclose = ({ code }) =>
      this.end(this.problem ?? { type: code === BUSY ? "camera-busy" : "unreachable" });
    for (const track of stream.getTracks()) track.onended = () => this.end();
  }

  /** Send the camera's picture, unless the last ones are still on their way. */
  async capture() {
    if (this.busy || !this.video.videoWidth || this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MOST_WAITING) {
      this.skipped += 1;
      return;
    }
    this.busy = true;
    const began = performance.now();
    const width = Math.min(WIDTHS[this.level], this.video.videoWidth);
    const height = Math.round((width * this.video.videoHeight) / this.video.videoWidth / 2) * 2;
    if (this.grab.width !== width || this.grab.height !== height) {
      this.grab.width = width;
      this.grab.height = height;
    }
    context(this.grab).drawImage(this.video, 0, 0, width, height);
    /** @type {Blob | null} */
    const picture = await new Promise((done) => this.grab.toBlob(done, "image/jpeg", QUALITY));
    const bytes = await picture?.arrayBuffer();
    this.busy = false;
    if (!bytes || this.stopped || this.socket.readyState !== WebSocket.OPEN) return;
    // Milliseconds: the service reads them as the times at which the pictures were taken.
    const number = (this.number = Math.max(this.number + 1, Math.round(began - this.began)));
    const message = new Uint8Array(4 + bytes.byteLength);
    new DataView(message.buffer).setUint32(0, number);
    message.set(new Uint8Array(bytes), 4);
    this.sent.set(number, began);
    this.socket.send(message);
  }

  /** Show a picture that came back. @param {ArrayBuffer} data @param {Covers} covers what is covered in it */
  async draw(data, covers) {
    const number = new DataView(data).getUint32(0);
    const picture = await createImageBitmap(new Blob([new Uint8Array(data, 4)], { type: "image/jpeg" }));
    if (this.stopped || number < this.drawn) return picture.close();
    this.drawn = number;
    if (this.view.width !== picture.width || this.view.height !== picture.height) {
      this.view.width = picture.width;
      this.view.height = picture.height;
    }
    this.pen.drawImage(picture, 0, 0);
    this.told.covered(covers, picture.width, picture.height);
    picture.close();
    const now = performance.now();
    const began = this.sent.get(number);
    for (const old of this.sent.keys()) if (old <= number) this.sent.delete(old);
    if (began !== undefined) this.delays.push(now - began);
    if (this.delays.length > 50) this.delays.shift();
    this.arrived.push(now);
    this.first ||= now;
    this.judge(now);
  }

  /** @param {string} text */
  hear(text) {
    const heard = JSON.parse(text);
    if (this.stopped) return;
    if (heard.problem) {
      this.problem = heard.problem;
      return;
    }
    if (heard.covers) {
      this.covers = heard.covers;
      return;
    }
    // The list of recordings asks for itself; there are no figures in it.
    if (heard.recorded) return;
    if (heard.trouble) return this.told.trouble(heard.trouble);
    this.told.recording(heard.recording);
    if (!this.arrived.length) return;
    this.told.show({
      fps: this.fps(),
      delay: this.delay(),
      width: this.view.width,
      height: this.view.height,
      smallest: heard.smallest_face,
      faces: heard.faces,
      reason: heard.reason,
    });
  }

  /** Of the last seconds, up to now: some that come in a hurry after a pause are not many. */
  fps() {
    const now = performance.now();
    while (this.arrived[0] < now - COUNTED_MS) this.arrived.shift();
    return (this.arrived.length * 1000) / Math.min(COUNTED_MS, Math.max(now - this.first, 1000));
  }

  delay() {
    return [...this.delays].sort((a, b) => a - b)[Math.floor(this.delays.length / 2)] ?? 0;
  }

  /** Smaller pictures where it does not keep up, larger ones where it long has. @param {number} now */
  judge(now) {
    if (this.chosen || now - this.judged < JUDGED_MS) return;
    this.judged = now;
    const slow = this.fps() < LEAST_FPS || this.skipped > 2;
    this.skipped = 0;
    this.calm = slow || this.fps() < MOST_FPS - 3 ? 0 : this.calm + 1;
    if (slow && this.level > 0) this.level -= 1;
    else if (this.calm >= 3 && this.level < WIDTHS.length - 1) {
      this.level += 1;
      this.calm = 0;
    }
  }

  /** Send pictures of this width; null: as large as the service keeps up. @param {number | null} width */
  resize(width) {
    this.chosen = width !== null;
    this.level = WIDTHS.indexOf(width ?? FIRST_WIDTH);
  }

  /** Have what comes back recorded by the service. @param {string | null} wish "": anew; the id of a recording: go on with it; null: end it */
  record(wish) {
    if (this.socket.readyState === WebSocket.CONNECTING) this.wishes.push(wish);
    else if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ record: wish }));
  }

  /** @param {Trouble | null} problem */
  end(problem = null) {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.timer);
    this.told.recording(null);
    for (const track of this.stream.getTracks()) track.stop();
    this.socket.close();
    this.told.ended(problem);
  }
}

/** @param {HTMLCanvasElement} canvas */
const context = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
