// What a person who reviews is told: the keys, and the looks of the boxes.

import { button, el } from "../dom.js";
import { icon } from "../icons.js";

const KEYS = ["tab", "space", "arrows", "shift", "hide", "only", "everywhere", "closer", "zoom", "delete", "new", "undo"];
const OF_VIDEO = ["play", "step", "sought", "bounds", "split", "follow"];
const OF_PAGES = ["page", "found"];

/** @param {import("./model.js").Model} model */
export function helpOf(model) {
  const going = model.frames < 2 ? [] : model.paged ? OF_PAGES : OF_VIDEO;
  const rows = [...KEYS, ...going, "escape"].map((name) => [el("dt", { t: `keys.${name}.keys` }), el("dd", { t: `keys.${name}` })]);
  /** @type {HTMLDialogElement} */
  const help = el(
    "dialog",
    { class: "small-dialog", tLabel: "editor.keys" },
    el("h3", { t: "editor.keys" }),
    el("dl", { class: "keys" }, ...rows.flat()),
    model.isVideo ? el("p", { class: "small soft", t: "editor.following" }) : null,
    button("close", icon("check"), () => help.close(), { kind: "primary" }),
  );
  return help;
}

/** What the looks of a box mean, and how to go about it. @param {import("./model.js").Model} model @param {HTMLElement[]} saving */
export function footOf(model, saving) {
  const looks = ["hidden", "filled", "kept"].filter((look) => look !== "filled" || model.isVideo);
  const legend = looks.map((look) =>
    el("li", {}, el("i", { class: `sample ${look}` }), el("span", { t: `editor.legend.${look}` })),
  );
  const hint = el("p", { class: "small soft hint", t: "editor.hint" });
  return el("footer", { class: "editor-foot" }, el("div", {}, el("ul", { class: "legend small" }, ...legend), hint), ...saving);
}
