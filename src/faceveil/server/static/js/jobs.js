// The list of jobs: one section a batch, newest first. A few are cards, many are tiles in a grid.

import { urls } from "./api.js";
import { announce, button, byId, el, write } from "./dom.js";
import { problemWords } from "./format.js";
import { onLanguage, say, t } from "./i18n.js";
import { icon } from "./icons.js";
import { JobCard } from "./job-card.js";
import { foundIn } from "./job-words.js";
import { keepPlace, placeBefore } from "./place.js";
import { stateOf } from "./standing.js";
import { isOver } from "./store.js";
import { lacking, showSummary } from "./summary.js";

/** More jobs than this are shown as tiles. */
const FEW = 3;
/** The rest of the page follows the jobs no oftener. */
const PAUSE_MS = 100;

/** @typedef {Service.Job} Job */
/** @typedef {{node: HTMLElement, head: HTMLElement, title: HTMLElement, download: HTMLElement, words: HTMLElement, lacks: HTMLElement, list: HTMLElement}} Batch */

/**
 * @param {import("./store.js").Store} store
 * @param {Omit<import("./job-card.js").Tools, "opened"> & {discardAll: (jobs: Job[]) => void}} tools
 */
export function showJobs(store, tools) {
  /** @type {Map<string, Batch>} */
  const batches = new Map();
  /** @type {Map<string, JobCard>} */
  const cards = new Map();
  /** @type {JobCard | null} */
  let open = null;
  /** The batch of which a result was opened last, by itself or by hand. */
  let seen = "";
  let planned = false;
  let followed = -Infinity;

  /** @param {JobCard} card */
  const opened = (card) => {
    if (open && open !== card) open.close();
    open = card;
    // Whoever opens an older one is not to be taken back to the newest.
    if (card.job.batch === newest().batch || !seen) seen = card.job.batch;
  };

  const newest = () => store.all.reduce((a, b) => (b.created > a.created ? b : a));
  keepPlace("open", () => ({ id: open?.job.id, seen, scroll: scrollY }));

  const summary = showSummary(store, () => refresh());

  /** @param {Job} job @param {Job} [before] */
  const update = (job, before) => {
    let card = cards.get(job.id);
    if (!card) {
      const batch = batches.get(job.batch) ?? newBatch(job.batch);
      card = new JobCard(job, store, { ...tools, opened });
      cards.set(job.id, card);
      card.asTile(cards.size > FEW);
      batch.list.append(card.node);
    }
    card.update(job);
    if (before && before.state !== job.state) tellOf(job);
    plan();
  };

  /** @param {string} id */
  const remove = (id) => {
    const card = cards.get(id);
    if (!card) return;
    keepFocus(card.node);
    card.node.remove();
    cards.delete(id);
    if (open === card) open = null;
    plan();
  };

  /** @param {string} id @returns {Batch} */
  const newBatch = (id) => {
    const title = el("p", { class: "batch-title", tabindex: -1 });
    const words = el("span", {});
    const download = el("a", { class: "button primary", href: urls.batch(id), download: "" }, icon("download"), words);
    const discard = button("batch.discard", icon("trash"), () => tools.discardAll(store.inBatch(id)), {
      kind: "quiet",
    });
    const lacks = el("p", { class: "lacks warn small" });
    const head = el("header", { class: "batch-head" }, el("div", {}, title, lacks), el("div", { class: "row" }, download, discard));
    const list = el("ul", { class: "cards-list" });
    const node = el("section", { class: "batch" }, head, list);
    const batch = { node, head, title, download, words, lacks, list };
    batches.set(id, batch);
    byId("batches").prepend(node);
    return batch;
  };

  /** However many jobs change at a time, the rest of the page follows once: what it costs grows with their number. */
  const plan = () => {
    if (planned) return;
    planned = true;
    const wait = followed + PAUSE_MS - performance.now();
    if (wait > 0) setTimeout(follow, wait);
    else queueMicrotask(follow);
  };
  const follow = () => {
    planned = false;
    followed = performance.now();
    refresh();
  };

  const refresh = () => {
    const many = cards.size > FEW;
    byId("jobs").classList.toggle("many", many);
    document.body.classList.toggle("working", cards.size > 0);
    byId("jobs").hidden = !cards.size;
    for (const card of cards.values()) {
      card.asTile(many);
      card.node.hidden = !summary.shown(card.job);
    }
    /** @type {Map<string, Job[]>} */
    const grouped = new Map();
    for (const job of store.all) {
      const mine = grouped.get(job.batch);
      if (mine) mine.push(job);
      else grouped.set(job.batch, [job]);
    }
    for (const [id, batch] of batches) showBatch(id, batch, grouped.get(id) ?? []);
    summary.refresh();
    if (store.complete) goOn();
    openNewest();
  };

  /** As before the page was loaded anew. */
  const goOn = () => {
    const before = placeBefore("open");
    if (!before) return;
    ({ seen } = before);
    cards.get(before.id)?.show();
    scrollTo(0, before.scroll);
  };

  /** @param {string} id @param {Batch} batch @param {Job[]} jobs */
  const showBatch = (id, batch, jobs) => {
    if (!jobs.length) {
      batch.node.remove();
      batches.delete(id);
      return;
    }
    const done = jobs.filter((job) => job.has_result).length;
    const lacks = lacking(jobs);
    batch.node.hidden = !jobs.some((job) => summary.shown(job));
    batch.head.hidden = jobs.length < 2;
    batch.download.hidden = done < 2;
    batch.lacks.hidden = done < 2 || !lacks;
    say(batch.title, "batch.title", { n: jobs.length });
    say(batch.words, lacks ? "batch.download.some" : "batch.download", { done, n: jobs.length });
    write(batch.lacks, lacks && t("batch.lacks", { what: lacks }));
  };

  /** The first result of the newest upload is shown by itself. What is being looked at stays. */
  const openNewest = () => {
    if (!cards.size || !store.complete) return;
    const { batch } = newest();
    if (batch === seen) return;
    const ready = store.inBatch(batch).find((job) => job.state === "done" && job.has_result);
    const card = ready && cards.get(ready.id);
    if (!card) return;
    card.node.classList.add("first");
    card.show();
  };

  store.listen((change) => (change.job ? update(change.job, change.before) : remove(change.gone)));
  onLanguage(() => {
    for (const card of cards.values()) card.update(card.job);
    plan();
  });
  return { show: (/** @type {string} */ id) => cards.get(id)?.show({ into: true }) };
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
  if (job.state === "done") {
    what = t("about.file", { name: what, what: foundIn(job) });
  } else if (job.problem && isOver(job)) what = problemWords(job.problem).title;
  announce(t("about.file", { name: job.name, what }));
}
