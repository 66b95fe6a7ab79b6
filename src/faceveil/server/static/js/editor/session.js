// The review of one job in a dialog: look, correct, save, and have it obscured again.

import { groupPeople, putPlan, render } from "../api.js";
import { announce, button, el, keysLeave, speakIn } from "../dom.js";
import { say, t } from "../i18n.js";
import { icon } from "../icons.js";
import { complain } from "../toast.js";
import { stand } from "./address.js";
import { Draft } from "./draft.js";
import { Follower } from "./follower.js";
import { footOf, helpOf } from "./help.js";
import { keeping } from "./keeping.js";
import { ZOOM, press } from "./keys.js";
import { asTracks } from "./missed.js";
import { Model } from "./model.js";
import { paging } from "./paging.js";
import { playerOf } from "./playing.js";
import { withSteps } from "./return.js";
import { selection } from "./selection.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";
import { timeline } from "./timeline.js";

/** @typedef {Service.Job} Job */
/** @typedef {import("./missed.js").Missed} Missed */

export class Session {
  /**
   * @param {Job} job @param {Model} model
   * @param {Service.Draft} draft the edits of an earlier review, which the model has
   * @param {Missed[]} missed faces that the check still found in the result
   * @param {{saved: (job: Job) => void, closed: () => void, next: (() => void) | null, grouping: ((job: Job) => void) | null}} on
   *   grouping: people are being told apart, and then the review goes on; null: the service cannot
   */
  constructor(job, model, draft, missed, on) {
    this.job = job;
    this.model = model;
    this.on = on;
    this.kept = el("p", { class: "small soft draft-state", role: "status" });
    this.draft = new Draft(job, draft, (how) => this.#tell(how));
    this.keeping = keeping(job);
    this.stage = new Stage(model, job);
    this.player = model.isVideo ? playerOf(model, job, this.stage) : null;
    this.follower = new Follower(model, job);
    this.stage.ondrawn = (id) => this.follower.start(id);
    this.drawing = this.#drawing();
    this.strip = new Strip(model, job, this.stage, on.grouping && (() => this.#group()));
    this.help = helpOf(model);
    this.undoing = button("editor.undo", icon("undo"), () => model.undo(), { bare: true });
    this.redoing = button("editor.redo", icon("redo"), () => model.redo(), { bare: true });
    this.resetting = button("editor.reset", icon("retry"), () => model.reset(), { bare: true });
    this.saving = [button("editor.save", icon("shield"), () => this.save(), { kind: "primary" })];
    const { next } = on;
    if (next) this.saving.unshift(button("editor.save.next", icon("next"), () => this.save(next)));
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
          el("div", { class: "canvas-head" }, this.#tools(), this.#films(), missed.length ? this.#missed(missed) : null),
          model.frames ? this.stage.node : el("p", { class: "empty soft", t: "editor.empty" }),
          this.player ? timeline(model, this.player) : model.frames > 1 ? paging(model) : null,
          model.frames ? selection(model, this.stage, this.follower) : null,
          model.isVideo ? this.follower.node : null,
        ),
        this.strip.node,
      ),
      footOf(this.model, this.saving),
      this.help,
    );
    if (model.changed) this.#tell("saved");
    model.listen((what) => {
      if (what === "frame") stand(job.id, model.frame);
      if (what !== "tracks") return;
      this.draft.save(model.edits);
      this.#refresh();
    });
    this.dialog.addEventListener("keydown", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.defaultPrevented || target.closest("dialog") !== this.dialog) return;
      if (press(event, model, this.stage, this.player, this.follower)) event.preventDefault();
    });
    this.dialog.addEventListener("cancel", (event) => {
      if (event.target !== this.dialog) return;
      event.preventDefault();
      this.close();
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

  /** Go on as before the page was loaded anew. @param {import("./return.js").Before} before */
  goOn({ steps, selected, view }) {
    withSteps(this.model, steps);
    this.#refresh();
    if (selected !== null && this.model.has(selected)) this.model.select(selected);
    this.stage.view = view;
    this.drawing.setAttribute("aria-pressed", String(view.drawing));
  }

  /** Nothing is lost: the edits are kept for the next time. */
  close() {
    this.follower.stop();
    this.stage.close();
    this.player?.close();
    this.keeping.end();
    speakIn(document.body);
    this.dialog.close();
    this.dialog.remove();
    document.body.classList.remove("editing");
    const back = this.before?.isConnected ? this.before : document.querySelector(`[data-job="${this.job.id}"]`);
    if (back instanceof HTMLElement) back.focus();
    this.on.closed();
  }

  /** @param {() => void} [next] leads on to another file */
  async save(next) {
    for (const one of this.saving) one.disabled = true;
    try {
      await this.#apply();
      const job = await render(this.job);
      this.close();
      this.on.saved(job);
      next?.();
    } catch (error) {
      for (const one of this.saving) one.disabled = false;
      complain(error);
    }
  }

  async #apply() {
    this.follower.stop();
    await this.draft.rest();
    if (this.model.changed) await putPlan(this.job, this.model.toPlan());
    this.draft.end();
  }

  /** The edits are applied first: tracks may be cut where they could be two people's. */
  async #group() {
    try {
      await this.#apply();
      const job = await groupPeople(this.job);
      this.close();
      this.on.grouping?.(job);
    } catch (error) {
      complain(error);
    }
  }

  #head() {
    const close = button("close", icon("cross"), () => this.close(), { bare: true, kind: "quiet" });
    const title = el("h2", { id: "editor-title", title: this.job.name }, this.job.name);
    const next = this.on.next && button("editor.next", icon("next"), this.on.next, { kind: "quiet" });
    return el("header", { class: "editor-head" }, title, this.kept, this.keeping.node, next, close);
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
      this.drawing,
      button("editor.new", icon("box"), add, bare),
      this.undoing,
      this.redoing,
      this.resetting,
      el("span", { class: "gap" }),
      button("editor.zoom.out", icon("minus"), () => stage.zoom(1 / ZOOM), bare),
      button("editor.zoom.in", icon("plus"), () => stage.zoom(ZOOM), bare),
      button("editor.keys", icon("keyboard"), () => this.help.showModal(), { bare: true, kind: "keys-open" }),
    );
  }

  /** A switch: drags draw, also over faces and where the picture is enlarged. */
  #drawing() {
    const { stage } = this;
    const draw = button("editor.draw", icon("edit"), () => {
      stage.drawing = !stage.drawing;
      draw.setAttribute("aria-pressed", String(stage.drawing));
    });
    draw.setAttribute("aria-pressed", "false");
    return draw;
  }

  /** Films in a document are looked at when it is obscured, so that nobody can review them here. */
  #films() {
    const n = this.model.plan.media.films.length;
    return n ? el("p", { class: "small soft", t: ["editor.films", { n }] }) : null;
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

  /** @param {import("./draft.js").Kept} how */
  #tell(how) {
    say(this.kept, `draft.${how}`);
    this.kept.classList.toggle("bad", how === "failed" || how === "elsewhere");
  }

  #refresh() {
    const { model } = this;
    enable(this.undoing, model.canUndo);
    enable(this.redoing, model.canRedo);
    enable(this.resetting, model.changed);
    announce(t("editor.count", model.counts));
  }
}

/** @param {HTMLButtonElement} button @param {boolean} able */
function enable(button, able) {
  if (!able) keysLeave(button);
  button.disabled = !able;
}
