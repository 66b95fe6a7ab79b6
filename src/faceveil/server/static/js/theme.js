// Light, dark, or as the system has it. Remembered; the colours themselves are the style sheet's.

import { byId } from "./dom.js";
import { bind } from "./i18n.js";
import { icon } from "./icons.js";
import { remember, remembered } from "./memory.js";

const KEPT_AS = "faceveil.theme";
const THEMES = ["auto", "light", "dark"];
/** @type {Record<string, string>} */
const PICTURES = { auto: "contrast", light: "sun", dark: "moon" };

export function startTheme() {
  const kept = remembered(KEPT_AS);
  let theme = kept !== null && THEMES.includes(kept) ? kept : "auto";
  show(theme);
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    remember(KEPT_AS, theme);
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
