// One control for each kind of setting a schema can describe.

import { el } from "./dom.js";
import { has, t } from "./i18n.js";

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field */
/** @typedef {Record<string, any>} Setting the JSON schema of one */
/**
 * @typedef {object} Control
 * @property {Field} node
 * @property {() => boolean} touched
 * @property {() => any} value
 * @property {(value: any) => void} suggest shows what holds as long as nobody chooses otherwise
 * @property {(value: any) => void} choose as a person does
 * @property {(value: any) => void} forget what was chosen; the value holds again
 * @property {(value: any) => string} words a value, as a person reads it
 */

/** @param {string} name @param {Setting} setting @param {string} id @returns {Control} */
export function control(name, setting, id) {
  /** @type {Setting[]} */
  const kinds = setting.anyOf ?? [setting];
  const kind = kinds.find((one) => one.type !== "null") ?? setting;
  const optional = kinds.some((one) => one.type === "null");
  if (kind.enum) return choice(name, kind.enum, id);
  if (kind.type === "boolean") return toggle(name, id);
  if (kind.type === "array") return zones(name, id);
  if (kind.type === "integer" || kind.type === "number") return figure(name, kind, id, optional);
  return words(name, id);
}

/** @param {string} name @param {(string | number)[]} values @param {string} id */
function choice(name, values, id) {
  /** @param {string | number} value */
  const key = (value) => `option.${name}.${value}`;
  const texts = values.map((value) =>
    el("option", { value, ...(has(key(value)) ? { t: key(value) } : {}) }, ...(has(key(value)) ? [] : [String(value)])),
  );
  const node = el("select", { id, name }, ...texts);
  return touchable(node, "change", {
    value: () => values[node.selectedIndex],
    show: (value) => (node.selectedIndex = values.indexOf(value)),
    words: (value) => (has(key(value)) ? t(key(value)) : String(value)),
  });
}

/** @param {string} name @param {string} id */
function toggle(name, id) {
  const node = el("input", { type: "checkbox", role: "switch", id, name });
  return touchable(node, "change", {
    value: () => node.checked,
    show: (value) => (node.checked = value),
    words: (value) => t(value ? "option.on" : "option.off"),
  });
}

/** @param {string} name @param {Setting} kind @param {string} id @param {boolean} optional */
function figure(name, kind, id, optional) {
  const node = el("input", {
    type: "number",
    id,
    name,
    inputmode: kind.type === "integer" ? "numeric" : "decimal",
    step: kind.type === "integer" ? 1 : "any",
    min: kind.minimum ?? kind.exclusiveMinimum,
    max: kind.maximum,
    ...(optional && { tPlaceholder: "option.automatic" }),
  });
  return touchable(node, "input", {
    value: () => (node.value === "" ? null : node.valueAsNumber),
    show: (value) => (node.value = value ?? ""),
  });
}

/** @param {string} name @param {string} id */
function zones(name, id) {
  const node = el("textarea", { id, name, rows: 2, tPlaceholder: "option.zones.form", spellcheck: "false" });
  return touchable(node, "input", {
    value: () => readZones(node.value) ?? node.value,
    show: (value) => (node.value = [value ?? []].flat().map((/** @type {any} */ zone) => [zone].flat().join(",")).join("\n")),
    check: () => (readZones(node.value) ? "" : t("option.zones.wrong")),
    words: (value) => (value?.length ? value.join("; ") : t("option.none")),
  });
}

/** Lines of left,top,right,bottom as numbers; null where one is none. @param {string} text */
export function readZones(text) {
  const lines = text.split(/\n|;/).map((line) => line.trim()).filter(Boolean);
  const found = lines.map((line) => line.split(/\s*[,\s]\s*/).map(Number));
  /** @param {number[]} zone */
  const good = ([x0, y0, x1, y1, ...more]) => !more.length && x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1;
  return found.every(good) ? found : null;
}

/** @param {string} name @param {string} id */
function words(name, id) {
  const node = el("input", { type: "text", id, name, tPlaceholder: "option.automatic", spellcheck: "false" });
  return touchable(node, "input", {
    value: () => node.value || null,
    show: (value) => (node.value = value ?? ""),
  });
}

/**
 * @param {Field} node @param {"input" | "change"} event
 * @param {{value: () => any, show: (value: any) => void, check?: () => string, words?: (value: any) => string}} does
 * @returns {Control}
 */
function touchable(node, event, { value, show, check, words = (one) => String(one ?? t("option.automatic")) }) {
  let touched = false;
  const judge = () => node.setCustomValidity(check?.() ?? "");
  node.addEventListener(event, () => {
    touched = true;
    judge();
  });
  return {
    node,
    value,
    // An emptied field is one left alone.
    touched: () => touched && !(value() === null),
    suggest: (suggestion) => {
      if (!touched || value() === null) {
        show(suggestion);
        touched = false;
      }
    },
    choose: (wanted) => {
      show(wanted);
      touched = true;
      judge();
    },
    forget: (usual) => {
      show(usual);
      touched = false;
      judge();
    },
    words,
  };
}
