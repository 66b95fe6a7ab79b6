// Light, dark, or as the system has it. Remembered; the colours themselves are the style sheet's.

import { byId } from "./dom.js";
import { bind } from "./i18n.js";
import { icon } from "./icons.js";

const KEPT_AS = "faceveil.theme";
const THEMES = ["auto", "light", "dark"];
/** @type {Record<string, string>} */
const PICTURES = { auto: "contrast", light: "sun", dark: "moon" };

export function startTheme() {
  let theme = remembered();
  show(theme);
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEPT_AS, theme);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
    show(theme);
  });
}

/** @param {string} theme */
function show(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const switcher = byId("theme");
  switcher.replaceChildren(icon(PICTURES[theme]));
  bind(switcher, "aria-label", `theme.${theme}`);
  bind(switcher, "title", `theme.${theme}`);
}

function remembered() {
  try {
    const kept = localStorage.getItem(KEPT_AS);
    return kept !== null && THEMES.includes(kept) ? kept : "auto";
  } catch {
    return "auto";
  }
}
