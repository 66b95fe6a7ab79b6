// The review of one job in a dialog: look, correct, save, and have it obscured again.

import { getPlan, getReport, putPlan, render } from "../api.js";
import { announce, button, el, speakIn } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";
import { complain } from "../toast.js";
import { press } from "./keys.js";
import { asTracks, missedFaces } from "./missed.js";
import { Model } from "./model.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";
import { timeline } from "./timeline.js";

const KEYS = ["tab", "space", "arrows", "shift", "delete", "new", "undo", "step", "bounds", "escape"];
const OF_VIDEO = new Set(["step", "bounds"]);

/** @typedef {Service.Job} Job */
/** @typedef {import("./missed.js").Missed} Missed */

export class Editor {
  /** @param {(job: Job) => void} onsaved called with the job that is now rendered */
  constructor(onsaved) {
    this.onsaved = onsaved;
  }

  /** @param {Job} job */
  async open(job) {
    try {
      const plan = await getPlan(job);
      const missed = job.state === "withheld" ? missedFaces(await getReport(job)) : [];
      new Session(job, new Model(plan), missed, this.onsaved).show();
    } catch (error) {
      complain(error);
    }
  }
}

class Session {
  /**
   * @param {Job} job @param {Model} model
   * @param {Missed[]} missed faces that the check still found in the result
   * @param {(job: Job) => void} onsaved
   */
  constructor(job, model, missed, onsaved) {
    this.job = job;
    this.model = model;
    this.onsaved = onsaved;
    this.stage = new Stage(model, job);
    this.strip = new Strip(model, job, this.stage);
    this.help = helpOf(model);
    this.undoing = button("editor.undo", icon("undo"), () => model.undo(), { bare: true });
    this.redoing = button("editor.redo", icon("redo"), () => model.redo(), { bare: true });
    this.saving = button("editor.save", icon("shield"), () => this.save(), { kind: "primary" });
    /** @type {Element | null} */
    this.before = null;
    /** @type {HTMLDialogElement} */
    this.dialog = el(
      "dialog",
      { class: "editor", "aria-labelledby": "editor-title", tabindex: -1 },
      this.#head(),
      el(
        "div",
        { class: "editor-body" },
        el(
          "div",
          { class: "canvas" },
          el("div", { class: "canvas-head" }, this.#tools(), missed.length ? this.#missed(missed) : null),
          this.stage.node,
          model.frames > 1 ? timeline(model) : null,
        ),
        this.strip.node,
      ),
      this.#foot(),
      this.help,
    );
    this.leaving = this.#question();
    this.dialog.append(this.leaving);
    model.listen((what) => {
      if (what === "tracks") this.#refresh();
    });
    this.dialog.addEventListener("keydown", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.defaultPrevented || target.closest("dialog") !== this.dialog) return;
      if (press(event, model, this.stage)) event.preventDefault();
    });
    this.dialog.addEventListener("cancel", (event) => {
      if (event.target !== this.dialog) return;
      event.preventDefault();
      this.leave();
    });
  }

  show() {
    this.before = document.activeElement;
    document.body.append(this.dialog);
    document.body.classList.add("editing");
    this.dialog.showModal();
    speakIn(this.dialog);
    this.strip.render();
    this.#refresh();
    this.dialog.focus();
  }

  leave() {
    if (!this.model.changed) return this.close();
    this.leaving.showModal();
  }

  close() {
    this.stage.close();
    speakIn(document.body);
    this.dialog.close();
    this.dialog.remove();
    document.body.classList.remove("editing");
    const back = this.before?.isConnected ? this.before : document.querySelector(`[data-job="${this.job.id}"]`);
    if (back instanceof HTMLElement) back.focus();
  }

  async save() {
    this.saving.disabled = true;
    try {
      if (this.model.changed) await putPlan(this.job, this.model.toPlan());
      const job = await render(this.job);
      this.close();
      this.onsaved(job);
    } catch (error) {
      this.saving.disabled = false;
      complain(error);
    }
  }

  #head() {
    const close = button("close", icon("cross"), () => this.leave(), { bare: true, kind: "quiet" });
    const title = el("h2", { id: "editor-title", title: this.job.name }, this.job.name);
    return el("header", { class: "editor-head" }, title, close);
  }

  #tools() {
    const { model, stage } = this;
    const bare = { bare: true };
    const add = () => {
      const made = model.add();
      if (made !== null) stage.focus(made);
    };
    return el(
      "div",
      { class: "row tools", role: "toolbar", tLabel: "editor.tools" },
      button("editor.new", icon("box"), add),
      this.undoing,
      this.redoing,
      el("span", { class: "gap" }),
      button("editor.zoom.out", icon("minus"), () => stage.zoom(-1), bare),
      button("editor.zoom.in", icon("plus"), () => stage.zoom(1), bare),
      button("editor.keys", icon("keyboard"), () => this.help.showModal(), bare),
    );
  }

  /** What kept the result from being handed out, and the way to mend it. @param {Missed[]} missed */
  #missed(missed) {
    const { model } = this;
    const tracks = asTracks(missed, model.plan.cuts, model.frames);
    model.go(missed[0].frame);
    const cover = () => {
      model.addAll(tracks);
      notice.remove();
      this.dialog.focus();
    };
    /** @type {HTMLElement} */
    const notice = el(
      "div",
      { class: "missed", role: "status" },
      icon("warning"),
      el("span", { t: ["editor.missed", { n: tracks.length }] }),
      button("editor.cover", icon("veil"), cover),
    );
    return notice;
  }

  #foot() {
    const legend = el(
      "ul",
      { class: "legend small" },
      ...["hidden", "filled", "kept"].map((look) =>
        look === "filled" && this.model.frames < 2
          ? null
          : el("li", {}, el("i", { class: `sample ${look}` }), el("span", { t: `editor.legend.${look}` })),
      ),
    );
    const hint = el("p", { class: "small soft hint", t: "editor.hint" });
    return el("footer", { class: "editor-foot" }, el("div", {}, legend, hint), this.saving);
  }

  #question() {
    /** @type {HTMLDialogElement} */
    const ask = el(
      "dialog",
      { class: "small-dialog", tLabel: "editor.leave" },
      el("p", { t: "editor.leave" }),
      el(
        "div",
        { class: "row" },
        button("editor.stay", icon("edit"), () => ask.close(), { kind: "primary" }),
        button("editor.drop", icon("trash"), () => this.close()),
      ),
    );
    return ask;
  }

  #refresh() {
    this.undoing.disabled = !this.model.canUndo;
    this.redoing.disabled = !this.model.canRedo;
    announce(t("editor.count", counts(this.model)));
  }
}

/** @param {Model} model */
function counts(model) {
  const kept = model.tracks.filter((track) => track.keep).length;
  return { hidden: model.tracks.length - kept, kept };
}

/** @param {Model} model */
function helpOf(model) {
  const shown = KEYS.filter((name) => model.frames > 1 || !OF_VIDEO.has(name));
  const rows = shown.map((name) => [el("dt", { t: `keys.${name}.keys` }), el("dd", { t: `keys.${name}` })]);
  /** @type {HTMLDialogElement} */
  const help = el(
    "dialog",
    { class: "small-dialog", tLabel: "editor.keys" },
    el("h3", { t: "editor.keys" }),
    el("dl", { class: "keys" }, ...rows.flat()),
    model.frames > 1 ? el("p", { class: "small soft", t: "editor.following" }) : null,
    button("close", icon("check"), () => help.close(), { kind: "primary" }),
  );
  return help;
}
