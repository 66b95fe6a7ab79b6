// Messages, read out at once: short ones at the foot of the page, refusals of files above all else.
// They stay until they are closed.

import { button, byId, el } from "./dom.js";
import { problemWords } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { keepPlace, placeBefore } from "./place.js";
import { maySendAgain } from "./standing.js";

const OFFER_MS = 10_000;
/** What is still shown of refused files, so that a page loaded anew says it, too. @type {Map<HTMLElement, Refused[]>} */
const refusals = new Map();

/** @typedef {import("./api.js").Trouble} Trouble */
/** @typedef {{name: string, problem: Trouble}} Refused */

/** Say that something went wrong. @param {any} error @param {(() => void) | null} again does the same once more, where that can help */
export function complain(error, again = null) {
  const problem = error?.problem ?? { type: "unknown", detail: String(error?.message ?? error) };
  const { title, detail, advice } = problemWords(problem);
  const lines = [detail, advice].filter(Boolean).map((line) => el("p", {}, line));
  byId("toasts").append(notice(title, lines, maySendAgain(problem) ? again : null));
}

/**
 * Offer to take something back. It is final when the time is over, or the offer is closed.
 * @param {string} title @param {() => void} back @param {() => void} final
 * @returns {() => void} takes it back
 */
export function offer(title, back, final) {
  /** @type {ReturnType<typeof setTimeout>} */
  let clock;
  /** @param {() => void} then */
  const end = (then) => {
    if (!toast.isConnected) return;
    clearTimeout(clock);
    toast.remove();
    then();
  };
  const start = () => {
    clearTimeout(clock);
    clock = setTimeout(() => end(final), OFFER_MS);
  };
  const undo = () => end(back);
  const toast = el(
    "div",
    { class: "toast offer" },
    icon("trash"),
    el("strong", {}, title),
    button("toast.undo", icon("undo"), undo),
    button("close", icon("cross"), () => end(final), { bare: true, kind: "quiet" }),
  );
  // Whoever reaches for it is not to find it gone.
  for (const kind of ["focusin", "pointerenter"]) toast.addEventListener(kind, () => clearTimeout(clock));
  for (const kind of ["focusout", "pointerleave"]) toast.addEventListener(kind, start);
  byId("toasts").append(toast);
  start();
  return undo;
}

/**
 * One notice of all files of an upload that were refused: each reason once, the files it holds for,
 * and what can be done.
 * @param {Refused[]} refused
 * @param {((names: Set<string>) => void) | null} again sends those files once more; null: they are gone
 */
export function refuse(refused, again) {
  if (!refused.length) return;
  /** @type {Map<string, Refused[]>} */
  const reasons = new Map();
  for (const one of refused) {
    const { why, advice } = reasonOf(one.problem);
    const key = JSON.stringify([why, advice]);
    reasons.set(key, [...(reasons.get(key) ?? []), one]);
  }
  const lines = [...reasons.values()].map((same) => {
    const { why, advice } = reasonOf(same[0].problem);
    return el(
      "li",
      {},
      el("b", { class: "refused-names" }, same.map(({ name }) => name).join(t("list.comma"))),
      el("p", {}, why),
      advice ? el("p", { class: "soft" }, advice) : null,
    );
  });
  const curable = new Set(refused.filter(({ problem }) => maySendAgain(problem)).map(({ name }) => name));
  const title = t("refused.title", { n: refused.length });
  const made = notice(title, [el("ul", {}, ...lines)], again && curable.size ? () => again(curable) : null);
  refusals.set(made, refused);
  byId("notices").append(made);
  made.scrollIntoView({ block: "nearest" });
}

/** Tell again of what was refused before the page was loaded anew. */
export function refuseAsBefore() {
  for (const refused of placeBefore("refused") ?? []) refuse(refused, null);
  keepPlace("refused", () => [...refusals].filter(([made]) => made.isConnected).map(([, refused]) => refused));
}

/** Why and what to do, once each: the particulars say more than the kind they belong to. @param {Trouble} problem */
export function reasonOf(problem) {
  const { title, detail, advice } = problemWords(problem);
  const why = detail || title;
  return { why: why.charAt(0).toLocaleUpperCase() + why.slice(1), advice };
}

/** @param {string} title @param {HTMLElement[]} lines @param {(() => void) | null} again */
function notice(title, lines, again) {
  const retry = again && button("action.retry", icon("retry"), () => (toast.remove(), again()));
  /** @type {HTMLElement} */
  const toast = el(
    "div",
    { class: "toast" },
    icon("warning"),
    el("div", {}, el("strong", {}, title), ...lines, retry),
    button("close", icon("cross"), () => toast.remove(), { bare: true, kind: "quiet" }),
  );
  return toast;
}
