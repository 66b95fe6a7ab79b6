// Through the frames of a video.

import { button, el } from "../dom.js";
import { timecode } from "../format.js";
import { bind, say } from "../i18n.js";
import { icon } from "../icons.js";
import { playbar } from "../playbar.js";

/** The bar below the picture of a video. @param {import("./model.js").Model} model @param {import("../player.js").Player} player */
export function timeline(model, player) {
  const slider = el("input", { type: "range", min: 0, max: model.frames - 1, value: 0, class: "scrub", tLabel: "frame.slider" });
  slider.addEventListener("input", () => model.go(Number(slider.value)));
  const said = el("output", { class: "small soft frame-said" });
  /** @param {string} key @param {string} picture @param {number} by */
  const step = (key, picture, by) => button(key, icon(picture), () => model.go(model.frame + by), { bare: true });
  const gap = button("editor.gap", icon("next"), () => model.seekTo("gap", 1));
  const doubt = button("editor.doubt", icon("eye"), () => model.seekTo("doubt", 1));
  const { play, rest } = playbar(player, () => model.frame);
  const row = el("div", { class: "row seek-tools" }, play, rest, gap, doubt);

  const render = () => {
    slider.value = String(model.frame);
    const where = { frame: model.frame + 1, total: model.frames, time: timecode(model.seconds(model.frame)) };
    say(said, "frame.at", where);
    bind(slider, "aria-valuetext", "frame.at", where);
    gap.disabled = model.nearest("gap", 1) === null;
    doubt.disabled = model.nearest("doubt", 1) === null;
  };
  model.listen(render);
  render();
  const scrub = el("div", { class: "row scrub-row" }, step("frame.previous", "previous", -1), slider, step("frame.next", "next", 1), said);
  return el("div", { class: "timeline" }, scrub, row);
}
