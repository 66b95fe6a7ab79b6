// All faces in a row each: what it looks like, when it is there, whether it stays visible.

import { urls } from "../api.js";
import { button, el } from "../dom.js";
import { bind, say } from "../i18n.js";
import { icon } from "../icons.js";
import { nameOf } from "./names.js";
import { timebar } from "./timebar.js";
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

  /** @param {Model} model @param {{id: string}} job @param {import("./stage.js").Stage} view */
  constructor(model, job, view) {
    this.model = model;
    this.job = job;
    this.view = view;
    this.count = el("p", { class: "small soft", role: "status" });
    this.list = el("ul", { class: "strip" });
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
      this.list,
    );
    model.listen((what) => this.render(what));
  }

  /** @param {import("./model.js").What} what */
  render(what = "tracks") {
    const { model } = this;
    for (const track of model.tracks) {
      const row = this.#rows.get(track.id) ?? this.#newRow(track.id);
      if (row.shown !== track || what === "frame") this.#fill(row, track);
      row.node.classList.toggle("selected", model.selected === track.id);
      if (what === "selected" && model.selected === track.id) row.node.scrollIntoView({ block: "nearest" });
    }
    for (const [id, row] of this.#rows) {
      if (model.has(id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    const kept = model.tracks.filter((track) => track.keep).length;
    say(this.count, "editor.count", { hidden: model.tracks.length - kept, kept });
  }

  /** @param {number} id */
  #newRow(id) {
    const { model } = this;
    const track = model.track(id);
    const looks = el("button", { type: "button", class: "face-thumb", onclick: () => this.#visit(id) });
    bind(looks, "aria-label", "editor.show", { name: () => nameOf(track) });
    looks.append(this.#thumbnail(track));
    const name = el("span", { class: "face-name" });
    say(name, track.origin === "manual" ? "editor.box" : "editor.face", { number: id + 1 });
    const when = el("span", { class: "small soft" });
    const keep = el("button", { type: "button", class: "keep", onclick: () => model.toggle(id) });
    const remove = button("editor.delete", icon("trash"), () => model.remove(id), { bare: true, kind: "quiet" });
    const bar = model.frames > 1 ? timebar(model.frames, (frame) => model.go(frame)) : null;
    const lines = el("div", { class: "face-lines" }, el("div", { class: "face-title" }, name, when), bar?.node);
    const node = el("li", { class: "strip-row" }, looks, lines, keep, remove);
    /** @type {Row} */
    const row = { node, keep, bar, when, shown: null };
    this.#rows.set(id, row);
    // In the order of the model, also after an undo has brought one back.
    const after = model.tracks.slice(model.tracks.indexOf(track) + 1).find((later) => this.#rows.has(later.id));
    this.list.insertBefore(node, (after && this.#rows.get(after.id)?.node) ?? null);
    return row;
  }

  /** @param {Track} track */
  #thumbnail(track) {
    const picture = el("img", { src: urls.thumbnail(this.job, track.id), alt: "", loading: "lazy" });
    picture.addEventListener("error", () => picture.replaceWith(icon("box")));
    // The service knows nothing yet of what was just drawn.
    return this.model.plan.tracks.some((known) => known.id === track.id) ? picture : icon("box");
  }

  /** @param {Row} row @param {Track} track */
  #fill(row, track) {
    row.shown = track;
    row.keep.replaceChildren(icon(track.keep ? "eye" : "veil"), el("span", { t: track.keep ? "editor.kept" : "editor.hidden" }));
    row.keep.setAttribute("aria-pressed", String(!track.keep));
    bind(row.keep, "aria-label", track.keep ? "editor.row.kept" : "editor.row.hidden", { name: () => nameOf(track) });
    row.node.classList.toggle("is-kept", track.keep);
    row.bar?.draw(track, this.model.frame);
    if (row.bar) {
      const [from, to] = span(track);
      say(row.when, "editor.span", { from: from + 1, to: to + 1 });
    }
  }

  /** Show a face: on the frame at hand if it is there, else where it is surest. @param {number} id */
  #visit(id) {
    const track = this.model.track(id);
    if (!track.boxes.has(this.model.frame)) {
      const best = [...track.seen].sort((a, b) => b[1].score - a[1].score)[0];
      this.model.go(best ? best[0] : span(track)[0]);
    }
    this.model.select(id);
    this.view.focus(id);
  }
}
