// One job: what it is, how far it is, what can be done with it.

import { act, discard, urls } from "./api.js";
import { announce, button, el } from "./dom.js";
import { comparison } from "./compare.js";
import { duration, moment, problemType, problemWords } from "./format.js";
import { number, onLanguage, t } from "./i18n.js";
import { icon } from "./icons.js";
import { isBusy, isOver } from "./store.js";
import { complain } from "./toast.js";

const CANCELLED = "cancelled";
/** @type {Record<string, string>} */
const SIGNS = { cancelled: "cross", done: "check", failed: "warning", withheld: "shield", review: "edit", queued: "clock" };
const TOLD_EVERY = 0.25;
const THUMBNAIL_PX = 192;

/** @typedef {Service.Job} Job */
/** @typedef {{edit: (job: Job) => void}} Tools edit: opens the editor */

export class JobCard {
  /** @param {Job} job @param {import("./store.js").Store} store @param {Tools} tools */
  constructor(job, store, tools) {
    this.store = store;
    this.tools = tools;
    this.job = job;
    /** @type {number | null} */
    this.compared = null;
    this.actionsFor = "";
    this.told = 0;
    this.picture = el("div", { class: "thumb" });
    this.name = el("h4", { class: "job-name", title: job.name }, job.name);
    this.state = el("span", { class: "state" });
    this.facts = el("p", { class: "facts" });
    this.bar = el("progress", { max: 1, "aria-label": job.name });
    this.pace = el("p", { class: "pace soft small" });
    this.notes = el("div", { class: "notes" });
    this.actions = el("div", { class: "row actions" });
    this.result = el("div", { class: "result" });
    const head = el("div", { class: "job-head" }, this.name, this.state);
    const body = el("div", { class: "job-body" }, head, this.facts, this.bar, this.pace, this.notes, this.actions);
    this.node = el("li", { class: "job", tabindex: -1, "data-job": job.id }, this.picture, body, this.result);
    onLanguage(() => this.node.isConnected && this.update(this.job));
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    this.node.dataset.state = stateOf(job);
    this.#showState();
    this.#showProgress();
    this.#showNotes();
    this.#showActions();
    this.#showPicture();
    if (this.compared !== null && this.compared !== this.store.version(job.id)) this.#closeResult();
    if (this.compared !== null && !job.has_result) this.#closeResult();
  }

  /** Open the comparison and bring it into view. */
  showResult() {
    this.#openResult();
    this.node.scrollIntoView({ block: "nearest" });
  }

