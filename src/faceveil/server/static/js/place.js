// Where a person is in the page: what is open, picked, unfolded. Kept in this tab for the page that is
// loaded after this one.

import { remember, rememberedData } from "./memory.js";

const KEPT_AS = "faceveil.place";
const TAB = "sessionStorage";

/** @type {Record<string, any>} */
const before = rememberedData(KEPT_AS, TAB) ?? {};
/** @type {Map<string, () => unknown>} */
const keepers = new Map();

/** @param {string} name @param {() => unknown} now asked when the page is left */
export function keepPlace(name, now) {
  if (!keepers.size) addEventListener("pagehide", keep);
  keepers.set(name, now);
}

/** What the page before had under a name; told once. @param {string} name */
export function placeBefore(name) {
  const found = before[name];
  delete before[name];
  return found;
}

function keep() {
  // What nobody has asked for yet is still to come, as where the page is left again at once.
  const now = Object.fromEntries([...keepers].map(([name, told]) => [name, told()]));
  remember(KEPT_AS, JSON.stringify({ ...now, ...before }), TAB);
}
