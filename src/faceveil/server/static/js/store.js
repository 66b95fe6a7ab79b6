// The jobs as they were last heard of.

const DONE = new Set(["done", "failed", "withheld"]);

export const isOver = (job) => DONE.has(job.state);
export const isBusy = (job) => !isOver(job) && job.state !== "review";

export class Store {
  #jobs = new Map();
  #versions = new Map();
  #listeners = new Set();

  /** @param {(change: {job?: object, before?: object, gone?: string}) => void} listener */
  listen(listener) {
    this.#listeners.add(listener);
  }

  get(id) {
    return this.#jobs.get(id);
  }

  get all() {
    return [...this.#jobs.values()];
  }

  inBatch(batch) {
    return this.all.filter((job) => job.batch === batch);
  }

  /** How often a result of this job was finished while the page looked on. */
  version(id) {
    return this.#versions.get(id) ?? 0;
  }

  put(job) {
    const before = this.#jobs.get(job.id);
    this.#jobs.set(job.id, job);
    if (before && before.state !== job.state && isOver(job)) {
      this.#versions.set(job.id, this.version(job.id) + 1);
    }
    for (const listener of this.#listeners) listener({ job, before });
  }

  drop(id) {
    if (!this.#jobs.delete(id)) return;
    for (const listener of this.#listeners) listener({ gone: id });
  }

  /** Make this all there is. */
  replace(jobs) {
    const there = new Set(jobs.map((job) => job.id));
    for (const id of [...this.#jobs.keys()]) if (!there.has(id)) this.drop(id);
    for (const job of jobs) this.put(job);
  }
}
