// The settings, drawn from the service's schema: a setting added there appears here by itself.
// Those that people ask for come first, in plain words; all others are for experts.

import { control } from "./controls.js";
import { announce, button, el } from "./dom.js";
import { unfold } from "./fold.js";
import { bind, has, onLanguage, say, t } from "./i18n.js";
import { icon } from "./icons.js";
import { keepSettings, keptSettings } from "./kept-settings.js";
import { remember, remembered } from "./memory.js";
import { peopleForm } from "./people-form.js";
import { keepPlace, placeBefore } from "./place.js";

/** @typedef {Record<string, any>} Schema */
/** @typedef {Record<string, Record<string, any>>} Presets */
/** @typedef {import("./controls.js").Control} Control */
/** @typedef {import("./people-form.js").Who} Who */
/** @typedef {{name: string, control: Control, node: HTMLElement, group: string, refresh: () => void}} Field */

const PRESET = "preset";
const SEARCHED_AS = "faceveil.searched";
/** Beside strength and review these are all that most people need. */
const PLAIN = ["shape", "min_face", "audio"];

/**
 * @param {HTMLFormElement} form to fill
 * @param {Schema} schema JSON schema of the settings offered; each property names its group
 * @param {Presets} presets name -> what it sets
 * @param {() => void} again called to have finished files made anew with what is chosen
 * @param {boolean} apart whether the service can tell people apart
 * @returns {{values: () => Record<string, any>, review: () => boolean, who: () => Who | null, note: HTMLElement | null, valid: () => boolean}}
 *   what was chosen; settings left alone are not in it, so that a preset's and the service's own defaults stay
 *   in force. `valid` shows the person what is wrong.
 */
