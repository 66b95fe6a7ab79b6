// What pointers do on the picture: a click selects a face, a drag moves it, a drag at a grip resizes
// it, a drag beside all faces draws a new box, or moves the picture if it is enlarged. The wheel and
// two fingers enlarge.

import { fromCorners, moved, resized } from "./geometry.js";

/** A hand trembles by this many pixels of the screen. */
const TREMBLE = 4;
const WHEEL = 0.0016;
const LINE_PX = 30;

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Point} Point */
/** @typedef {[number, number]} Spot in pixels of the screen */
/**
 * @typedef {object} Drag
 * @property {number | null} id of the track; null: beside all faces
 * @property {string} handle the sides that are held, or ""
 * @property {Box | null} box as it was
 * @property {Point} start in pixels of the picture
 * @property {Spot} screen where it was last
 * @property {boolean} pans it moves the picture
 * @property {boolean} far it is no trembling
 * @property {Box} [latest] as it would be now
 */

/**
 * @param {import("./stage.js").Stage} view @param {import("./model.js").Model} model
 * @returns {() => void} ends a drag as if the pointer had let go
 */
export function gestures(view, model) {
  /** @type {Drag | null} */
  let drag = null;
  /** @type {Map<number, Spot>} */
  const fingers = new Map();

  // Fingers may lie beside the picture, where it leaves room.
  view.node.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, spot(event));
    if (fingers.size > 1) {
      drag = null;
      view.ghost(null);
    }
    if (event.button > 1 || !event.isPrimary || fingers.size > 1) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (!view.layer.contains(target)) return;
    const pans = event.button === 1;
    const node = view.drawing || pans ? null : trackNode(target);
    const id = node ? Number(node.dataset.track) : null;
    drag = {
      id,
      handle: (node && target.dataset.handle) ?? "",
      box: id === null ? null : model.track(id).boxes.get(model.frame) ?? null,
      start: view.point(event),
      screen: spot(event),
      pans: pans || (id === null && view.enlarged && !view.drawing && !event.shiftKey),
      far: false,
    };
    if (node) node.focus();
    view.layer.setPointerCapture(event.pointerId);
    event.preventDefault();
  });

  view.node.addEventListener("pointermove", (event) => {
    if (fingers.has(event.pointerId) && fingers.size === 2) return pinch(event);
    if (!drag) return;
    const [x, y] = drag.screen;
    const [dx, dy] = [event.clientX - x, event.clientY - y];
    drag.far ||= Math.hypot(dx, dy) > TREMBLE;
    if (!drag.far) return;
    if (drag.pans) {
      view.pan(dx, dy);
      drag.screen = spot(event);
      return;
    }
    drag.latest = changedBox(drag, view.point(event), model.size);
    view.ghost(drag.latest);
  });

  /** @param {PointerEvent} event */
  const pinch = (event) => {
    const before = [...fingers.values()];
    fingers.set(event.pointerId, spot(event));
    const after = [...fingers.values()];
    const [old, now] = [middle(before), middle(after)];
    view.pan(now[0] - old[0], now[1] - old[1]);
    view.zoom(apart(after) / Math.max(1, apart(before)), now);
  };

  /** @param {PointerEvent} event */
  const finish = (event) => {
    fingers.delete(event.pointerId);
    if (event.type === "pointercancel") {
      drag = null;
      view.ghost(null);
    } else letGo();
  };
  const letGo = () => {
    if (!drag) return;
    const { id, far, latest, pans } = drag;
    drag = null;
    view.ghost(null);
    if (far && pans) return;
    if (far && latest) {
      if (id !== null) model.setBox(id, latest);
      else {
        const made = model.add(latest);
        if (made !== null) {
          view.focus(made);
          view.ondrawn(made);
        }
      }
    } else model.pick(id);
  };
  view.node.addEventListener("pointerup", finish);
  view.node.addEventListener("pointercancel", finish);

  view.node.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const far = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * LINE_PX : event.deltaY;
      view.zoom(Math.exp(-far * WHEEL), spot(event));
    },
    { passive: false },
  );

  // Space and Enter on a box arrive as clicks that no pointer made. A pointer's click only selects:
  // one click never exposes a face.
  view.layer.addEventListener("click", (event) => {
    const node = trackNode(/** @type {HTMLElement} */ (event.target));
    if (node && event.detail === 0) model.toggle(Number(node.dataset.track));
  });
  return letGo;
}

/** @param {MouseEvent} event @returns {Spot} */
const spot = (event) => [event.clientX, event.clientY];

/** @param {Spot[]} two @returns {Spot} */
const middle = ([[a, b], [c, d]]) => [(a + c) / 2, (b + d) / 2];

/** @param {Spot[]} two */
const apart = ([[a, b], [c, d]]) => Math.hypot(a - c, b - d);

/** @param {HTMLElement} target @returns {HTMLElement | null} */
const trackNode = (target) => target.closest("[data-track]");

/** @param {Drag} drag @param {Point} now @param {import("./geometry.js").Size} size */
function changedBox({ box, handle, start }, now, size) {
  if (box === null) return fromCorners(start, now, size);
  const [dx, dy] = [now.x - start.x, now.y - start.y];
  return handle ? resized(box, handle, dx, dy, size) : moved(box, dx, dy, size);
}
