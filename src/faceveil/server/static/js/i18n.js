// Chinese and English. Texts are bound to elements, so that a switch changes them in place.

import { translator } from "./chinese.js";

export const LANGUAGES = ["en", "zh"];
const KEPT_AS = "faceveil.language";

const tables = new Map();
const bound = new WeakMap();
const listeners = new Set();
let current = "en";
let inChinese = null;

/** The language to begin with: the one chosen before, or the browser's. */
export function preferred(kept, spoken) {
  if (LANGUAGES.includes(kept)) return kept;
  const first = spoken.map((name) => name.slice(0, 2).toLowerCase());
  return first.find((name) => LANGUAGES.includes(name)) ?? "en";
}

export const language = () => current;
export const onLanguage = (listener) => listeners.add(listener);
export const number = (value, digits = 0) =>
  new Intl.NumberFormat(current, { maximumFractionDigits: digits }).format(value);

export async function startLanguage() {
  await use(preferred(remembered(), navigator.languages ?? [navigator.language]));
}

export async function switchLanguage() {
  const next = LANGUAGES.find((name) => name !== current);
  await use(next);
  try {
    localStorage.setItem(KEPT_AS, next);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

/** Is there a text under this key? */
export const has = (key) => key in (tables.get(current) ?? {});

/**
 * The text of a key with {name}s filled in. A key with a number `n` among its parameters may come
 * as `key.one` and `key.other`. Parameters may be functions, asked again after a switch.
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

/** A message of the service, which speaks English, in the language of the page. */
export const told = (message) => (current === "zh" && message ? inChinese(message) : message);

/** Let an element, or one attribute of it, show a text and follow the language. */
export function bind(node, attribute, key, params) {
  const texts = bound.get(node) ?? {};
  texts[attribute] = [key, params];
  bound.set(node, texts);
  node.setAttribute("data-bound", "");
  show(node, attribute, key, params);
}

/** Text of an element: bind for the most common case. */
export const say = (node, key, params) => bind(node, "text", key, params);

function show(node, attribute, key, params) {
  const words = t(key, params);
  if (attribute !== "text") node.setAttribute(attribute, words);
  else if (node.textContent !== words) node.textContent = words;
}

async function use(name) {
  if (!tables.has(name)) tables.set(name, await table(name));
  if (name === "zh") inChinese ??= translator(await table("zh-messages"));
  current = name;
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
  adopt(document);
  for (const node of document.querySelectorAll("[data-bound]")) {
    for (const [attribute, text] of Object.entries(bound.get(node) ?? {})) show(node, attribute, ...text);
  }
  for (const listener of listeners) listener(name);
}

const table = async (name) => (await fetch(`/static/i18n/${name}.json`)).json();

/** Bind what the document itself names in data-t and data-t-label. */
function adopt(root) {
  for (const node of root.querySelectorAll("[data-t], [data-t-label]")) {
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