export function optionsForm(form, schema, presets, again, apart) {
  const usual = schema.properties[PRESET]?.default ?? Object.keys(presets)[0];
  let chosen = usual;
  /** @param {string} name */
  const standard = (name) => presets[chosen]?.[name] ?? schema.properties[name].default;
  const fields = Object.keys(schema.properties)
    .filter((name) => name !== PRESET)
    .map((name) => field(name, schema.properties[name], () => standard(name), () => changed()));
  const review = el("input", { type: "checkbox", role: "switch", name: "review" });
  const who = apart ? peopleForm(() => changed()) : null;
  const strengths = cards(presets, (preset) => choose(preset));
  const more = expert(fields.filter(({ name }) => !PLAIN.includes(name)));
  const reset = button("options.reset", icon("undo"), () => restore({}), { kind: "quiet" });
  const apply = button("options.again", icon("retry"), again, { kind: "again" });

  /** @param {string} preset */
  const choose = (preset) => {
    chosen = preset in presets ? preset : usual;
    for (const { name, control } of fields) control.suggest(standard(name));
    for (const input of strengths.querySelectorAll("input")) input.checked = input.value === chosen;
    changed();
  };
  const given = () =>
    Object.fromEntries(fields.filter(({ control }) => control.touched()).map(({ name, control }) => [name, control.value()]));
  const changed = () => {
    for (const one of fields) one.refresh();
    reset.disabled = chosen === usual && !review.checked && !who?.used() && !Object.keys(given()).length;
    const kept = { preset: chosen, review: review.checked, people: who?.get().people, given: given(), photos: who?.asked() };
    keepSettings(kept, form.checkValidity());
  };
  /** @param {import("./kept-settings.js").Kept} kept */
  const restore = (kept) => {
    for (const { name, control } of fields) {
      control.forget(standard(name));
      if (!kept.given || !(name in kept.given)) continue;
      control.choose(kept.given[name]);
      // What this service does not take, or no longer, is left as it comes.
      const taken = JSON.stringify(control.value()) === JSON.stringify(kept.given[name]);
      if (!taken || !(kept.typed || control.node.checkValidity())) control.forget(standard(name));
    }
    review.checked = kept.review === true;
    who?.restore(kept.people === true, kept.photos);
    choose(kept.preset ?? usual);
    if (!kept.preset) announce(t("options.reset.done"));
  };

  form.append(
    el("h2", { t: "options.title" }),
    strengths,
    el("div", { class: "plain" }, ...fields.filter(({ name }) => PLAIN.includes(name)).map(({ node }) => node)),
    el(
      "label",
      { class: "switch-row" },
      review,
      el("span", {}, el("b", { t: "options.review" }), el("small", { t: "options.review.help" })),
    ),
    ...(who ? [who.node] : []),
    more,
    el("div", { class: "row options-foot" }, apply, reset),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  const kept = keptSettings();
  if (kept.preset) restore(kept);
  else choose(usual);
  return {
    values: () => ({ ...(schema.properties[PRESET] && { [PRESET]: chosen }), ...given() }),
    review: () => review.checked,
    who: () => who?.get() ?? null,
    note: who?.note ?? null,
    valid: () => {
      if (form.checkValidity()) return true;
      unfold(form.id, true);
      more.open = true;
      form.reportValidity();
      return false;
    },
  };
}

/** All other settings, by their groups, to be searched. @param {Field[]} fields */
function expert(fields) {
  const search = el("input", { type: "search", tLabel: "options.search", tPlaceholder: "options.search", spellcheck: "false" });
  const none = el("p", { class: "soft small", t: "options.search.none", hidden: true });
  const groups = [...new Set(fields.map(({ group }) => group))].map((group) => {
    const mine = fields.filter((one) => one.group === group);
    return { node: el("fieldset", {}, el("legend", { t: `group.${group}` }), ...mine.map(({ node }) => node)), mine };
  });
  const narrow = () => {
    remember(SEARCHED_AS, search.value, "sessionStorage");
    const wanted = search.value.trim().toLocaleLowerCase();
    for (const { node, mine } of groups) {
      for (const one of mine) {
        const text = `${one.name.replaceAll("_", " ")} ${one.node.textContent}`.toLocaleLowerCase();
        one.node.hidden = !text.includes(wanted);
      }
      node.hidden = mine.every((one) => one.node.hidden);
    }
    none.hidden = groups.some(({ node }) => !node.hidden);
  };
  search.addEventListener("input", (event) => {
    event.stopPropagation();
    narrow();
  });
  search.value = remembered(SEARCHED_AS, "sessionStorage") ?? "";
  narrow();
  const all = el(
    "details",
    { class: "more", open: search.value !== "" || placeBefore("expert") === true },
    el("summary", {}, el("span", { t: "options.more" })),
    search,
    ...groups.map(({ node }) => node),
    none,
  );
  keepPlace("expert", () => all.open);
  return all;
}

/** @param {Presets} presets @param {(preset: string) => void} choose */
function cards(presets, choose) {
  const all = Object.keys(presets).map((name) =>
    el(
      "label",
      { class: "card" },
      el("input", { type: "radio", name: PRESET, value: name, onchange: () => choose(name) }),
      el("img", { class: "head", src: `/static/strength/${name}.jpg`, alt: "", width: 96, height: 96 }),
      el("b", { t: `preset.${name}` }),
      el("small", { t: `preset.${name}.help` }),
      el("span", { class: "tick" }, icon("check")),
    ),
  );
  return el("fieldset", { class: "cards" }, el("legend", { class: "unseen", t: "options.presets" }), ...all);
}

/**
 * @param {string} name @param {Record<string, any>} setting
 * @param {() => any} standard what holds where nothing is chosen @param {() => void} changed
 * @returns {Field}
 */
function field(name, setting, standard, changed) {
  const one = control(name, setting, `option-${name}`);
  const help = el("small", { id: `help-${name}` });
  const label = el("label", { for: `option-${name}` });
  // A setting of a plug-in has no text of ours: the service's own words stand in for it.
  if (has(`option.${name}`)) say(label, `option.${name}`);
  else label.textContent = name.replaceAll("_", " ");
  if (has(`option.${name}.help`)) bind(help, "text", `option.${name}.help`);
  else help.textContent = setting.description ?? "";
  one.node.setAttribute("aria-describedby", help.id);
  const usual = el("small", { class: "usual" });
  const reset = button("option.reset", icon("undo"), () => (one.forget(standard()), changed(), one.node.focus()), {
    kind: "quiet reset",
    params: { name: () => label.textContent },
    bare: true,
  });
  const refresh = () => {
    usual.textContent = t("option.default", { value: one.words(standard()) });
    reset.hidden = !one.touched();
  };
  onLanguage(refresh);
  const kind = one.node.type === "checkbox" ? "field switch" : "field";
  const node = el("div", { class: kind }, label, one.node, help, el("div", { class: "usual-row" }, usual, reset));
  return { name, control: one, node, group: setting.group, refresh };
}
