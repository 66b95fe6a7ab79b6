// All faces in a row each: what it looks like, when it is there, whether it stays visible.

import { button, el, reveal } from "../dom.js";
import { bind, say } from "../i18n.js";
import { icon } from "../icons.js";
import { People } from "./people.js";
import { nameOf, partOf } from "./names.js";
import { timebar } from "./timebar.js";
import { faceButton } from "./thumbnail.js";
import { span } from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("./model.js").Model} Model */
/**
 * @typedef {object} Row
 * @property {HTMLElement} node
 * @property {HTMLElement} keep
 * @property {ReturnType<typeof timebar> | null} bar
 * @property {HTMLElement} when
 * @property {Track | null} shown
 */

export class Strip {
  /** @type {Map<number, Row>} */
  #rows = new Map();

  /**
   * @param {Model} model @param {{id: string}} job @param {import("./stage.js").Stage} view
   * @param {(() => void) | null} group see `People`
   */
  constructor(model, job, view, group) {
    this.model = model;
    this.job = job;
    this.view = view;
    this.count = el("p", { class: "small soft", role: "status" });
    this.list = el("ul", { class: "strip" });
    this.people = new People(model, job, (id) => this.visit(id), group);
    this.lists = el("div", { class: "side-lists" }, this.people.node, this.list);
    this.node = el(
      "aside",
      { class: "side", tLabel: "editor.faces" },
      el(
        "header",
        { class: "side-head" },
        el("h3", { t: "editor.faces" }),
        this.count,
        el(
          "div",
          { class: "row" },
          button("editor.hide.all", icon("veil"), () => model.setAll(false)),
          button("editor.keep.all", icon("eye"), () => model.setAll(true)),
        ),
      ),
      this.lists,
    );
    model.listen((what) => this.render(what));
  }

  /** @param {import("./model.js").What} what */
  render(what = "tracks") {
    const { model } = this;
    // All lanes show where the film stands; no more is done for each picture that is played.
    this.node.style.setProperty("--at", String(model.frame / model.frames));
    if (what === "playing") return;
    for (const track of model.tracks) {
      const row = this.#rows.get(track.id) ?? this.#newRow(track.id);
      if (row.shown !== track) this.#fill(row, track);
      row.node.classList.toggle("selected", model.selected === track.id);
      if (what === "selected" && model.selected === track.id) reveal(this.lists, row.node);
    }
    for (const [id, row] of this.#rows) {
      if (model.has(id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    if (what === "tracks") this.people.render();
    say(this.count, "editor.count", model.counts);
  }

  /** @param {number} id */
  #newRow(id) {
    const { model } = this;
    const track = model.track(id);
    const looks = faceButton(model, this.job, id, { name: () => nameOf(track) }, (one) => this.visit(one));
    const name = el("span", { class: "face-name" });
    say(name, "editor.name", { name: () => nameOf(track) });
    const bar = model.isVideo ? timebar(model.frames, (frame) => model.go(frame)) : null;
    const when = bar
      ? el("button", { type: "button", class: "quiet when small soft", tTitle: "editor.start", onclick: () => this.#begin(id) })
      : el("span", { class: "small soft" });
    const keep = el("button", { type: "button", class: "keep", onclick: () => model.toggle(id) });
    const checked = track.origin === "checked";
    const mark = checked ? el("span", { class: "small check-mark" }, icon("shield"), el("span", { t: "editor.checked" })) : null;
    const remove = button(checked ? "editor.dismiss" : "editor.delete", icon("trash"), () => model.remove(id), { bare: true, kind: "quiet" });
    const lines = el("div", { class: "face-lines" }, el("div", { class: "face-title" }, name, when), mark, bar?.node);
    const node = el("li", { class: "strip-row" }, looks, lines, keep, remove);
    /** @type {Row} */
    const row = { node, keep, bar, when, shown: null };
    this.#rows.set(id, row);
    // In the order of the model, also after an undo has brought one back.
    const after = model.tracks.slice(model.tracks.indexOf(track) + 1).find((later) => this.#rows.has(later.id));
    this.list.insertBefore(node, (after && this.#rows.get(after.id)?.node) ?? null);
    return row;
  }

  /** @param {Row} row @param {Track} track */
  #fill(row, track) {
    row.shown = track;
    row.keep.replaceChildren(icon(track.keep ? "eye" : "veil"), el("span", { t: track.keep ? "editor.kept" : "editor.hidden" }));
    row.keep.setAttribute("aria-pressed", String(!track.keep));
    bind(row.keep, "aria-label", track.keep ? "editor.row.kept" : "editor.row.hidden", { name: () => nameOf(track) });
    row.node.classList.toggle("is-kept", track.keep);
    row.bar?.draw(track);
    const [from, to] = span(track);
    if (this.model.paged) {
      // A long path breaks between its parts.
      say(row.when, "editor.on", { name: () => partOf(this.model.parts[from]).replaceAll("/", "/\u200b") });
    } else if (row.bar) {
      say(row.when, "editor.span", { from: from + 1, to: to + 1 });
      bind(row.when, "aria-label", "editor.start.of", { from: from + 1, to: to + 1, name: () => nameOf(track) });
    }
  }

  /** Go to where a face is seen first. @param {number} id */
  #begin(id) {
    this.model.go(span(this.model.track(id))[0]);
    this.model.pick(id);
  }

  /**
   * Show a face: on the frame at hand if it is there, else where it is surest. In a document that is
   * its page.
   * @param {number} id
   */
  visit(id) {
    const track = this.model.track(id);
    if (this.model.paged) this.model.go(span(track)[0]);
    else if (!track.boxes.has(this.model.frame)) {
      const best = [...track.seen].sort((a, b) => b[1].score - a[1].score)[0];
      this.model.go(best ? best[0] : span(track)[0]);
    }
    this.model.pick(id);
    this.view.focus(id);
  }
}
