// The jobs as they were last heard of.

const DONE = new Set(["done", "failed", "withheld"]);

/** @typedef {Service.Job} Job */
/** @typedef {{job: Job, before?: Job, gone?: undefined} | {gone: string, job?: undefined, before?: undefined}} Change */

/** @param {Pick<Job, "state">} job */
export const isOver = (job) => DONE.has(job.state);
/** @param {Pick<Job, "state">} job */
export const isBusy = (job) => !isOver(job) && job.state !== "review";
/** Its frames are pages and pictures. @param {Pick<Job, "kind">} job */
export const isPaged = (job) => job.kind === "document" || job.kind === "pages";

export class Store {
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  /** @type {Map<string, number>} */
  #versions = new Map();
  /** Out of sight, but still there. @type {Map<string, Job>} */
  #hidden = new Map();
  /** @type {Set<(change: Change) => void>} */
  #listeners = new Set();
  /** All jobs that there are were told of once. */
  complete = false;

  /** @param {(change: Change) => void} listener */
  listen(listener) {
    this.#listeners.add(listener);
  }

  /** @param {string} id */
  get(id) {
    return this.#jobs.get(id);
  }

  get all() {
    return [...this.#jobs.values()];
  }

  /** @param {string} batch */
  inBatch(batch) {
    return this.all.filter((job) => job.batch === batch);
  }

  /** How often a result of this job was finished while the page looked on. @param {string} id */
  version(id) {
    return this.#versions.get(id) ?? 0;
  }

  /** @param {Job} job */
  put(job) {
    if (this.#hidden.has(job.id)) return void this.#hidden.set(job.id, job);
    const before = this.#jobs.get(job.id);
    this.#jobs.set(job.id, job);
    if (before && before.state !== job.state && isOver(job)) {
      this.#versions.set(job.id, this.version(job.id) + 1);
    }
    for (const listener of this.#listeners) listener({ job, before });
  }

  /** @param {string} id */
  drop(id) {
    this.#hidden.delete(id);
    if (!this.#jobs.delete(id)) return;
    for (const listener of this.#listeners) listener({ gone: id });
  }

  /** @param {string} id */
  hide(id) {
    const job = this.#jobs.get(id);
    if (!job) return;
    this.drop(id);
    this.#hidden.set(id, job);
  }

  /** @param {string} id */
  unhide(id) {
    const job = this.#hidden.get(id);
    this.#hidden.delete(id);
    if (job) this.put(job);
  }

  /** Make this all there is. @param {Job[]} jobs */
  replace(jobs) {
    this.complete = true;
    const there = new Set(jobs.map((job) => job.id));
    for (const id of [...this.#jobs.keys()]) if (!there.has(id)) this.drop(id);
    for (const job of jobs) this.put(job);
  }
}
