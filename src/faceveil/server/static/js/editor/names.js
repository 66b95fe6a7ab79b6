// What a track is called, in lists and aloud.

import { t } from "../i18n.js";

/** "Face 3", "Box 5": people count from one. @param {{id: number, origin: string}} track */
export function nameOf(track) {
  return t(track.origin === "manual" ? "editor.box" : "editor.face", { number: track.id + 1 });
}
