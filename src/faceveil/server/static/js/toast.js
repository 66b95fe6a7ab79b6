// Short messages at the foot of the page, read out at once. They stay until they are closed, or
// for a while where nothing has to be done about them.

import { button, byId, el } from "./dom.js";
import { problemWords } from "./format.js";
import { icon } from "./icons.js";

const SHOWN_MS = 9000;

/** Say that something went wrong. */
export function complain(error, about = "") {
  const problem = error?.problem ?? { type: "unknown", detail: String(error?.message ?? error) };
  const { title, detail, advice } = problemWords(problem);
  show("bad", about ? `${about}: ${title}` : title, [detail, advice]);
}

/** Say that something was done. */
export function tell(text) {
  const toast = show("good", text, []);
  setTimeout(() => toast.remove(), SHOWN_MS);
}

function show(kind, title, more) {
  const toast = el(
    "div",
    { class: `toast ${kind}` },
    icon(kind === "bad" ? "warning" : "check"),
    el("div", {}, el("strong", {}, title), ...more.filter(Boolean).map((line) => el("p", {}, line))),
    button("close", icon("cross"), () => toast.remove(), { bare: true, kind: "quiet" }),
  );
  byId("toasts").append(toast);
  return toast;
}
