// A small picture of a face: a button that leads to it.

import { urls } from "../api.js";
import { el } from "../dom.js";
import { icon } from "../icons.js";

/**
 * @param {import("./model.js").Model} model @param {{id: string}} job @param {number} id of the track
 * @param {{name: () => string}} name of whom it shows @param {(id: number) => void} visit
 */
export function faceButton(model, job, id, name, visit) {
  const look = { type: "button", class: "face-thumb", tLabel: ["editor.show", name], onclick: () => visit(id) };
  return el("button", look, thumbnail(model, job, id));
}

/** @param {import("./model.js").Model} model @param {{id: string}} job @param {number} id of the track */
function thumbnail(model, job, id) {
  // The service knows nothing yet of what was just drawn.
  const known = model.plan.tracks.find((track) => track.id === id);
  if (!known) return icon("box");
  // Once people are told apart, a number may be another face's: its picture has another address then.
  const [frame, box] = Object.entries(known.boxes)[0] ?? [];
  const picture = el("img", { src: urls.thumbnail(job, id, `${frame}-${box?.x0}-${box?.y0}`), alt: "", loading: "lazy" });
  picture.addEventListener("error", () => picture.replaceWith(icon("box")));
  return picture;
}
