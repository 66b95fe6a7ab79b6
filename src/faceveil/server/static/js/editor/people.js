// A card for each person, where people were told apart: hide or keep acts on all their tracks.

import { button, el, keysLeave, opensByKeys } from "../dom.js";
import { duration } from "../format.js";
import { bind, say, t } from "../i18n.js";
import { icon } from "../icons.js";
import { nameOf } from "./names.js";
import { personsIn, secondsOf, together } from "./persons.js";
import { faceButton } from "./thumbnail.js";
import { timebar } from "./timebar.js";
import { span } from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("./model.js").Model} Model */
/**
 * @typedef {object} Card
 * @property {HTMLElement} node
 * @property {HTMLElement} about
 * @property {ReturnType<typeof timebar> | null} bar
 * @property {HTMLElement} only
 * @property {HTMLElement} keep
 * @property {HTMLElement} members
 * @property {HTMLSelectElement} join
 * @property {Map<number, HTMLElement>} rows of the tracks, once the card was opened
 * @property {Track[]} drawn the tracks as they were when it was reckoned when they are there
 * @property {ReturnType<typeof together>} whole that
 */

export class People {
  /** @type {Map<number, Card>} */
  #cards = new Map();

  /**
   * @param {Model} model @param {{id: string}} job @param {(id: number) => void} visit shows a track
   * @param {(() => void) | null} group has people told apart that were not; null: the service cannot
   */
  constructor(model, job, visit, group) {
    this.model = model;
    this.job = job;
    this.visit = visit;
    this.group = group && button("editor.group", icon("compare"), group, { kind: "group" });
    this.list = el("ul", { class: "people-cards" });
    this.rest = el("p", { class: "small soft" });
    this.node = el("section", { class: "people", tLabel: "editor.people" }, el("h3", { t: "editor.people" }), this.list, this.rest, this.group);
  }

  render() {
    const { tracks } = this.model;
    const people = personsIn(tracks);
    for (const [person, mine] of people) {
      const card = this.#cards.get(person) ?? this.#newCard(person, mine);
      this.#fill(card, person, mine);
    }
    for (const [person, card] of this.#cards) {
      if (people.has(person)) continue;
      keysLeave(card.node);
      card.node.remove();
      this.#cards.delete(person);
    }
    if (this.group) this.group.hidden = people.size > 0 || tracks.length < 2;
    this.node.hidden = !people.size && (this.group?.hidden ?? true);
    const n = tracks.length - [...people.values()].flat().length;
    this.rest.hidden = !n || !people.size;
    say(this.rest, "editor.people.rest", { n });
  }

