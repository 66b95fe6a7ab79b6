// Opens the review of a job, also the one that the address names, and goes on to the next.

import { getPlan, getReport } from "../api.js";
import { isBusy } from "../store.js";
import { complain } from "../toast.js";
import { addressed, enter, leave } from "./address.js";
import { earlier } from "./draft.js";
import { missedFaces } from "./missed.js";
import { Model } from "./model.js";
import { keepReview, reviewBefore } from "./return.js";
import { Session } from "./session.js";
import { isEmpty } from "./tracks.js";

/** @typedef {Service.Job} Job */

export class Editor {
  /** @type {Session | null} */
  #session = null;
  #opening = false;
  /** Its people are being told apart; then the review goes on. @type {{id: string, frame: number} | null} */
  #awaited = null;

  /**
   * @param {{get: (id: string) => Job | undefined, next: (id: string) => Job | undefined}} jobs finds a
   *   job, and the next one that a person should look at
   * @param {(job: Job) => void} onsaved called with the job that is now rendered
   * @param {((job: Job) => void) | null} ongrouping called with the job whose people are told apart; null: they cannot be
   */
  constructor(jobs, onsaved, ongrouping) {
    this.jobs = jobs;
    this.onsaved = onsaved;
    this.ongrouping = ongrouping;
    addEventListener("popstate", () => {
      if (!addressed()) this.#session?.close();
      else this.resume();
    });
  }

  /** Open the review that the address names, as after a reload. */
  resume() {
    const named = addressed();
    const job = named && this.jobs.get(named.id);
    if (named && job && job.has_plan && !isBusy(job)) this.open(job, named.frame);
    else if (named) leave();
  }

  /** A job has changed. @param {Job} job */
  changed(job) {
    if (job.id !== this.#awaited?.id || isBusy(job)) return;
    const { frame } = this.#awaited;
    this.#awaited = null;
    if (job.has_plan) this.open(job, frame);
  }

  /** The way on to the next file, if there is one. @param {Job} job */
  #next(job) {
    const next = this.jobs.next(job.id);
    return next ? () => (this.#session?.close(), this.open(next)) : null;
  }

  /** @param {Job} job @param {number} [frame] */
  async open(job, frame = 0) {
    if (this.#session || this.#opening) return;
    this.#opening = true;
    try {
      const [plan, draft] = await Promise.all([getPlan(job), earlier(job)]);
      const missed = job.state === "withheld" ? missedFaces(await getReport(job)) : [];
      const model = new Model(plan, isEmpty(draft) ? null : draft);
      const before = reviewBefore(job, draft, model);
      const closed = () => {
        this.#session = null;
        leaving();
        leave();
      };
      await enter(job.id);
      /** @param {Job} grouped */
      const grouping = (grouped) => {
        this.#awaited = { id: grouped.id, frame: model.frame };
        this.ongrouping?.(grouped);
      };
      const on = { saved: this.onsaved, closed, next: this.#next(job), grouping: this.ongrouping && grouping };
      this.#session = new Session(job, model, draft, missed, on);
      this.#session.show();
      const leaving = keepReview(this.#session);
      model.go(before?.frame ?? frame);
      if (before) this.#session.goOn(before);
    } catch (error) {
      leave();
      complain(error);
    } finally {
      this.#opening = false;
    }
  }
}
