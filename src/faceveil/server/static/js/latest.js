// A picture that can be asked for faster than it comes: what was overtaken is not even asked for.

import { el } from "./dom.js";
import { onceConnected } from "./events.js";
import { bind } from "./i18n.js";

export class LatestImage {
  /** @type {Promise<void> | null} */
  #under_way = null;
  #wanted = "";
  #shown = "";
  #cleared = false;

  /** @param {(index: number) => string} url @param {string} alt key of its description */
  constructor(url, alt) {
    this.url = url;
    this.node = el("img", { draggable: "false" });
    bind(this.node, "alt", alt);
    this.note = el("p", { class: "picture-missing small", role: "status", t: "picture.missing" });
  }

  /** Show frame `index`, as large as it is now; resolves when it, or one asked for later, is there. @param {number} index */
  show(index) {
    this.#wanted = this.url(index);
    return (this.#under_way ??= this.#run().finally(() => {
      this.#under_way = null;
    }));
  }

  /** Until the one asked for next is there, none is shown: what is shown is of something else. */
  clear() {
    this.node.classList.add("missing");
    this.#shown = "";
    this.#cleared = true;
  }

  async #run() {
    while (this.#shown !== this.#wanted) {
      const next = this.#wanted;
      const there = await this.#load(next);
      this.#shown = next;
      if (!there) onceConnected(() => this.#again(next));
    }
  }

  /** What did not come is asked for once more, if it is still wanted. @param {string} url */
  #again(url) {
    if (url !== this.#wanted || !this.node.isConnected) return;
    this.#shown = "";
    this.#under_way ??= this.#run().finally(() => {
      this.#under_way = null;
    });
  }

  /** @param {string} url @returns {Promise<boolean>} whether there was a picture */
  async #load(url) {
    const ahead = new Image();
    ahead.src = url;
    try {
      await ahead.decode();
      if (this.#cleared && url !== this.#wanted) return true;
      this.#cleared = false;
      this.node.classList.remove("missing");
      this.node.src = ahead.src;
      this.note.remove();
      return true;
    } catch {
      this.node.classList.add("missing");
      this.node.removeAttribute("src");
      this.node.after(this.note);
      return false;
    }
  }
}