  /** @param {number} person @param {Track[]} mine */
  #newCard(person, mine) {
    const { model } = this;
    const best = mine.reduce((a, b) => (b.seen.size > a.seen.size ? b : a));
    const name = { name: () => called(person) };
    const looks = faceButton(model, this.job, best.id, name, this.visit);
    const title = el("b", { class: "face-name" });
    say(title, "editor.person", { number: person });
    const bar = model.isVideo ? timebar(model.frames, (frame) => model.go(frame)) : null;
    const about = bar
      ? el("button", { type: "button", class: "quiet when small soft", tTitle: "editor.start", onclick: () => this.#begin(person) })
      : el("span", { class: "small soft" });
    const only = button("editor.only", icon("eye"), () => model.only(person), { kind: "only" });
    bind(only, "aria-label", "editor.only.of", name);
    const keep = el("button", { type: "button", class: "keep", onclick: () => model.setPerson(person, !visible(model, person).length) });
    const members = el("ul", { class: "members", id: `person-${person}`, hidden: true });
    const open = button("editor.members", icon("next"), () => this.#open(person, open), { bare: true, kind: "quiet members-open", params: name });
    open.setAttribute("aria-expanded", "false");
    open.setAttribute("aria-controls", members.id);
    const join = el("select", { class: "join", hidden: true });
    bind(join, "aria-label", "editor.join.of", name);
    opensByKeys(join);
    join.addEventListener("change", () => join.value && this.#join(person, Number(join.value)));
    const head = el("div", { class: "person-head" }, looks, el("div", { class: "face-lines" }, title, about, bar?.node), open);
    const node = el("li", { class: "person" }, head, el("div", { class: "person-acts" }, only, keep), members, join);
    /** @type {Card} */
    const card = { node, about, bar, only, keep, members, join, rows: new Map(), drawn: [], whole: together([]) };
    // In the order of their numbers, also after an undo has brought one back.
    const after = [...this.#cards].filter(([other]) => other > person).sort(([a], [b]) => a - b)[0];
    this.list.insertBefore(node, after?.[1].node ?? null);
    this.#cards.set(person, card);
    return card;
  }

  /** @param {Card} card @param {number} person @param {Track[]} mine */
  #fill(card, person, mine) {
    const { model } = this;
    const kept = mine.filter((track) => track.keep).length;
    const look = kept === mine.length ? "kept" : kept ? "partly" : "hidden";
    const alone = look === "kept" && model.tracks.every((track) => !track.keep || mine.includes(track));
    const another = card.node.dataset.look !== look;
    card.node.dataset.look = look;
    card.node.classList.toggle("is-kept", look === "kept");
    card.only.setAttribute("aria-pressed", String(alone));
    card.keep.replaceChildren(icon(kept ? "eye" : "veil"), el("span", { t: `editor.${look}` }));
    card.keep.setAttribute("aria-pressed", String(!kept));
    bind(card.keep, "aria-label", `editor.row.${look}`, { name: () => called(person) });
    // Most edits leave the times of most people as they are, and of a long film they are many.
    const anew = !sameTimes(card.drawn, mine);
    if (anew) {
      card.drawn = mine;
      card.whole = together(mine);
      const seconds = secondsOf(model, card.whole);
      say(card.about, model.isVideo ? "editor.person.time" : "editor.person.faces", { n: mine.length, time: () => duration(seconds) });
    }
    if (anew || another) card.bar?.draw(card.whole);
    card.join.hidden = card.members.hidden;
    if (card.members.hidden) return;
    this.#list(card, person, mine);
    const others = [...personsIn(model.tracks).keys()].filter((other) => other !== person);
    card.join.hidden = !others.length;
    const options = others.map((other) => el("option", { value: other, t: ["editor.join", { name: () => called(other) }] }));
    card.join.replaceChildren(el("option", { value: "", t: "editor.join.none" }), ...options);
  }

  /** The card of both keeps the focus. @param {number} person @param {number} into */
  #join(person, into) {
    this.#cards.get(into)?.only.focus();
    this.model.joinPersons(person, into);
  }

  /** Go to where somebody is there first. @param {number} person */
  #begin(person) {
    const mine = personsIn(this.model.tracks).get(person) ?? [];
    this.model.go(Math.min(...mine.map((track) => span(track)[0])));
  }

  /** @param {number} person @param {HTMLElement} opener */
  #open(person, opener) {
    const card = this.#cards.get(person);
    if (!card) return;
    card.members.hidden = !card.members.hidden;
    opener.setAttribute("aria-expanded", String(!card.members.hidden));
    this.#fill(card, person, personsIn(this.model.tracks).get(person) ?? []);
  }

  /** @param {Card} card @param {number} person @param {Track[]} mine */
  #list(card, person, mine) {
    for (const [id, row] of card.rows) {
      if (mine.some((track) => track.id === id)) continue;
      const next = row.nextElementSibling ?? row.previousElementSibling;
      if (row.contains(document.activeElement)) focusIn(next ?? card.only);
      row.remove();
      card.rows.delete(id);
    }
    for (const track of mine) {
      const row = card.rows.get(track.id) ?? this.#newMember(person, track);
      row.classList.toggle("is-kept", track.keep);
      card.rows.set(track.id, row);
      if (card.members.children[mine.indexOf(track)] !== row) card.members.insertBefore(row, card.members.children[mine.indexOf(track)] ?? null);
    }
  }

  /** @param {number} person @param {Track} track */
  #newMember(person, track) {
    const looks = faceButton(this.model, this.job, track.id, { name: () => nameOf(track) }, this.visit);
    const out = button("editor.pull", icon("cross"), () => this.model.pullOut(track.id), {
      bare: true,
      kind: "pull",
      params: { name: () => nameOf(track), person: () => called(person) },
    });
    return el("li", { class: "member" }, looks, out);
  }
}

/** Are they the same tracks, there at the same times? @param {Track[]} before @param {Track[]} now */
const sameTimes = (before, now) =>
  before.length === now.length && now.every((track, i) => track.boxes === before[i].boxes && track.seen === before[i].seen);

/** @param {number} person */
const called = (person) => t("editor.person", { number: person });

/** Those of a person's tracks that stay visible. @param {Model} model @param {number} person */
const visible = (model, person) => (personsIn(model.tracks).get(person) ?? []).filter((track) => track.keep);

/** @param {Element} node */
function focusIn(node) {
  const target = node.matches("button") ? node : node.querySelector(".pull");
  if (target instanceof HTMLElement) target.focus();
}
