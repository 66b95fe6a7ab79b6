// The list of jobs: one section a batch, newest first, one card a job.

import { discardBatch, urls } from "./api.js";
import { announce, button, byId, el } from "./dom.js";
import { problemWords } from "./format.js";
import { say, t } from "./i18n.js";
import { icon } from "./icons.js";
import { JobCard, stateOf } from "./job-card.js";
import { isOver } from "./store.js";
import { complain } from "./toast.js";

/** @param tools what a card may ask for: see JobCard */
export function showJobs(store, tools) {
  const batches = new Map();
  const cards = new Map();

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

  const remove = (id) => {
    const card = cards.get(id);
    if (!card) return;
    const batch = card.job.batch;
    keepFocus(card.node);
    card.node.remove();
    cards.delete(id);
    refresh(batch);
  };

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

  const refresh = (id) => {
    const batch = batches.get(id);
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

  store.listen(({ job, before, gone }) => (gone ? remove(gone) : update(job, before)));
  return { show: (id) => cards.get(id)?.showResult() };
}

/** When the card with the focus goes, its neighbour gets it. */
function keepFocus(node) {
  if (!node.contains(document.activeElement)) return;
  const next = node.nextElementSibling ?? node.previousElementSibling;
  (next ?? byId("drop")).focus();
}

function tellOf(job) {
  let what = t(`state.${stateOf(job)}`);
  if (job.state === "done") what = t("about.file", { name: what, what: t("job.faces", { n: job.faces ?? 0 }) });
  else if (job.problem && isOver(job)) what = problemWords(job.problem).title;
  announce(t("about.file", { name: job.name, what }));
}
