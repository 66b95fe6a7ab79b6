// How all jobs stand in one true sentence, and what the list can be narrowed down to.

import { byId, el, refill, write } from "./dom.js";
import { onLanguage, say, t } from "./i18n.js";
import { icon } from "./icons.js";
import { keepPlace, placeBefore } from "./place.js";
import { isMarked, marked, tally } from "./standing.js";

/** @typedef {Service.Job} Job */

/** "28 done, 3 to look at, 2 failed": every job counted once. @param {Job[]} jobs */
export const sentence = (jobs) => tally(jobs).map(([what, n]) => t(`tally.${what}`, { n })).join(t("list.comma"));

/** What an archive of all results would lack. @param {Job[]} jobs */
export const lacking = (jobs) => sentence(jobs.filter((job) => !job.has_result));

/**
 * @param {import("./store.js").Store} store @param {() => void} changed called when another selection holds
 * @returns {{refresh: () => void, shown: (job: Job) => boolean}}
 */
export function showSummary(store, changed) {
  let chosen = String(placeBefore("filter") ?? "");
  keepPlace("filter", () => chosen);
  let drawn = "";
  const words = el("p", { class: "tally" });
  const filters = el("div", { class: "row filters", role: "group", tLabel: "filter.label" });
  byId("summary").append(words, filters);

  const refresh = () => {
    const jobs = store.all;
    const kinds = marked(jobs);
    if (store.complete && chosen && !kinds.some(([mark]) => mark === chosen)) choose("");
    write(words, sentence(jobs));
    filters.hidden = !kinds.length || jobs.length < 2;
    const wanted = JSON.stringify([kinds, jobs.length, chosen]);
    if (wanted === drawn) return;
    drawn = wanted;
    refill(filters, [chip("", jobs.length), ...kinds.map(([mark, count]) => chip(mark, count))], "mark", filters);
  };
  /** @param {string} mark */
  const choose = (mark) => {
    chosen = mark;
    changed();
  };
  /** @param {string} mark @param {number} n */
  const chip = (mark, n) => {
    const on = chosen === mark;
    const text = el("span", {});
    say(text, mark ? `filter.${mark}` : "filter.all", { n });
    return el(
      "button",
      { type: "button", class: "chip", "aria-pressed": String(on), "data-mark": mark, onclick: () => (choose(on ? "" : mark), refresh()) },
      on ? icon("check") : null,
      text,
    );
  };
  onLanguage(refresh);
  return { refresh, shown: (job) => !chosen || isMarked(job, chosen) };
}
