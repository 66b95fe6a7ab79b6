// One job: what it is, how far it is, what can be done with it. Among many it is a tile until it is opened.

import { fetchAhead } from "./ahead.js";
import { act, urls } from "./api.js";
import { announce, button, el, refill, write } from "./dom.js";
import { comparison } from "./compare.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { factsOf, notesOf, paceOf } from "./job-words.js";
import { isMarked, mayRetry, standingOf, stateOf } from "./standing.js";
import { isBusy, isPaged } from "./store.js";
import { complain } from "./toast.js";

/** @type {Record<string, string>} */
const SIGNS = { cancelled: "cross", done: "check", failed: "warning", withheld: "shield", look: "eye", queued: "clock" };
/** @type {Record<string, string>} */
const PICTURES = { download: "download", report: "file", evidence: "shield", edit: "edit", compare: "compare", discard: "trash", cancel: "cross", retry: "retry", finish: "trash" };
/** What is saved rather than done. @type {Record<string, (job: {id: string}) => string>} */
const FILES = { download: urls.result, report: urls.page, evidence: urls.evidence };
const TOLD_EVERY = 0.25;
/** As wide as a tile on the screen, and no more: of hundreds of pictures the browser keeps every pixel. */
const THUMBNAIL_PX = Math.round(Math.min(240, 144 * (globalThis.devicePixelRatio ?? 1)));

/** @typedef {Service.Job} Job */
/**
 * @typedef {object} Tools
 * @property {(job: Job) => void} edit opens the editor
 * @property {(job: Job) => void} discard
 * @property {(card: JobCard) => void} opened is told what a person, or the page, has opened
 */

export class JobCard {
  /** @param {Job} job @param {import("./store.js").Store} store @param {Tools} tools */
  constructor(job, store, tools) {
    this.store = store;
    this.tools = tools;
    this.job = job;
    this.open = false;
    this.tile = false;
    this.compared = "";
    this.actionsFor = "";
    this.stateFor = "";
    this.told = 0;
    this.opener = el("button", { type: "button", class: "opener", onclick: () => this.#toggle() }, icon("cross"));
    this.picture = el("div", { class: "thumb" });
    this.name = el("h3", { class: "job-name", title: job.name }, job.name);
    this.state = el("span", { class: "state" });
    this.facts = el("p", { class: "facts" });
    this.bar = el("progress", { max: 1, "aria-label": job.name });
    this.pace = el("p", { class: "pace soft small" });
    this.notes = el("div", { class: "notes" });
    this.actions = el("div", { class: "row actions" });
    this.result = el("div", { class: "result" });
    const head = el("div", { class: "job-head" }, this.name, this.state);
    const body = el("div", { class: "job-body" }, head, this.facts, this.bar, this.pace, this.notes, this.actions);
    this.node = el("li", { class: "job", tabindex: -1, "data-job": job.id }, this.opener, this.picture, this.result, body);
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    this.node.dataset.state = stateOf(job);
    this.node.dataset.standing = standingOf(job);
    this.#showState();
    this.#showProgress();
    this.#showAll();
    this.#showPicture();
  }

  /** What depends on whether it is open. */
  #showAll() {
    this.#showOpen();
    this.#showActions();
    // In a tile nobody sees them.
    this.notes.replaceChildren(...(this.tile && !this.open ? [] : notesOf(this.job)));
  }

  /** Show a picture and its state alone, or all there is to know. @param {boolean} yes */
  asTile(yes) {
    if (this.tile === yes) return;
    this.tile = yes;
    this.#showAll();
  }

  /** Show the comparison, if there is one; of a tile all else, too. @param {{into?: boolean}} how into: bring it into view */
  show({ into = false } = {}) {
    this.open = true;
    this.#showAll();
    this.tools.opened(this);
    if (into) this.node.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.open = false;
    this.#showAll();
  }

  get #comparable() {
    return this.job.has_result && this.job.frames !== 0;
  }

