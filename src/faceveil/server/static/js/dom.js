// Elements are made here and nowhere else: no markup is ever parsed from data.

import { bind } from "./i18n.js";

/** @typedef {string | [string, Record<string, unknown>]} Words a key of the tables, or with parameters */
/** @typedef {(Node | string | null | undefined)[]} Children */

/** @type {Record<string, string>} */
const TRANSLATED = { t: "text", tLabel: "aria-label", tTitle: "title", tPlaceholder: "placeholder" };

/**
 * An element with attributes, listeners and children.
 * `t`, `tLabel`, `tTitle`, `tPlaceholder` take a key of the tables, or [key, parameters];
 * `on...` takes a listener; true and false set and leave out an attribute.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, any>} attributes @param {(Children[number] | Children)[]} children
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in TRANSLATED) {
      const [key, params] = [value].flat();
      bind(node, TRANSLATED[name], key, params);
    } else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") /** @type {HTMLInputElement} */ (node).value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * The same for a drawing.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | number>} attributes @param {SVGElement[]} children
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** The element of this page with an id. @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Say something to those who listen to the page rather than look at it. @param {string} text */
export function announce(text) {
  byId("live").textContent = text;
}

/** Change a text only where it is another one: a new one has everything around it laid out anew. @param {HTMLElement} node @param {string} text */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * A button with an icon and, unless `bare`, words beside it.
 * @param {string} key @param {SVGElement} picture @param {() => unknown} onclick
 * @param {{kind?: string, bare?: boolean, params?: Record<string, unknown>}} look
 */
export function button(key, picture, onclick, { kind = "", bare = false, params } = {}) {
  /** @type {Words} */
  const words = params ? [key, params] : key;
  const look = `${kind} ${bare ? "icon-only" : ""}`.trim();
  if (bare) {
    return el("button", { type: "button", class: look, tLabel: words, tTitle: words, onclick }, picture);
  }
  return el("button", { type: "button", class: look, onclick }, picture, el("span", { t: words }));
}

/**
 * Let messages appear in a dialog, or in the page again. All outside an open modal dialog is inert:
 * it can be neither reached nor heard.
 * @param {HTMLElement} place
 */
export function speakIn(place) {
  place.append(byId("toasts"), byId("live"));
}

/** Scroll a list to one of its members, and nothing around the list. @param {Element} list @param {Element} member */
export function reveal(list, member) {
  const [room, place] = [list.getBoundingClientRect(), member.getBoundingClientRect()];
  if (place.top < room.top) list.scrollTop -= room.top - place.top;
  else if (place.bottom > room.bottom) list.scrollTop += place.bottom - room.bottom;
}

/** Keys go nowhere from what is hidden, disabled or gone: they go on in the dialog around it. @param {Element} node */
export function keysLeave(node) {
  if (node.contains(document.activeElement)) node.closest("dialog")?.focus();
}

/**
 * Keys open the list first, and what is chosen there counts. In a closed one browsers take each key
 * for a choice, and on the way to a name a face would be left visible.
 * @param {HTMLSelectElement} select
 */
export function opensByKeys(select) {
  select.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey } = event;
    if (ctrlKey || metaKey || !/^(Arrow|Page|Home$|End$|[^ ]$)/u.test(key)) return;
    event.preventDefault();
    select.showPicker?.();
  });
}

/**
 * Put others in the place of buttons. The focus goes on with the one that has the same data under a
 * name, else with the first, or where there is none.
 * @param {HTMLElement} node @param {HTMLElement[]} buttons @param {string} name @param {HTMLElement} otherwise
 */
export function refill(node, buttons, name, otherwise) {
  const active = document.activeElement;
  const focused = active instanceof HTMLElement && node.contains(active) ? active : null;
  node.replaceChildren(...buttons);
  if (!focused) return;
  const same = buttons.find(({ dataset }) => dataset[name] === focused.dataset[name]);
  (same ?? buttons[0] ?? otherwise).focus();
}
