// What the browser keeps for the page: beyond it, or as long as its tab. Storage may be forbidden or
// full, and what lies there may be anything.

/** @typedef {"localStorage" | "sessionStorage"} Place */

/** @param {string} name @param {string} text @param {Place} place */
export function remember(name, text, place = "localStorage") {
  try {
    globalThis[place].setItem(name, text);
  } catch {
    // It lasts as long as the page, then.
  }
}

/** @param {string} name @param {Place} place @returns {string | null} */
export function remembered(name, place = "localStorage") {
  try {
    return globalThis[place].getItem(name);
  } catch {
    return null;
  }
}

/** The same of what was written as JSON; null if it is none. @param {string} name @param {Place} place */
export function rememberedData(name, place = "localStorage") {
  try {
    return JSON.parse(remembered(name, place) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} name @param {Place} place */
export function forget(name, place = "localStorage") {
  try {
    globalThis[place].removeItem(name);
  } catch {
    // There is nothing to forget.
  }
}
