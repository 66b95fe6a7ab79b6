// What tracks and parts of a document are called, in lists and aloud.

import { t } from "../i18n.js";

/** "Face 3", "Box 5": people count from one. @param {{id: number, origin: string}} track */
export function nameOf(track) {
  return t(track.origin === "manual" ? "editor.box" : "editor.face", { number: track.id + 1 });
}

/** "Page 3", "Page 3, picture 1", "word/media/image1.png". @param {Service.DocumentPart} part */
export function partOf({ name, page, picture, hidden }) {
  if (picture) return t(page ? "part.picture" : "part.loose", { page, picture });
  if (hidden && page) return t("part.hidden", { page });
  return page ? t("part.page", { page }) : name;
}
