// The list of jobs: one section a batch, newest first, one card a job.

import { discardBatch, urls } from "./api.js";
import { announce, button, byId, el } from "./dom.js";
import { problemWords } from "./format.js";
import { say, t } from "./i18n.js";
import { icon } from "./icons.js";
import { JobCard, stateOf } from "./job-card.js";
import { isOver } from "./store.js";
import { complain } from "./toast.js";

/** @typedef {Service.Job} Job */
/** @typedef {{node: HTMLElement, head: HTMLElement, title: HTMLElement, download: HTMLElement, list: HTMLElement}} Batch */

/**
 * @param {import("./store.js").Store} store
 * @param {import("./job-card.js").Tools} tools what a card may ask for
 */
export function showJobs(store, tools) {
  /** @type {Map<string, Batch>} */
  const batches = new Map();
  /** @type {Map<string, JobCard>} */
  const cards = new Map();

  /** @param {Job} job @param {Job} [before] */
  const update = (job, before) => {
    let card = cards.get(job.id);
    if (!card) {
      const batch = batches.get(job.batch) ?? newBatch(job.batch);
      card = new JobCard(job, store, tools);
      cards.set(job.id, card);
      batch.list.append(card.node);
    }
    card.update(job);
    refresh(job.batch);
    if (before && before.state !== job.state) tellOf(job);
  };

  /** @param {string} id */
  const remove = (id) => {
    const card = cards.get(id);
    if (!card) return;
    const batch = card.job.batch;
    keepFocus(card.node);
    card.node.remove();
    cards.delete(id);
    refresh(batch);
  };

  /** @param {string} id @returns {Batch} */
  const newBatch = (id) => {
    const title = el("h3", { class: "batch-title", tabindex: -1 });
    const download = el(
      "a",
      { class: "button primary", href: urls.batch(id), download: "" },
      icon("download"),
      el("span", { t: "batch.download" }),
    );
    const discard = button("batch.discard", icon("trash"), () => discardBatch(id).catch(complain), {
      kind: "quiet",
    });
    const head = el("header", { class: "batch-head" }, title, el("div", { class: "row" }, download, discard));
    const list = el("ul", { class: "cards-list" });
    const batch = { node: el("section", { class: "batch" }, head, list), head, title, download, list };
    batches.set(id, batch);
    byId("batches").prepend(batch.node);
    return batch;
  };

  /** @param {string} id */
  const refresh = (id) => {
    const batch = batches.get(id);
    if (!batch) return;
    const jobs = store.inBatch(id);
    if (!jobs.length) {
      batch.node.remove();
      batches.delete(id);
    } else {
      const over = jobs.filter(isOver).length;
      batch.head.hidden = jobs.length < 2;
      batch.download.hidden = jobs.filter((job) => job.has_result).length < 2;
      say(batch.title, "batch.title", { n: jobs.length, over });
    }
    byId("jobs").hidden = !batches.size;
  };

  store.listen((change) => (change.job ? update(change.job, change.before) : remove(change.gone)));
  return { show: (/** @type {string} */ id) => cards.get(id)?.showResult() };
}

/** When the card with the focus goes, its neighbour gets it. @param {HTMLElement} node */
function keepFocus(node) {
  if (!node.contains(document.activeElement)) return;
  const next = node.nextElementSibling ?? node.previousElementSibling;
  (next instanceof HTMLElement ? next : byId("drop")).focus();
}

/** @param {Job} job */
function tellOf(job) {
  let what = t(`state.${stateOf(job)}`);
  if (job.state === "done") what = t("about.file", { name: what, what: t("job.faces", { n: job.faces ?? 0 }) });
  else if (job.problem && isOver(job)) what = problemWords(job.problem).title;
  announce(t("about.file", { name: job.name, what }));
}
