// The settings, drawn from the service's schema: a setting added there appears here by itself.

import { el } from "./dom.js";
import { bind, has, say } from "./i18n.js";
import { icon, veiledHead } from "./icons.js";
import { control } from "./controls.js";

/** @typedef {Record<string, any>} Schema */
/** @typedef {Record<string, Record<string, any>>} Presets */

const PRESET = "preset";
/** @type {Record<string, number>} */
const HEADS = { strict: 1, balanced: 3, light: 5 };

/**
 * @param {HTMLFormElement} form to fill
 * @param {Schema} schema JSON schema of the settings offered; each property names its group
 * @param {Presets} presets name -> what it sets
 * @returns {{values: () => object, review: () => boolean, valid: () => boolean}} what was chosen;
 *   settings left alone are not in it, so that a preset's and the service's own defaults stay in
 *   force. `valid` shows the person what is wrong.
 */
export function optionsForm(form, schema, presets) {
  /** @type {Map<string, import("./controls.js").Control>} */
  const controls = new Map();
  const initial = schema.properties[PRESET]?.default ?? Object.keys(presets)[0];
  let chosen = initial;
  /** @param {string} preset */
  const choose = (preset) => {
    chosen = preset;
    for (const [name, one] of controls) {
      one.suggest(presets[preset][name] ?? schema.properties[name].default);
    }
  };

  const review = el("input", { type: "checkbox", role: "switch", name: "review" });
  const more = el("details", { class: "more" }, el("summary", {}, el("span", { t: "options.more" })));
  for (const [group, names] of grouped(schema)) {
    const fields = names.map((name) => {
      const one = control(name, schema.properties[name], `option-${name}`);
      controls.set(name, one);
      return field(name, schema.properties[name], one);
    });
    more.append(el("fieldset", {}, el("legend", { t: `group.${group}` }), ...fields));
  }
  form.append(
    el("h2", { t: "options.title" }),
    cards(presets, initial, choose),
    el(
      "label",
      { class: "switch-row" },
      review,
      el("span", {}, el("b", { t: "options.review" }), el("small", { t: "options.review.help" })),
    ),
    more,
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  choose(initial);
  return {
    values: () => {
      const given = [...controls].filter(([, one]) => one.touched()).map(([name, one]) => [name, one.value()]);
      return { ...(schema.properties[PRESET] && { [PRESET]: chosen }), ...Object.fromEntries(given) };
    },
    review: () => review.checked,
    valid: () => {
      if (form.checkValidity()) return true;
      more.open = true;
      form.reportValidity();
      return false;
    },
  };
}

/** Group -> names of its settings, in the schema's order. @param {Schema} schema */
function grouped(schema) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const [name, setting] of Object.entries(schema.properties)) {
    if (name === PRESET) continue;
    groups.set(setting.group, [...(groups.get(setting.group) ?? []), name]);
  }
  return groups;
}

/** @param {Presets} presets @param {string} initial @param {(preset: string) => void} choose */
function cards(presets, initial, choose) {
  const all = Object.keys(presets).map((name) =>
    el(
      "label",
      { class: "card" },
      el("input", {
        type: "radio",
        name: PRESET,
        value: name,
        checked: name === initial,
        onchange: () => choose(name),
      }),
      veiledHead(HEADS[name] ?? 4),
      el("b", { t: `preset.${name}` }),
      el("small", { t: `preset.${name}.help` }),
      el("span", { class: "tick" }, icon("check")),
    ),
  );
  return el("fieldset", { class: "cards" }, el("legend", { class: "unseen", t: "options.presets" }), ...all);
}

/** @param {string} name @param {Record<string, any>} setting @param {import("./controls.js").Control} one */
function field(name, setting, one) {
  const help = el("small", { id: `help-${name}` });
  const label = el("label", { for: `option-${name}` });
  // A setting of a plug-in has no text of ours: the service's own words stand in for it.
  if (has(`option.${name}`)) say(label, `option.${name}`);
  else label.textContent = name.replaceAll("_", " ");
  if (has(`option.${name}.help`)) bind(help, "text", `option.${name}.help`);
  else help.textContent = setting.description ?? "";
  one.node.setAttribute("aria-describedby", help.id);
  const kind = one.node.type === "checkbox" ? "field switch" : "field";
  return el("div", { class: kind }, label, one.node, help);
}
