// What was recorded with the camera: it lies with the service, so no reload and no crash loses it.

import { discardRecording, listRecordings, urls } from "./api.js";
import { Bin } from "./bin.js";
import { button, el } from "./dom.js";
import { unfold } from "./fold.js";
import { duration, moment, size } from "./format.js";
import { language, onLanguage, say } from "./i18n.js";
import { icon } from "./icons.js";

const AGAIN_MS = 500;
const POSTER_PX = 320;
/** The share of the room that may be taken before it is said. */
const NEARLY = 0.8;

/** @typedef {Service.Recording} Recording */

/**
 * @param {(id: string) => void} goOn records on where one ended
 * @param {() => string} own the id of the one that this page makes now, or ""
 */
export function recordingsList(goOn, own) {
  const list = el("ul", { class: "recordings" });
  const room = el("p", { class: "small warn", role: "status", hidden: true });
  const node = el("section", { class: "recorded", hidden: true, tLabel: "recordings.title" }, el("h3", { t: "recordings.title" }), el("p", { class: "soft small", t: "recordings.about" }), room, list);
  /** @type {Recording[]} */
  let all = [];
  /** @type {Set<string>} */
  const hidden = new Set();
  /** To be saved as soon as they are made. @type {Set<string>} */
  const awaited = new Set();
  /** @type {Map<string, {of: string, row: HTMLElement}>} */
  const rows = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let clock;
  const bin = new Bin({
    hide: (id) => (hidden.add(id), render()),
    unhide: (id) => (hidden.delete(id), render()),
  });

  const refresh = async () => {
    clearTimeout(clock);
    try {
      const { recordings, bytes, most_bytes: most } = await listRecordings();
      all = recordings;
      room.hidden = bytes < most * NEARLY;
      say(room, "recordings.room", { used: () => size(bytes), most: () => size(most) });
    } catch {
      // The service is away; the page says so, and asks again.
      clock = setTimeout(refresh, 4 * AGAIN_MS);
      return;
    }
    render();
    for (const one of all) if (!one.open && awaited.delete(one.id)) save(one);
    // One that was broken off a moment ago is still being made into a film.
    if (all.some(({ id, open }) => open && id !== own())) clock = setTimeout(refresh, AGAIN_MS);
  };

  const render = () => {
    const shown = all.filter(({ id }) => !hidden.has(id) && id !== own()).reverse();
    node.hidden = !shown.length;
    for (const id of rows.keys()) if (!shown.some((one) => one.id === id)) rows.delete(id);
    const wanted = shown.map((one) => {
      const of = JSON.stringify([one, language()]);
      const row = rows.get(one.id);
      if (row?.of === of) return row.row;
      const made = rowOf(one);
      rows.set(one.id, { of, row: made });
      return made;
    });
    // A row that stays is not moved: what plays in it goes on.
    if (wanted.length !== list.children.length || wanted.some((row, at) => list.children[at] !== row)) list.replaceChildren(...wanted);
  };

  /** @param {Recording} one */
  const rowOf = (one) => {
    const what = [duration(one.seconds), one.width ? `${one.width}×${one.height}` : "", one.bytes ? size(one.bytes) : ""].filter(Boolean).join(" · ");
    const facts = el("div", {}, el("strong", {}, when(one.begun)), el("p", { class: "small soft" }, what));
    if (one.open) return el("li", { "data-recording": one.id }, el("div", { class: "recorded-view" }, icon("video")), el("div", {}, facts, el("p", { class: "small", t: "recordings.open" })));
    if (one.broken) facts.append(el("p", { class: "small warn", t: "recordings.broken" }));
    if (one.result_expires) facts.append(el("p", { class: "small soft", t: ["recordings.until", { time: () => when(one.result_expires ?? "") }] }));
    const film = el("video", { class: "recorded-view", controls: true, preload: "none", playsinline: true, poster: urls.recordingPicture(one, POSTER_PX), src: urls.recording(one), tLabel: ["recordings.film", { time: () => when(one.begun) }] });
    const tools = el(
      "div",
      { class: "row actions" },
      el("a", { class: `button ${one.broken ? "" : "primary"}`, href: urls.recording(one), download: one.name }, icon("download"), el("span", { t: "action.download" })),
      button("recordings.on", icon("video"), () => goOn(one.id), { kind: one.broken ? "primary" : "" }),
      button("recordings.delete", icon("trash"), () => bin.put([one], () => discardRecording(one).then(refresh)), { kind: "quiet" }),
    );
    return el("li", { "data-recording": one.id }, film, el("div", {}, facts, tools));
  };

  addEventListener("focus", refresh);
  onLanguage(render);
  refresh().then(() => {
    // What was broken off is offered where it can be seen.
    if (all.some(({ broken, open }) => broken || open)) unfold("camera", true, false);
  });
  return {
    node,
    refresh,
    /** @param {string} id */
    saveWhenMade: (id) => (awaited.add(id), refresh()),
  };
}

/** @param {Recording} one */
function save(one) {
  el("a", { href: urls.recording(one), download: one.name }).click();
}

/** A moment as a clock and a calendar have it. @param {string} iso */
const when = (iso) => new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(moment(iso));
