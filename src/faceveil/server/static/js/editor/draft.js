// Edits are sent to the service as they are made, so that none is lost with the page. Until the
// service has them they also lie in the storage of this tab: figures, never pixels.

import { Problem, getDraft, putDraft } from "../api.js";
import { forget, remember, rememberedData } from "../memory.js";
import { Sender } from "./sender.js";
import { isEmpty } from "./tracks.js";

/** @typedef {import("../api.js").Known} Known */
/** @typedef {import("./tracks.js").Edits} Edits */
/** @typedef {"saved" | "saving" | "failed" | "elsewhere"} Kept how far the service has the edits */

const TAB = "sessionStorage";
/** @param {Known} job */
const keyOf = (job) => `faceveil.draft.${job.id}`;
/** @param {Known} job @returns {Service.Draft | null} */
const stashed = (job) => rememberedData(keyOf(job), TAB);

/** The edits of an earlier review: of this tab, or what the service has. @param {Known} job @returns {Promise<Service.Draft>} */
export async function earlier(job) {
  const there = await getDraft(job);
  const here = stashed(job);
  // What another review has kept since is newer than what this tab could not send.
  const ours = here && (there.version === 0 || here.author === there.author || here.base === there.version);
  if (here && ours && here.version > there.version) return here;
  forget(keyOf(job), TAB);
  return there;
}

/** Tells edits from all others; the service keeps no empty ones. @param {Service.Draft} draft */
export const markOf = (draft) => (isEmpty(draft) ? "" : `${draft.version} ${draft.author}`);

export class Draft {
  #job;
  #told;
  #version;
  #base;
  #mark;
  #sender;
  /** Names this review, so that two windows do not overwrite each other. @type {string} */
  #author = crypto.randomUUID?.() ?? String(Math.random());

  /** @param {Known} job @param {Service.Draft} draft that the review begins with @param {(how: Kept) => void} told */
  constructor(job, draft, told) {
    this.#job = job;
    this.#told = told;
    this.#version = draft.version;
    this.#base = draft.version;
    this.#mark = markOf(draft);
    this.#sender = new Sender((/** @type {Service.Draft} */ one) => this.#put(one));
    const here = stashed(job);
    if (!here) return;
    // The page was left before the service had it: the same review goes on.
    this.#author = here.author;
    this.#base = here.base;
    this.#sender.send(here);
  }

  /** Of the edits as they are. */
  get mark() {
    return this.#mark;
  }

  /** @param {Edits} edits */
  save(edits) {
    this.#version += 1;
    const draft = { version: this.#version, author: this.#author, base: this.#base, ...edits };
    this.#mark = markOf(draft);
    remember(keyOf(this.#job), JSON.stringify(draft), TAB);
    this.#told("saving");
    this.#sender.send(draft);
  }

  /** Wait for what is under way, and send nothing more: all of it is about to be applied. */
  rest() {
    return this.#sender.stop();
  }

  /** The edits were applied. */
  end() {
    forget(keyOf(this.#job), TAB);
  }

  /** @param {Service.Draft} draft @returns {Promise<boolean>} true: it need not be sent again */
  async #put(draft) {
    try {
      await putDraft(this.#job, draft);
    } catch (error) {
      const elsewhere = error instanceof Problem && error.problem.type === "edited-elsewhere";
      this.#told(elsewhere ? "elsewhere" : "failed");
      return elsewhere;
    }
    if (draft.version !== this.#version) return true;
    forget(keyOf(this.#job), TAB);
    this.#told("saved");
    return true;
  }
}
