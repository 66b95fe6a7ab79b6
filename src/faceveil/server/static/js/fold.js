// What is folded away behind a button once there are files: the settings, and the camera.

import { button, byId } from "./dom.js";
import { icon } from "./icons.js";

/** @param {string} key @param {string} picture @param {string} id of what the button unfolds */
export function foldButton(key, picture, id) {
  const made = button(key, icon(picture), () => unfold(id, !byId(id).classList.contains("unfolded")), { kind: "unfold" });
  made.setAttribute("aria-expanded", "false");
  made.setAttribute("aria-controls", id);
  return made;
}

/** @param {string} id @param {boolean} yes @param {boolean} [into] bring it into view */
export function unfold(id, yes, into = yes) {
  byId(id).classList.toggle("unfolded", yes);
  document.querySelector(`[aria-controls="${id}"]`)?.setAttribute("aria-expanded", String(yes));
  if (into) byId(id).scrollIntoView({ block: "nearest" });
}
