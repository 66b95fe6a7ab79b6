// What is discarded is out of sight at once, and deleted when it can no longer be undone: after ten
// seconds, or when the page is left.

import { t } from "./i18n.js";
import { complain, offer } from "./toast.js";

/** @typedef {{id: string, name: string}} Thing a job, or a recording */
/** @typedef {{hide: (id: string) => unknown, unhide: (id: string) => unknown}} Shelf where it is shown */

export class Bin {
  #store;
  /** What is left to be done, with the way to take it back. @type {Map<() => void, () => void>} */
  #pending = new Map();

  /** @param {Shelf} store */
  constructor(store) {
    this.#store = store;
    addEventListener("pagehide", () => {
      for (const final of [...this.#pending.keys()]) final();
    });
    document.addEventListener("keydown", (event) => this.#undo(event));
  }

  /** @param {Thing[]} jobs @param {() => Promise<unknown>} discard */
  put(jobs, discard) {
    for (const job of jobs) this.#store.hide(job.id);
    const back = () => {
      this.#pending.delete(final);
      for (const job of jobs) this.#store.unhide(job.id);
    };
    const final = () => {
      if (!this.#pending.delete(final)) return;
      discard().catch((error) => {
        back();
        complain(error);
      });
    };
    const title = jobs.length === 1 ? t("bin.said", { name: jobs[0].name }) : t("bin.all", { n: jobs.length });
    // Known before it is offered: a page that is left meanwhile must not forget it.
    this.#pending.set(final, back);
    this.#pending.set(final, offer(title, back, final));
  }

  /** @param {KeyboardEvent} event */
  #undo(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z") return;
    if (event.defaultPrevented || target.closest("dialog, input, textarea, select")) return;
    const latest = [...this.#pending.values()].at(-1);
    if (!latest) return;
    event.preventDefault();
    latest();
  }
}
