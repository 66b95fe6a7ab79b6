// What can be done with the selected face: hide or show it, look closer, change when it is there.

import { button, el } from "../dom.js";
import { bind, say } from "../i18n.js";
import { icon } from "../icons.js";
import { nameOf } from "./names.js";
import { isKeyed, span } from "./tracks.js";
import { whose } from "./whose.js";

/**
 * A bar that keeps its place while nothing is selected, so that the picture stays where it is.
 * @param {import("./model.js").Model} model @param {import("./stage.js").Stage} view
 * @param {import("./follower.js").Follower} follower
 */
export function selection(model, view, follower) {
  const name = el("b", { class: "selected-name" });
  const keep = el("button", { type: "button", class: "keep" });
  /** @param {(id: number) => void} change */
  const selected = (change) => () => model.selected !== null && change(model.selected);
  keep.addEventListener("click", selected((id) => model.toggle(id)));
  const closer = button("editor.closer", icon("plus"), selected((id) => view.look(id)));
  const remove = button("editor.delete", icon("trash"), selected((id) => model.remove(id)), { bare: true });
  const from = button("editor.from", icon("from"), selected((id) => model.bound(id, "from")));
  const to = button("editor.to", icon("to"), selected((id) => model.bound(id, "to")));
  const split = button("editor.split", icon("compare"), selected((id) => model.split(id)));
  const merge = button("editor.merge", icon("box"), selected((id) => model.merge(id)));
  const unkey = button("editor.unkey", icon("key"), selected((id) => model.removeKey(id)));
  const follow = button("editor.follow", icon("aim"), selected((id) => follower.start(id)));
  const over = model.isVideo ? [follow, from, to, split, merge, unkey] : [];
  const hint = el("span", { class: "small soft merge-hint", role: "status" });
  const person = whose(model, selected);
  const node = el("div", { class: "row selection", role: "toolbar", tLabel: "editor.selected" }, name, keep, ...person.nodes, closer, ...over, remove, hint);

  const render = () => {
    const id = model.selected;
    node.classList.toggle("nothing", id === null);
    if (id === null) return;
    const track = model.track(id);
    const [first, last] = span(track);
    say(name, "editor.name", { name: () => nameOf(track) });
    keep.replaceChildren(icon(track.keep ? "veil" : "eye"), el("span", { t: track.keep ? "editor.hide" : "editor.show.face" }));
    bind(keep, "aria-label", track.keep ? "editor.row.kept" : "editor.row.hidden", { name: () => nameOf(track) });
    node.classList.toggle("is-kept", track.keep);
    person.render(id);
    closer.disabled = !track.boxes.has(model.frame);
    split.disabled = !(first < model.frame && model.frame <= last);
    merge.disabled = model.tracks.length < 2;
    merge.setAttribute("aria-pressed", String(model.merging === id));
    follow.disabled = !track.boxes.has(model.frame);
    unkey.hidden = !isKeyed(track);
    unkey.disabled = !track.seen.has(model.frame) || track.seen.size < 2;
    if (model.merging === id) say(hint, "editor.merging");
    else hint.replaceChildren();
  };
  // What plays is looked at, not changed; when it stops, it is said once more.
  model.listen((what) => what === "playing" || render());
  render();
  return node;
}
