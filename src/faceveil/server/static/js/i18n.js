// The page in the language of who reads it. Texts are bound to elements, so that a switch changes
// them in place.

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
  const first = spoken.map((name) => name.split("-")[0].toLowerCase());
  return first.find((name) => known.includes(name)) ?? "en";
}

export const language = () => current;
/** @param {(language: string) => void} listener */
export const onLanguage = (listener) => listeners.add(listener);
/** @param {number} value */
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(current, { maximumFractionDigits: digits }).format(value);

export async function startLanguage() {
  languages = await fetched("languages");
  await use(preferred(remembered(), navigator.languages ?? [navigator.language], languages));
}

/** The language that a switch leads to: each in turn. */
export const nextLanguage = () => languages[(languages.indexOf(current) + 1) % languages.length];

/** What a language calls itself. @param {string} language */
export const nameOf = (language) => new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language;

export async function switchLanguage() {
  const next = nextLanguage();
  await use(next);
  try {
    localStorage.setItem(KEPT_AS, next);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
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

function remembered() {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}
