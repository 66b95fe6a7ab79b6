// The page in the language of who reads it. Texts are bound to elements, so that a switch changes
// them in place.

import { remember, remembered } from "./memory.js";

const KEPT_AS = "faceveil.language";

/** @typedef {Record<string, unknown>} Params what a text is filled in with */

/** @type {Map<string, Record<string, string>>} */
const tables = new Map();
/** @type {WeakMap<Element, Record<string, [string, Params?]>>} */
const bound = new WeakMap();
/** @type {Set<(language: string) => void>} */
const listeners = new Set();
let languages = ["en"];
let current = "en";

/**
 * The language to begin with: the one chosen before, or the browser's, of those that there are.
 * @param {string | null} kept @param {readonly string[]} spoken @param {string[]} known
 */
export function preferred(kept, spoken, known) {
  if (kept !== null && known.includes(kept)) return kept;
  // The longest first: zh-Hant-TW is zh-Hant rather than zh. Regions tell which script is meant.
  const longest = [...known].sort((a, b) => b.length - a.length);
  for (const name of spoken) {
    const tag = `${/^zh-(tw|hk|mo)$/i.test(name) ? "zh-hant" : name.toLowerCase()}-`;
    const found = longest.find((one) => tag.startsWith(`${one.toLowerCase()}-`));
    if (found) return found;
  }
  return "en";
}

export const language = () => current;
/** @param {(language: string) => void} listener */
export const onLanguage = (listener) => listeners.add(listener);
/** @param {number} value */
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(current, { maximumFractionDigits: digits }).format(value);

export async function startLanguage() {
  languages = await fetched("languages");
  await use(preferred(remembered(KEPT_AS), navigator.languages ?? [navigator.language], languages));
}

export const allLanguages = () => languages;

/** What a language calls itself; with its script, where it is written in several. @param {string} language */
export function nativeName(language) {
  const { language: base, script } = new Intl.Locale(language).maximize();
  const several = languages.filter((one) => one.split("-")[0] === base).length > 1;
  const tag = several ? `${base}-${script}` : language;
  return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? language;
}

/** @param {string} next */
export async function switchLanguage(next) {
  await use(next);
  remember(KEPT_AS, next);
}

/** Is there a text under this key? @param {string} key */
export const has = (key) => key in (tables.get(current) ?? {});

/**
 * The text of a key with {name}s filled in. A key with a number `n` among its parameters may come
 * as `key.one` and `key.other`. Parameters may be functions, asked again after a switch.
 * @param {string} key @param {Params} params
 */
export function t(key, params = {}) {
  const table = tables.get(current) ?? {};
  const values = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, typeof value === "function" ? value() : value]),
  );
  let found = table[key];
  if (found === undefined && typeof values.n === "number") {
    found = table[`${key}.${new Intl.PluralRules(current).select(values.n)}`] ?? table[`${key}.other`];
  }
  if (found === undefined) return key;
  return found.replace(/\{(\w+)\}/g, (_, name) =>
    typeof values[name] === "number" ? number(values[name]) : String(values[name] ?? ""),
  );
}

/**
 * Let an element, or one attribute of it, show a text and follow the language.
 * @param {Element} node @param {string} attribute @param {string} key @param {Params} [params]
 */
export function bind(node, attribute, key, params) {
  const texts = bound.get(node) ?? {};
  texts[attribute] = [key, params];
  bound.set(node, texts);
  node.setAttribute("data-bound", "");
  show(node, attribute, key, params);
}

/** Text of an element: bind for the most common case. @param {Element} node @param {string} key @param {Params} [params] */
export const say = (node, key, params) => bind(node, "text", key, params);

/** @param {Element} node @param {string} attribute @param {string} key @param {Params} [params] */
function show(node, attribute, key, params) {
  const words = t(key, params);
  if (attribute !== "text") node.setAttribute(attribute, words);
  else if (node.textContent !== words) node.textContent = words;
}

/** @param {string} name */
async function use(name) {
  if (!tables.has(name)) tables.set(name, await fetched(name));
  current = name;
  document.documentElement.lang = name;
  adopt(document);
  for (const node of document.querySelectorAll("[data-bound]")) {
    for (const [attribute, text] of Object.entries(bound.get(node) ?? {})) show(node, attribute, ...text);
  }
  for (const listener of listeners) listener(name);
}

/** @param {string} name */
const fetched = async (name) => (await fetch(`/static/i18n/${name}.json`)).json();

/** Bind what the document itself names in data-t and data-t-label. @param {Document} root */
function adopt(root) {
  for (const node of root.querySelectorAll("[data-t], [data-t-label]")) {
    if (!(node instanceof HTMLElement)) continue;
    const { t: text, tLabel: label } = node.dataset;
    if (text) bind(node, "text", text);
    if (label) bind(node, "aria-label", label);
    delete node.dataset.t;
    delete node.dataset.tLabel;
  }
}
