// What pointers do on the picture: a click on a face keeps or hides it, a drag moves it, a drag at
// a grip resizes it, a drag beside all faces draws a new box.

import { fromCorners, moved, resized } from "./geometry.js";

/** A hand trembles by this many pixels of the screen. */
const TREMBLE = 4;

/** @param view the stage: `layer`, `point(event)`, `ghost(box)`, `focus(id)` */
export function gestures(view, model) {
  let drag = null;

  view.layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    const node = event.target.closest("[data-track]");
    const id = node ? Number(node.dataset.track) : null;
    drag = {
      id,
      handle: event.target.dataset.handle ?? "",
      box: id === null ? null : model.track(id).boxes.get(model.frame),
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
    const node = event.target.closest("[data-track]");
    if (node && event.detail === 0) model.toggle(Number(node.dataset.track));
  });
}

function changedBox({ id, handle, box, start }, now, size) {
  if (id === null) return fromCorners(start, now, size);
  const [dx, dy] = [now.x - start.x, now.y - start.y];
  return handle ? resized(box, handle, dx, dy, size) : moved(box, dx, dy, size);
}