  #showState() {
    const { job } = this;
    const state = stateOf(job);
    const sign = SIGNS[state];
    this.state.replaceChildren(sign ? icon(sign) : el("span", { class: "spinner" }), t(`state.${state}`));
    const facts = [];
    if (job.state === "done") {
      facts.push(t("job.faces", { n: job.faces ?? 0 }));
      if (job.kept) facts.push(t("job.kept", { n: job.kept }));
      if (job.filled && (job.frames ?? 1) > 1) facts.push(t("job.filled", { n: job.filled }));
    } else if (job.state === "review") {
      facts.push(t("job.review"));
    } else if (job.state === "queued" && job.position) {
      facts.push(t("job.position", { n: job.position }));
    }
    this.facts.textContent = facts.join(" · ");
    this.facts.classList.toggle("strong", job.state === "done");
  }

  #showProgress() {
    const { job } = this;
    const { progress } = job;
    this.bar.hidden = !isBusy(job) || job.state === "queued";
    this.pace.hidden = !isBusy(job) || !progress;
    if (!isBusy(job)) return;
    if (!progress?.total) {
      this.bar.removeAttribute("value");
      this.told = 0;
    } else {
      this.bar.value = progress.done / progress.total;
      this.#tellShare(progress.done / progress.total);
    }
    if (progress) {
      const frames = (progress.total ?? 0) > 1 && t("job.frames", { done: progress.done, total: progress.total });
      const speed = progress.fps && t("job.speed", { fps: number(progress.fps, 1) });
      const left = progress.seconds_left && t("job.left", { time: duration(progress.seconds_left) });
      this.pace.textContent = [frames, speed, left].filter(Boolean).join(" · ");
    }
  }

  /** Those who listen hear each quarter, not each frame. @param {number} share */
  #tellShare(share) {
    if (share < this.told) this.told = 0;
    if (share < this.told + TOLD_EVERY || share >= 1) return;
    this.told = share - (share % TOLD_EVERY);
    announce(t("about.file", { name: this.job.name, what: `${Math.round(share * 100)} %` }));
  }

  #showNotes() {
    const { job } = this;
    const notes = [];
    if (job.problem && isOver(job) && stateOf(job) !== CANCELLED) {
      const { title, detail, advice } = problemWords(job.problem);
      notes.push(el("p", { class: "bad" }, icon("warning"), el("span", {}, el("b", {}, title), detail ? ` — ${detail}` : "")));
      if (advice) notes.push(el("p", { class: "soft small" }, advice));
    }
    for (const warning of job.warnings ?? []) {
      notes.push(el("p", { class: "warn small" }, icon("warning"), el("span", {}, warning)));
    }
    for (const note of job.notes ?? []) {
      notes.push(el("p", { class: "soft small" }, note));
    }
    if (job.dropped?.length) {
      notes.push(el("p", { class: "soft small" }, t("job.dropped", { what: job.dropped.join(t("list.comma")) })));
    }
    const expires = job.has_original ? job.original_expires : job.has_result && job.result_expires;
    if (expires && !isBusy(job)) {
      const key = job.has_original ? "job.original.until" : "job.result.until";
      const left = Math.max(0, (moment(expires) - Date.now()) / 1000);
      const minutes = Math.max(60, Math.ceil(left / 60) * 60);
      notes.push(el("p", { class: "soft small" }, icon("clock"), t(key, { time: duration(minutes) })));
    }
    this.notes.replaceChildren(...notes);
  }

  #showActions() {
    const { job } = this;
    const open = this.compared !== null;
    const names = actionsOf(job);
    const wanted = `${names.join(" ")} ${open}`;
    if (wanted === this.actionsFor) return;
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && this.actions.contains(active) ? active.dataset.action : "";
    this.actionsFor = wanted;
    this.actions.replaceChildren(...names.map((name) => this.#action(name, open)));
    if (!focused) return;
    const next = this.actions.querySelector(`[data-action="${focused}"]`) ?? this.actions.firstElementChild;
    (next instanceof HTMLElement ? next : this.node).focus();
  }

  /** @param {string} name @param {boolean} open */
  #action(name, open) {
    const { job } = this;
    /** @type {Record<string, () => unknown>} */
    const does = {
      edit: () => this.tools.edit(this.job),
      compare: () => (open ? this.#closeResult() : this.#openResult()),
      discard: () => discard(job).catch(complain),
      cancel: () => act(job, "cancel").catch(complain),
      retry: () => act(job, "retry").catch(complain),
      finish: () => act(job, "finish").catch(complain),
    };
    /** @type {Record<string, string>} */
    const pictures = { edit: "edit", compare: "compare", discard: "trash", cancel: "cross", retry: "retry", finish: "check" };
    let made;
    if (name === "download") {
      const words = el("span", { t: "action.download" });
      made = el("a", { class: "button primary", href: urls.result(job), download: job.result_name ?? "" }, icon("download"), words);
    } else {
      const key = name === "compare" && open ? "action.close" : `action.${name}`;
      const primary = name === "edit" && job.state !== "done";
      const quiet = ["discard", "finish", "cancel"].includes(name);
      made = button(key, icon(pictures[name]), does[name], { kind: primary ? "primary" : quiet ? "quiet" : "" });
      if (name === "compare") made.setAttribute("aria-expanded", String(open));
    }
    if (name === "finish") made.title = t("action.finish.help");
    made.dataset.action = name;
    return made;
  }

  #showPicture() {
    const { job } = this;
    /** @type {"result" | "original" | ""} */
    const of = job.has_result ? "result" : job.state === "review" && job.has_original ? "original" : "";
    const wanted = of && urls.frame(job, 0, of, THUMBNAIL_PX, this.store.version(job.id));
    const shown = wanted || String(job.kind);
    if (this.picture.dataset.shown === shown) return;
    this.picture.dataset.shown = shown;
    const sign = icon(job.kind ? (job.kind === "video" ? "video" : "photo") : "file");
    this.picture.replaceChildren(wanted ? el("img", { src: wanted, alt: "", loading: "lazy" }) : sign);
    if (wanted && job.kind === "video") this.picture.append(el("span", { class: "badge" }, icon("video")));
  }

  #openResult() {
    if (!this.job.has_result) return;
    this.compared = this.store.version(this.job.id);
    this.result.replaceChildren(comparison(this.job, this.compared));
    this.#showActions();
  }

  #closeResult() {
    this.compared = null;
    this.result.replaceChildren();
    this.#showActions();
  }
}

/** A job that was stopped by a person has failed, but not for a fault. @param {Pick<Job, "state" | "problem">} job */
export const stateOf = (job) => (job.problem && problemType(job.problem) === CANCELLED ? CANCELLED : job.state);

/** What a person can do with a job in its state, first things first. @param {Job} job */
export function actionsOf(job) {
  if (isBusy(job)) return ["cancel"];
  const editable = job.has_original && job.has_plan;
  const names = [];
  if (job.state === "review") names.push("edit");
  if (job.has_result && job.state === "done") names.push("download", "compare");
  if (job.state !== "review" && editable) names.push("edit");
  if (job.state === "failed" && job.has_original) names.push("retry");
  if (job.state === "done" && job.has_original) names.push("finish");
  return [...names, "discard"];
}
