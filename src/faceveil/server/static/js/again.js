// Finished files are made anew with the settings that hold now.

import { renderWith } from "./api.js";
import { announce } from "./dom.js";
import { t } from "./i18n.js";
import { complain } from "./toast.js";

/** @typedef {Service.Job} Job */
/** @typedef {Record<string, any>} Settings */

/** Settings that decide which faces are found, or stay visible, and whole groups of them: the saved plan does not follow them. */
const FINDING = ["skip_zones", "second_detector"];
const FINDING_GROUPS = ["detection", "tracking"];

/**
 * Files whose original is still there are made anew. Where the settings find other faces, these are
 * looked for anew; but not in a file that a person has corrected, as that would be lost.
 * @param {import("./store.js").Store} store @param {Settings} schema @param {Settings} options
 */
export async function applyAgain(store, schema, options) {
  const ready = store.all.filter((job) => job.state === "done" && job.has_original && job.has_plan);
  const finding = ready.filter((job) => findsOthers(job.options, options, schema));
  const corrected = finding.filter(isCorrected).length;
  if (!ready.length) return complain({ problem: { type: "nothing-again" } });
  for (const job of ready) store.put(await renderWith(job, options, finding.includes(job) && !isCorrected(job)));
  announce(t("again.begun", { n: ready.length }));
  if (corrected) complain({ problem: { type: "corrected", detail: t("again.corrected", { n: corrected }) } });
}

/** @param {Job} job */
const isCorrected = (job) => job.edited || job.has_draft;

/** Would other faces be found? @param {Settings} before @param {Settings} now @param {Settings} schema */
export function findsOthers(before, now, schema) {
  return Object.entries(schema.properties).some(([name, setting]) => {
    if (!FINDING.includes(name) && !FINDING_GROUPS.includes(setting.group)) return false;
    const value = (/** @type {Settings} */ options) => JSON.stringify(options[name] ?? setting.default ?? null);
    return value(before) !== value(now);
  });
}
