// Through the frames of a video, and what can be done with a box that follows.

import { button, el } from "../dom.js";
import { timecode } from "../format.js";
import { bind, say } from "../i18n.js";
import { icon } from "../icons.js";

/** The bar below the picture of a video. @param {import("./model.js").Model} model */
export function timeline(model) {
  const slider = el("input", { type: "range", min: 0, max: model.frames - 1, value: 0, class: "scrub", tLabel: "frame.slider" });
  slider.addEventListener("input", () => model.go(Number(slider.value)));
  const said = el("output", { class: "small soft frame-said" });
  /** @param {string} key @param {string} picture @param {number} by */
  const step = (key, picture, by) => button(key, icon(picture), () => model.go(model.frame + by), { bare: true });
  /** @param {(id: number) => void} change */
  const selected = (change) => () => model.selected !== null && change(model.selected);
  const unkey = button("editor.unkey", icon("key"), selected((id) => model.removeKey(id)));
  const bounds = [
    button("editor.from", icon("from"), selected((id) => model.bound(id, "from"))),
    button("editor.to", icon("to"), selected((id) => model.bound(id, "to"))),
    unkey,
  ];
  const row = el("div", { class: "row follow-tools" }, el("span", { class: "small soft", t: "editor.follow" }), ...bounds);

  const render = () => {
    slider.value = String(model.frame);
    const where = { frame: model.frame + 1, total: model.frames, time: timecode(model.seconds(model.frame)) };
    say(said, "frame.at", where);
    bind(slider, "aria-valuetext", "frame.at", where);
    const track = model.selected === null ? null : model.track(model.selected);
    row.hidden = track?.origin !== "manual";
    if (track) unkey.disabled = !track.seen.has(model.frame) || track.seen.size < 2;
  };
  model.listen(render);
  render();
  const scrub = el("div", { class: "row scrub-row" }, step("frame.previous", "previous", -1), slider, step("frame.next", "next", 1), said);
  return el("div", { class: "timeline" }, scrub, row);
}
