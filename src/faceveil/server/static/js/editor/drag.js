// What pointers do on the picture: a click on a face keeps or hides it, a drag moves it, a drag at
// a grip resizes it, a drag beside all faces draws a new box.

import { fromCorners, moved, resized } from "./geometry.js";

/** A hand trembles by this many pixels of the screen. */
const TREMBLE = 4;

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/**
 * @typedef {object} Drag
 * @property {number | null} id of the track; null: beside all faces
 * @property {string} handle the sides that are held, or ""
 * @property {Box | null} box as it was
 * @property {Point} start in pixels of the picture
 * @property {[number, number]} screen the same in pixels of the screen
 * @property {boolean} far it is no trembling
 * @property {Box} [latest] as it would be now
 */

/** @param {import("./stage.js").Stage} view @param {import("./model.js").Model} model */
export function gestures(view, model) {
  /** @type {Drag | null} */
  let drag = null;

  view.layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const node = trackNode(target);
    const id = node ? Number(node.dataset.track) : null;
    drag = {
      id,
      handle: target.dataset.handle ?? "",
      box: id === null ? null : model.track(id).boxes.get(model.frame) ?? null,
      start: view.point(event),
      screen: [event.clientX, event.clientY],
      far: false,
    };
    if (node) node.focus();
    view.layer.setPointerCapture(event.pointerId);
    event.preventDefault();
  });

  view.layer.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = drag.screen;
    drag.far ||= Math.hypot(event.clientX - x, event.clientY - y) > TREMBLE;
    if (!drag.far) return;
    const now = view.point(event);
    drag.latest = changedBox(drag, now, model.size);
    view.ghost(drag.latest);
  });

  /** @param {PointerEvent} event */
  const finish = (event) => {
    if (!drag) return;
    const { id, far, latest } = drag;
    drag = null;
    view.ghost(null);
    if (event.type === "pointercancel") return;
    if (far && latest) {
      if (id !== null) model.setBox(id, latest);
      else {
        const made = model.add(latest);
        if (made !== null) view.focus(made);
      }
    } else if (id !== null) {
      model.select(id);
      model.toggle(id);
    } else {
      model.select(null);
    }
  };
  view.layer.addEventListener("pointerup", finish);
  view.layer.addEventListener("pointercancel", finish);

  // Space and Enter on a box arrive as clicks that no pointer made; those of pointers are dealt
  // with above, because they have to be told from drags.
  view.layer.addEventListener("click", (event) => {
    const node = trackNode(/** @type {HTMLElement} */ (event.target));
    if (node && event.detail === 0) model.toggle(Number(node.dataset.track));
  });
}

/** @param {HTMLElement} target @returns {HTMLElement | null} */
const trackNode = (target) => target.closest("[data-track]");

/** @param {Drag} drag @param {Point} now @param {import("./geometry.js").Size} size */
function changedBox({ box, handle, start }, now, size) {
  if (box === null) return fromCorners(start, now, size);
  const [dx, dy] = [now.x - start.x, now.y - start.y];
  return handle ? resized(box, handle, dx, dy, size) : moved(box, dx, dy, size);
}
