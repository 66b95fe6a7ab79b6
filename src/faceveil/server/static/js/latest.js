// A picture that can be asked for faster than it comes: what was overtaken is never shown.

import { el } from "./dom.js";
import { bind } from "./i18n.js";

export class LatestImage {
  /** @type {Promise<void> | null} */
  #under_way = null;
  /** @type {number | null} */
  #wanted = null;
  /** @type {number | null} */
  #shown = null;

  /** @param {(index: number) => string} url @param {string} alt key of its description */
  constructor(url, alt) {
    this.url = url;
    this.node = el("img", { draggable: "false" });
    bind(this.node, "alt", alt);
    this.note = el("p", { class: "picture-missing small", role: "status", t: "picture.missing" });
  }

  /** Show frame `index`; resolves when it, or one asked for later, is there. @param {number} index */
  show(index) {
    this.#wanted = index;
    return (this.#under_way ??= this.#run().finally(() => {
      this.#under_way = null;
    }));
  }

  /** The next `show` loads again, for another size. */
  forget() {
    this.#shown = null;
  }

  async #run() {
    while (this.#wanted !== null && this.#shown !== this.#wanted) {
      const next = this.#wanted;
      await this.#load(next);
      this.#shown = next;
    }
  }

  /** @param {number} index */
  async #load(index) {
    const ahead = new Image();
    ahead.src = this.url(index);
    try {
      await ahead.decode();
      this.node.classList.remove("missing");
      this.node.src = ahead.src;
      this.note.remove();
    } catch {
      this.node.classList.add("missing");
      this.node.removeAttribute("src");
      this.node.after(this.note);
    }
  }
}
