// Through the pages and pictures of a document.

import { button, el } from "../dom.js";
import { bind, say } from "../i18n.js";
import { icon } from "../icons.js";
import { partOf } from "./names.js";

/** The bar below a page. @param {import("./model.js").Model} model */
export function paging(model) {
  const slider = el("input", { type: "range", min: 0, max: model.frames - 1, value: 0, class: "scrub", tLabel: "part.slider" });
  slider.addEventListener("input", () => model.go(Number(slider.value)));
  const said = el("output", { class: "small soft part-said" });
  /** @param {string} key @param {string} picture @param {1 | -1} by */
  const step = (key, picture, by) => button(key, icon(picture), () => model.go(model.frame + by), { bare: true });
  const back = button("part.found.previous", icon("previous"), () => model.seekTo("face", -1));
  const on = button("part.found.next", icon("next"), () => model.seekTo("face", 1));

  const render = () => {
    slider.value = String(model.frame);
    const where = { name: () => partOf(model.parts[model.frame]), number: model.frame + 1, total: model.frames };
    say(said, "part.at", where);
    bind(slider, "aria-valuetext", "part.at", where);
    back.disabled = model.nearest("face", -1) === null;
    on.disabled = model.nearest("face", 1) === null;
  };
  model.listen(render);
  render();
  const scrub = el("div", { class: "row scrub-row" }, step("part.previous", "previous", -1), slider, step("part.next", "next", 1));
  return el("div", { class: "timeline" }, said, scrub, el("div", { class: "row" }, back, on));
}
