// The settings as they were chosen last, kept in this browser; what is half typed, in this tab.

import { remember, rememberedData } from "./memory.js";

const KEPT_AS = "faceveil.settings";
const TAB = "sessionStorage";

/** @typedef {{mode: string, count: number}} Photos of whom there were some: how many, and what for */
/** @typedef {{preset?: string, review?: boolean, people?: boolean, given?: Record<string, any>, photos?: Photos, typed?: boolean}} Kept */

/** What this tab had, `typed` and all; else what was chosen last. @returns {Kept} */
export function keptSettings() {
  const here = rememberedData(KEPT_AS, TAB);
  const { preset, review, people, given, photos } = here ?? rememberedData(KEPT_AS) ?? {};
  if (typeof preset !== "string" || typeof given !== "object") return {};
  return { preset, review, people, given, photos, typed: Boolean(here) };
}

/** @param {Kept} settings @param {boolean} usable whether they make sense as they are */
export function keepSettings({ photos, ...settings }, usable) {
  remember(KEPT_AS, JSON.stringify({ ...settings, photos }), TAB);
  if (usable) remember(KEPT_AS, JSON.stringify(settings));
}