  #toggle() {
    if (this.open) this.close();
    else this.show({ into: true });
  }

  #showOpen() {
    const { job, open } = this;
    this.node.classList.toggle("open", open);
    if (!open) this.node.classList.remove("first");
    this.opener.hidden = !this.tile;
    this.opener.setAttribute("aria-expanded", String(open));
    const what = [t(`state.${stateOf(job)}`), factsOf(job)].filter(Boolean).join(" · ");
    this.opener.setAttribute("aria-label", open ? t("tile.close", { name: job.name }) : t("about.file", { name: job.name, what }));
    const version = this.store.version(job.id);
    // An original that is deleted goes from the page, too.
    const wanted = open && this.#comparable ? `${version} ${job.has_original} ${job.has_plan}` : "";
    if (wanted === this.compared) return;
    this.compared = wanted;
    this.node.classList.toggle("compared", wanted !== "");
    this.result.replaceChildren(...(wanted ? [comparison(job, version)] : []));
  }

  #showState() {
    const { job } = this;
    const sign = SIGNS[standingOf(job)];
    const words = t(isMarked(job, "none") ? "state.none" : `state.${stateOf(job)}`);
    const wanted = `${sign} ${words}`;
    if (wanted !== this.stateFor) this.state.replaceChildren(sign ? icon(sign) : el("span", { class: "spinner" }), words);
    this.stateFor = wanted;
    write(this.facts, factsOf(job));
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
    write(this.pace, paceOf(job));
  }

  /** Those who listen hear each quarter, not each frame. @param {number} share */
  #tellShare(share) {
    if (share < this.told) this.told = 0;
    if (share < this.told + TOLD_EVERY || share >= 1) return;
    this.told = share - (share % TOLD_EVERY);
    announce(t("about.file", { name: this.job.name, what: `${Math.round(share * 100)} %` }));
  }

  #showActions() {
    const { job, open } = this;
    const names = this.tile && !open ? [] : actionsOf(job).filter((name) => !(this.tile && name === "compare"));
    const wanted = `${names.join(" ")} ${open}`;
    if (wanted === this.actionsFor) return;
    this.actionsFor = wanted;
    refill(this.actions, names.map((name) => this.#action(name, open)), "action", this.node);
  }

  /** @param {string} name @param {boolean} open */
  #action(name, open) {
    const { job } = this;
    /** @type {Record<string, () => unknown>} */
    const does = {
      edit: () => this.tools.edit(this.job),
      compare: () => this.#toggle(),
      discard: () => this.tools.discard(this.job),
      cancel: () => act(job, "cancel").catch(complain),
      retry: () => act(job, "retry").catch(complain),
      finish: () => act(job, "finish").catch(complain),
    };
    let made;
    if (name in FILES) {
      const words = el("span", { t: `action.${name}` });
      const kind = name === "download" ? "primary" : "quiet";
      made = el("a", { class: `button ${kind}`, href: FILES[name](job), download: "" }, icon(PICTURES[name]), words);
    } else {
      const key = name === "compare" && open ? "action.close" : `action.${name}`;
      const primary = name === "edit" && job.state !== "done";
      const quiet = ["discard", "finish", "cancel"].includes(name);
      made = button(key, icon(PICTURES[name]), does[name], { kind: primary ? "primary" : quiet ? "quiet" : "" });
      if (name === "compare") made.setAttribute("aria-expanded", String(open));
    }
    if (name === "finish") made.title = t("action.finish.help");
    made.dataset.action = name;
    return made;
  }

  #showPicture() {
    const { job } = this;
    /** @type {"result" | "original" | ""} */
    const of = job.frames === 0 ? "" : job.has_result ? "result" : job.state === "review" && job.has_original ? "original" : "";
    const wanted = of && urls.frame(job, 0, of, THUMBNAIL_PX, this.store.version(job.id));
    const shown = wanted || String(job.kind);
    if (this.picture.dataset.shown === shown) return;
    this.picture.dataset.shown = shown;
    const sign = icon(!job.kind || isPaged(job) ? "file" : job.kind === "video" ? "video" : "photo");
    const picture = wanted ? el("img", { loading: "lazy", decoding: "async", src: wanted, alt: "" }) : null;
    this.picture.replaceChildren(picture ?? sign);
    if (picture) fetchAhead(picture);
    // The service was away: with the next that is heard of it, it is asked for anew.
    picture?.addEventListener("error", () => delete this.picture.dataset.shown, { once: true });
    if (wanted && job.kind === "video") this.picture.append(el("span", { class: "badge" }, icon("video")));
  }
}

/** What a person can do with a job in its state, first things first. @param {Job} job */
export function actionsOf(job) {
  if (isBusy(job)) return ["cancel"];
  const editable = job.has_original && job.has_plan;
  const names = [];
  if (job.state === "review") names.push("edit");
  if (job.has_result && job.state === "done") names.push("download");
  if (job.has_result && job.state === "done" && job.frames !== 0) names.push("compare");
  if (job.state !== "review" && editable) names.push("edit");
  if (job.state === "failed" && job.has_original && mayRetry(job)) names.push("retry");
  if (job.state === "done" && job.has_result) names.push("report", "evidence");
  if (job.state === "withheld") names.push("report");
  if (job.state === "done" && job.has_original) names.push("finish");
  return [...names, "discard"];
}
