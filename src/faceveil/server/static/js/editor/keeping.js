// While a review is open the original is kept: how long it is still there, and a way to keep it longer.

import { Problem, keepOriginal } from "../api.js";
import { button, el } from "../dom.js";
import { duration, moment, secondsTo } from "../format.js";
import { say } from "../i18n.js";
import { icon } from "../icons.js";
import { complain } from "../toast.js";

const SIGN_MS = 60_000;
const SOON_S = 600;
/** Less than this is not worth asking for. */
const GAIN_S = 60;

/** The line of it, and an end. @param {Service.Job} job */
export function keeping(job) {
  const left = el("span", { class: "small", role: "timer" });
  const longer = button("editor.keep.longer", icon("clock"), () => ask(true), { kind: "quiet" });
  const node = el("div", { class: "keeping" }, left, longer);
  let known = job;

  const show = () => {
    const until = known.original_expires;
    const seconds = until ? secondsTo(until) : 0;
    const shown = seconds > SOON_S ? Math.floor(seconds / 60) * 60 : Math.round(seconds);
    say(left, known.has_original ? "editor.keep.until" : "editor.keep.over", { time: () => duration(shown) });
    node.classList.toggle("soon", seconds <= SOON_S / 2);
    const most = known.original_latest && until ? (moment(known.original_latest) - moment(until)) / 1000 : 0;
    longer.hidden = !known.has_original || most < GAIN_S;
  };
  /** @param {boolean} more */
  const ask = async (more) => {
    try {
      known = await keepOriginal(known, more);
    } catch (error) {
      const kind = error instanceof Problem ? error.problem.type : "";
      if (kind === "expired" || kind === "not-found") known = { ...known, has_original: false };
      if (more) complain(error);
    }
    show();
  };
  const signs = setInterval(() => ask(false), SIGN_MS);
  const ticks = setInterval(show, 1000);
  show();
  ask(false);
  const end = () => {
    clearInterval(signs);
    clearInterval(ticks);
  };
  return { node, end };
}
