// Numbers and times in the words of the language.

import { has, language, t } from "./i18n.js";

/** Seconds as one or two units: "45 sec", "2 min 5 sec", "1 hr 3 min". @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  /** @type {[string, number][]} */
  const parts = [
    ["hour", Math.floor(whole / 3600)],
    ["minute", Math.floor(whole / 60) % 60],
    ["second", whole % 60],
  ];
  const first = parts.findIndex(([, value]) => value > 0);
  if (first < 0) return unit("second", 0);
  return parts
    .slice(first, first + 2)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => unit(name, value))
    .join(" ");
}

/** Bytes as systems show them: "30 kB", "1.2 MB". @param {number} bytes */
export function size(bytes) {
  if (bytes < 1e6) return unit("kilobyte", Math.ceil(bytes / 1e3));
  return bytes < 1e9 ? unit("megabyte", bytes / 1e6) : unit("gigabyte", bytes / 1e9);
}

/** Place in a video, as 1:02.5. @param {number} seconds */
export function timecode(seconds) {
  const tenths = Math.max(0, Math.round(seconds * 10));
  const minutes = Math.floor(tenths / 600);
  const rest = (tenths % 600) / 10;
  return `${minutes}:${rest.toFixed(1).padStart(4, "0")}`;
}

/** Moment of the service, ISO text or seconds since 1970, in milliseconds. @param {string | number} value */
export const moment = (value) => (typeof value === "number" ? value * 1000 : Date.parse(value));

/** How many seconds there are until a moment of the service; 0 if it is over. @param {string | number} value */
export const secondsTo = (value) => Math.max(0, (moment(value) - Date.now()) / 1000);

/** Of what is not handled, too large, or too long, the service knows best what can be done about it. @type {Set<string | undefined>} */
const OWN_ADVICE = new Set(["unsupported", "limit", "recording-ended"]);

/** A problem in words: what went wrong, the particulars, and what to do. @param {import("./api.js").Trouble} problem */
export function problemWords(problem) {
  const type = problemType(problem);
  const title = has(`problem.${type}`) ? t(`problem.${type}`) : problem.title || t("problem.unknown");
  const usual = has(`advice.${type}`) ? t(`advice.${type}`) : "";
  const own = problem.advice ?? "";
  const advice = OWN_ADVICE.has(type) ? own || usual : usual || own;
  return { title, detail: problem.detail ?? "", advice };
}

/** Types may be whole addresses; their last part is the name. @param {{type?: string}} problem */
export const problemType = (problem) => String(problem.type ?? "unknown").split(/[/:#]/).at(-1);

/** @param {string} name @param {number} value */
function unit(name, value) {
  /** @type {Intl.NumberFormatOptions} */
  const style = { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 1 };
  // In Chinese text a figure stands apart, as it does in the tables.
  return new Intl.NumberFormat(language(), style).format(value).replace(/(\d)(?=\p{Script=Han})/u, "$1 ");
}
