// The picture with its boxes. Each box is a button: Tab finds it, Space keeps or hides the face.

import { urls } from "../api.js";
import { el } from "../dom.js";
import { bind } from "../i18n.js";
import { LatestImage } from "../latest.js";
import { gestures } from "./drag.js";
import { nameOf } from "./names.js";

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const MOST_ZOOM = 12;
/** A face that is looked at closely takes this much of the room. */
const CLOSE = 0.4;
const WIDEST = 3840;
const ROOMY_PX = 56;

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("./geometry.js").Box} Box */

export class Stage {
  /** @type {Map<number, HTMLElement>} */
  #boxes = new Map();
  #zoom = 1;
  #drawing = false;
  /** A new box was drawn. @type {(id: number) => void} */
  ondrawn = () => {};
  #asked = 0;

  /** @param {import("./model.js").Model} model @param {{id: string}} job */
  constructor(model, job) {
    this.model = model;
    this.job = job;
    this.image = new LatestImage((frame) => urls.frame(job, frame, "original", this.#asked), "editor.picture");
    this.layer = el("div", { class: "layer" });
    this.ghosted = el("div", { class: "face-box ghost" });
    this.stage = el("div", { class: "stage loading" }, this.image.node, this.layer);
    this.node = el("div", { class: "viewport" }, this.stage);
    /** Ends a drag as if the pointer had let go. */
    this.settle = gestures(this, model);
    model.listen((what) => {
      if (what === "frame") this.#turn();
      this.render();
    });
    this.watcher = new ResizeObserver(() => this.#fit());
    this.watcher.observe(this.node);
    this.render();
  }

  /** Drags draw, wherever they begin. */
  get drawing() {
    return this.#drawing;
  }

  set drawing(yes) {
    this.#drawing = yes;
    this.layer.classList.toggle("drawing", yes);
  }

  /** How it is looked at. */
  get view() {
    return { zoom: this.#zoom, left: this.node.scrollLeft, top: this.node.scrollTop, drawing: this.#drawing };
  }

  set view({ zoom, left, top, drawing }) {
    this.drawing = drawing;
    this.#zoom = Math.min(Math.max(zoom, 1), MOST_ZOOM);
    this.#fit();
    this.node.scrollTo(left, top);
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

  /** Is there more than fits the room? */
  get enlarged() {
    return this.#zoom > 1;
  }

  /**
   * Enlarge, so that the place under a point of the screen stays there.
   * @param {number} by factor @param {[number, number]} [at] without it, the middle
   */
  zoom(by, at) {
    const room = this.node.getBoundingClientRect();
    const [x, y] = at ?? [room.left + room.width / 2, room.top + room.height / 2];
    const before = this.stage.getBoundingClientRect();
    const wanted = Math.min(Math.max(this.#zoom * by, 1), MOST_ZOOM);
    if (wanted === this.#zoom) return;
    this.#zoom = wanted;
    this.#fit();
    const after = this.stage.getBoundingClientRect();
    const [across, down] = [(x - before.left) / before.width, (y - before.top) / before.height];
    this.pan(x - (after.left + across * after.width), y - (after.top + down * after.height));
  }

  /** Move the picture by pixels of the screen. @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.node.scrollBy(-dx, -dy);
  }

  /** Go close to a face. @param {number} id */
  look(id) {
    const box = this.model.track(id).boxes.get(this.model.frame);
    if (!box) return;
    const { width, height } = this.model.size;
    const room = this.node.getBoundingClientRect();
    const fit = Math.min(room.width / width, room.height / height);
    const wanted = CLOSE * Math.min(room.width / (box.x1 - box.x0), room.height / (box.y1 - box.y0));
    this.zoom(wanted / fit / this.#zoom);
    const stage = this.stage.getBoundingClientRect();
    const scale = stage.width / width;
    const [x, y] = [stage.left + ((box.x0 + box.x1) / 2) * scale, stage.top + ((box.y0 + box.y1) / 2) * scale];
    this.pan(room.left + room.width / 2 - x, room.top + room.height / 2 - y);
    this.focus(id);
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
      node.className = ["face-box", track.keep ? "kept" : "hidden-face", filled && "filled", track.origin === "checked" && "checked"].filter(Boolean).join(" ");
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
    const node = el(
      "button",
      { type: "button", "data-track": track.id },
      el("span", { class: "number", "aria-hidden": "true" }, String(track.id + 1)),
      ...grips,
    );
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

  /** Go to another frame; one of a document has a size of its own. */
  #turn() {
    if (!this.model.paged) return this.#showFrame();
    this.image.clear();
    this.#asked = 0;
    this.#fit();
  }

  /** The whole picture fits the room there is, times the zoom. */
  #fit() {
    const { width, height } = this.model.size;
    this.stage.style.aspectRatio = `${width} / ${height}`;
    // With the room that scrollbars take: they come and go with the zoom, and the picture is not to
    // change its size with them.
    const room = { width: this.node.offsetWidth, height: this.node.offsetHeight };
    if (!room.width || !room.height) return;
    const scale = Math.min(room.width / width, room.height / height) * this.#zoom;
    this.stage.style.width = `${Math.floor(width * scale)}px`;
    this.render();
    const pixels = Math.min(width * scale * devicePixelRatio, width, WIDEST);
    if (pixels > this.#asked * 1.1) {
      this.#asked = Math.ceil(pixels);
      this.#showFrame();
    }
  }

  async #showFrame() {
    if (!this.#asked) return; // nobody knows yet how large it will be
    this.stage.classList.add("loading");
    await this.image.show(this.model.frame);
    this.stage.classList.remove("loading");
  }
}
