// The picture with its boxes. Each box is a button: Tab finds it, Space keeps or hides the face.

import { urls } from "../api.js";
import { el } from "../dom.js";
import { bind } from "../i18n.js";
import { LatestImage } from "../latest.js";
import { gestures } from "./drag.js";
import { nameOf } from "./names.js";

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const ZOOMS = [1, 1.5, 2, 3, 4, 6];
const WIDEST = 3840;
const ROOMY_PX = 56;

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("./geometry.js").Box} Box */

export class Stage {
  /** @type {Map<number, HTMLElement>} */
  #boxes = new Map();
  #zoom = 0;
  #asked = 0;

  /** @param {import("./model.js").Model} model @param {{id: string}} job */
  constructor(model, job) {
    this.model = model;
    this.job = job;
    this.image = new LatestImage((frame) => urls.frame(job, frame, "original", this.#asked), "editor.picture");
    this.layer = el("div", { class: "layer" });
    this.ghosted = el("div", { class: "face-box ghost" });
    this.stage = el("div", { class: "stage" }, this.image.node, this.layer);
    this.node = el("div", { class: "viewport" }, this.stage);
    this.stage.style.aspectRatio = `${model.size.width} / ${model.size.height}`;
    gestures(this, model);
    model.listen((what) => {
      if (what === "frame") this.#showFrame();
      this.render();
    });
    this.watcher = new ResizeObserver(() => this.#fit());
    this.watcher.observe(this.node);
    this.render();
  }

  close() {
    this.watcher.disconnect();
  }

  /** Pixels of the picture under a pointer. @param {MouseEvent} event */
  point(event) {
    const place = this.layer.getBoundingClientRect();
    const { width, height } = this.model.size;
    return {
      x: ((event.clientX - place.left) / place.width) * width,
      y: ((event.clientY - place.top) / place.height) * height,
    };
  }

  /** @param {number} by */
  zoom(by) {
    const before = this.#zoom;
    this.#zoom = Math.min(Math.max(before + by, 0), ZOOMS.length - 1);
    const middle = [this.node.scrollLeft + this.node.clientWidth / 2, this.node.scrollTop + this.node.clientHeight / 2];
    this.#fit();
    const grown = ZOOMS[this.#zoom] / ZOOMS[before];
    this.node.scrollTo(middle[0] * grown - this.node.clientWidth / 2, middle[1] * grown - this.node.clientHeight / 2);
  }

  /** @param {number} id */
  focus(id) {
    this.#boxes.get(id)?.focus();
  }

  /** Draw a box that is not there yet, or take it away again. @param {Box | null | undefined} box */
  ghost(box) {
    if (!box) return this.ghosted.remove();
    this.#place(this.ghosted, box);
    if (!this.ghosted.isConnected) this.layer.append(this.ghosted);
  }

  render() {
    const { model } = this;
    const present = new Set();
    for (const track of model.present) {
      const box = /** @type {Box} */ (track.boxes.get(model.frame));
      present.add(track.id);
      const node = this.#boxes.get(track.id) ?? this.#newBox(track);
      const filled = !track.seen.has(model.frame);
      node.className = ["face-box", track.keep ? "kept" : "hidden-face", filled && "filled"].filter(Boolean).join(" ");
      node.classList.toggle("selected", model.selected === track.id);
      node.setAttribute("aria-pressed", String(!track.keep));
      const key = track.keep ? "editor.box.kept" : "editor.box.hidden";
      bind(node, "aria-label", key, { name: () => nameOf(track) });
      this.#place(node, box);
    }
    for (const [id, node] of this.#boxes) {
      if (present.has(id)) continue;
      const focused = node === document.activeElement;
      node.remove();
      this.#boxes.delete(id);
      // The keyboard goes on where it was: at another box, or at the picture.
      if (focused) ([...this.#boxes.values()][0] ?? this.node.closest("dialog"))?.focus();
    }
  }

  /** @param {Track} track */
  #newBox(track) {
    const grips = HANDLES.map((handle) => el("span", { class: `grip ${handle}`, "data-handle": handle }));
    const node = el("button", { type: "button", "data-track": track.id }, ...grips);
    node.addEventListener("focus", () => this.model.select(track.id));
    this.#boxes.set(track.id, node);
    this.layer.append(node);
    return node;
  }

  /** @param {HTMLElement} node @param {Box} box */
  #place(node, box) {
    const { width, height } = this.model.size;
    node.style.left = `${(box.x0 / width) * 100}%`;
    node.style.top = `${(box.y0 / height) * 100}%`;
    node.style.width = `${((box.x1 - box.x0) / width) * 100}%`;
    node.style.height = `${((box.y1 - box.y0) / height) * 100}%`;
    // Where there is no room for eight grips, two have to do.
    const shown = (this.stage.clientWidth / width) * Math.min(box.x1 - box.x0, box.y1 - box.y0);
    node.classList.toggle("tiny", shown < ROOMY_PX);
    // Small boxes lie over large ones, or nobody could reach them.
    node.style.zIndex = String(1 + Math.round(1e6 / (1 + (box.x1 - box.x0) * (box.y1 - box.y0))));
  }

  /** The whole picture fits the room there is, times the zoom. */
  #fit() {
    const { width, height } = this.model.size;
    const room = { width: this.node.clientWidth, height: this.node.clientHeight };
    if (!room.width || !room.height) return;
    const scale = Math.min(room.width / width, room.height / height) * ZOOMS[this.#zoom];
    this.stage.style.width = `${Math.floor(width * scale)}px`;
    this.render();
    const pixels = Math.min(width * scale * devicePixelRatio, width, WIDEST);
    if (pixels > this.#asked * 1.1) {
      this.#asked = Math.ceil(pixels);
      this.image.forget();
      this.#showFrame();
    }
  }

  async #showFrame() {
    this.stage.classList.add("loading");
    await this.image.show(this.model.frame);
    this.stage.classList.remove("loading");
  }
}
