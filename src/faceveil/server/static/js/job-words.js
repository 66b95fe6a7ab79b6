// What is said of a job: its facts in a line, and below what went wrong, was left out, or runs out.

import { el } from "./dom.js";
import { duration, problemWords, secondsTo } from "./format.js";
import { number, t } from "./i18n.js";
import { icon } from "./icons.js";
import { isMarked, stateOf } from "./standing.js";
import { isBusy, isOver, isPaged } from "./store.js";
import { reasonOf } from "./toast.js";

const MOST_PLACES = 8;

/** @typedef {Service.Job} Job */

/** In one line what was found, or is awaited. @param {Job} job */
export function factsOf(job) {
  const facts = [];
  if (job.state === "done") {
    facts.push(foundIn(job));
    if (job.kept) facts.push(t("job.kept", { n: job.kept }));
    if (job.added) facts.push(t("job.added", { n: job.added }));
    if (job.filled && !isPaged(job) && (job.frames ?? 1) > 1) facts.push(t("job.filled", { n: job.filled }));
  } else if (job.state === "review") {
    facts.push(t("job.review"));
  } else if (job.state === "queued" && job.position) {
    facts.push(t("job.position", { n: job.position }));
  }
  if (facts.length && job.pages) facts.push(t("job.pages", { n: job.pages }));
  if (facts.length && job.pictures) facts.push(t("job.pictures", { n: job.pictures }));
  return facts.join(" · ");
}

/** How many faces a job that is done has found. @param {Job} job */
export const foundIn = (job) => (isMarked(job, "none") ? t("job.none") : t("job.faces", { n: job.faces ?? 0 }));

/** How fast it goes on. @param {Job} job */
export function paceOf(job) {
  const { progress } = job;
  if (!progress) return "";
  const key = isPaged(job) ? "job.parts" : "job.frames";
  const frames = (progress.total ?? 0) > 1 && t(key, { done: progress.done, total: progress.total });
  const speed = progress.fps && !isPaged(job) && t("job.speed", { fps: number(progress.fps, 1) });
  const left = progress.seconds_left && t("job.left", { time: duration(progress.seconds_left) });
  return [frames, speed, left].filter(Boolean).join(" · ");
}

/** @param {Job} job @returns {HTMLElement[]} */
export function notesOf(job) {
  /** @type {HTMLElement[]} */
  const notes = [];
  /** @param {string} kind @param {string} words @param {string} [sign] */
  const note = (kind, words, sign) =>
    notes.push(el("p", { class: `${kind} small` }, sign ? icon(sign) : null, el("span", {}, words)));
  if (job.problem && isOver(job) && stateOf(job) !== "cancelled") {
    const { title, detail, advice } = problemWords(job.problem);
    // That it is withheld is what its particulars say, too, and they say why.
    const once = stateOf(job) === "withheld";
    const words = once ? [el("b", {}, reasonOf(job.problem).why)] : [el("b", {}, title), detail ? ` — ${detail}` : ""];
    notes.push(el("p", { class: "bad" }, icon("warning"), el("span", {}, words)));
    if (advice) note("soft", advice);
  }
  if (isMarked(job, "none")) note("warn", t("job.none.help"), "eye");
  if (isMarked(job, "long")) note("warn", t("job.long", { seconds: number(job.longest_fill ?? 0, 1) }), "eye");
  if (job.has_draft && !isBusy(job)) note("", t("job.draft"), "edit");
  for (const warning of job.warnings ?? []) note("warn", warning, "warning");
  if (job.places?.length) {
    const most = job.places.slice(0, MOST_PLACES);
    const rest = job.places.length > most.length ? "…" : "";
    note("soft", t("job.places", { what: most.join(t("list.comma")) + rest }));
  }
  for (const one of job.notes ?? []) note("soft", one);
  if (job.dropped?.length) note("soft", t("job.dropped", { what: job.dropped.join(t("list.comma")) }));
  const expires = job.has_original ? job.original_expires : job.has_result && job.result_expires;
  if (expires && !isBusy(job)) {
    const key = job.has_original ? "job.original.until" : "job.result.until";
    const minutes = Math.max(60, Math.ceil(secondsTo(expires) / 60) * 60);
    note("soft", t(key, { time: duration(minutes) }), "clock");
  }
  return notes;
}
