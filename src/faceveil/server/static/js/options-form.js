// The settings, drawn from the service's schema: a setting added there appears here by itself.

import { el } from "./dom.js";
import { bind, has, say } from "./i18n.js";
import { icon, veiledHead } from "./icons.js";
import { control } from "./controls.js";

const PRESET = "preset";
const HEADS = { strict: 1, balanced: 3, light: 5 };

/**
 * @param form the element to fill
 * @param schema JSON schema of the settings offered; each property names its group
 * @param presets name -> what it sets
 * @returns {{values: () => object, review: () => boolean, valid: () => boolean}} what was chosen;
 *   settings left alone are not in it, so that a preset's and the service's own defaults stay in
 *   force. `valid` shows the person what is wrong.
 */
export function optionsForm(form, schema, presets) {
  const controls = new Map();
  const initial = schema.properties[PRESET]?.default ?? Object.keys(presets)[0];
  let chosen = initial;
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
      controls.set(name, control(name, schema.properties[name], `option-${name}`));
      return field(name, schema.properties[name], controls.get(name));
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

/** Group -> names of its settings, in the schema's order. */
function grouped(schema) {
  const groups = new Map();
  for (const [name, setting] of Object.entries(schema.properties)) {
    if (name === PRESET) continue;
    groups.set(setting.group, [...(groups.get(setting.group) ?? []), name]);
  }
  return groups;
}

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
