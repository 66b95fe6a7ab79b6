// Short messages at the foot of the page, read out at once. They stay until they are closed.

import { button, byId, el } from "./dom.js";
import { problemWords } from "./format.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

/** Say that something went wrong, to the file that is named. @param {any} error @param {string} about */
export function complain(error, about = "") {
  const problem = error?.problem ?? { type: "unknown", detail: String(error?.message ?? error) };
  const { title, detail, advice } = problemWords(problem);
  show(about ? t("about.file", { name: about, what: title }) : title, [detail, advice]);
}

/** @param {string} title @param {string[]} more */
function show(title, more) {
  /** @type {HTMLElement} */
  const toast = el(
    "div",
    { class: "toast" },
    icon("warning"),
    el("div", {}, el("strong", {}, title), ...more.filter(Boolean).map((line) => el("p", {}, line))),
    button("close", icon("cross"), () => toast.remove(), { bare: true, kind: "quiet" }),
  );
  byId("toasts").append(toast);
}
