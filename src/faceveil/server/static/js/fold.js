// What is folded away behind a button once there are files: the settings, and the camera.

import { button, byId } from "./dom.js";
import { icon } from "./icons.js";
import { keepPlace, placeBefore } from "./place.js";

/** @param {string} key @param {string} picture @param {string} id of what the button unfolds */
export function foldButton(key, picture, id) {
  const made = button(key, icon(picture), () => unfold(id, !byId(id).classList.contains("unfolded")), { kind: "unfold" });
  const place = `unfolded.${id}`;
  const yes = placeBefore(place) === true;
  byId(id).classList.toggle("unfolded", yes);
  made.setAttribute("aria-expanded", String(yes));
  made.setAttribute("aria-controls", id);
  keepPlace(place, () => byId(id).classList.contains("unfolded"));
  return made;
}

/** @param {string} id @param {boolean} yes @param {boolean} [into] bring it into view */
export function unfold(id, yes, into = yes) {
  byId(id).classList.toggle("unfolded", yes);
  document.querySelector(`[aria-controls="${id}"]`)?.setAttribute("aria-expanded", String(yes));
  if (into) byId(id).scrollIntoView({ block: "nearest" });
}
