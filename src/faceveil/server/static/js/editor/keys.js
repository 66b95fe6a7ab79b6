// The editor by keyboard alone.

import { moved, resized, stride } from "./geometry.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LEAP = 10;

/**
 * Do what a key says; true if it said something.
 * @param view the stage, to which a new box gives the focus
 */
export function press(event, model, view) {
  if (event.altKey) return false;
  const box = event.target.closest?.("[data-track]");
  if (event.ctrlKey || event.metaKey) return undoOrRedo(event, model);
  if (box) return onBox(event, model, Number(box.dataset.track)) || anywhere(event, model, view);
  // A slider or a field keeps its own keys.
  if (event.target.matches?.("input, select, textarea")) return steps(event, model);
  return anywhere(event, model, view);
}

function undoOrRedo(event, model) {
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) model.redo();
  else if (key === "z") model.undo();
  else return false;
  return true;
}

function onBox(event, model, id) {
  if (event.key === "Delete" || event.key === "Backspace") {
    model.remove(id);
    return true;
  }
  const arrow = ARROWS[event.key];
  if (!arrow) return false;
  const [dx, dy] = arrow.map((way) => way * stride(model.size));
  const box = model.track(id).boxes.get(model.frame);
  if (event.shiftKey) model.setBox(id, resized(box, "se", dx, dy, model.size), "resize");
  else model.setBox(id, moved(box, dx, dy, model.size), "move");
  return true;
}

function anywhere(event, model, view) {
  if (event.key.toLowerCase() === "n") {
    view.focus(model.add());
    return true;
  }
  const id = model.selected;
  if (id !== null && model.track(id).origin === "manual" && "[]".includes(event.key)) {
    model.bound(id, event.key === "[" ? "from" : "to");
    return true;
  }
  return steps(event, model);
}

function steps(event, model) {
  const way = { ",": -1, ".": 1, "<": -LEAP, ">": LEAP, PageUp: -LEAP, PageDown: LEAP }[event.key];
  if (!way || model.frames < 2) return false;
  model.go(model.frame + way);
  return true;
}
