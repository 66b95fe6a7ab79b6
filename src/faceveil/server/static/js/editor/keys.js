// The editor by keyboard alone.

import { moved, resized, stride } from "./geometry.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./stage.js").Stage} Stage */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** One step of enlarging. */
export const ZOOM = 1.5;
const LEAP = 10;
/** @type {Record<string, number>} */
const STEPS = { ",": -1, ".": 1, "<": -LEAP, ">": LEAP, PageUp: -LEAP, PageDown: LEAP };

/**
 * Do what a key says; true if it said something.
 * @param {KeyboardEvent} event @param {Model} model
 * @param {Stage} view to which a new box gives the focus
 * @param {import("../player.js").Player | null} player of a video
 * @param {import("./follower.js").Follower} follower
 */
export function press(event, model, view, player, follower) {
  if (event.altKey) return false;
  const target = /** @type {HTMLElement} */ (event.target);
  /** @type {HTMLElement | null | undefined} */
  const box = target.closest?.("[data-track]");
  if (event.ctrlKey || event.metaKey) return undoOrRedo(event, model);
  if (player && event.key.toLowerCase() === "k") {
    player.toggle(model.frame);
    return true;
  }
  if (box) return onBox(event, model, Number(box.dataset.track)) || anywhere(event, model, view, follower);
  // A slider or a field keeps its own keys.
  if (target.matches?.("input, select, textarea")) return steps(event, model);
  return anywhere(event, model, view, follower);
}

/** @param {KeyboardEvent} event @param {Model} model */
function undoOrRedo(event, model) {
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) model.redo();
  else if (key === "z") model.undo();
  else return false;
  return true;
}

/** @param {KeyboardEvent} event @param {Model} model @param {number} id */
function onBox(event, model, id) {
  if (event.key === "Delete" || event.key === "Backspace") {
    model.remove(id);
    return true;
  }
  const arrow = ARROWS[event.key];
  if (!arrow) return false;
  const [dx, dy] = arrow.map((way) => way * stride(model.size));
  const box = /** @type {Service.Box} */ (model.track(id).boxes.get(model.frame));
  if (event.shiftKey) model.setBox(id, resized(box, "se", dx, dy, model.size), "resize");
  else model.setBox(id, moved(box, dx, dy, model.size), "move");
  return true;
}

/** @param {KeyboardEvent} event @param {Model} model @param {Stage} view @param {import("./follower.js").Follower} follower */
function anywhere(event, model, view, follower) {
  if (event.key.toLowerCase() === "n") {
    const made = model.add();
    if (made !== null) view.focus(made);
    return true;
  }
  if (model.paged && event.key.toLowerCase() === "f") {
    model.seekTo("face", event.shiftKey ? -1 : 1);
    return true;
  }
  const id = model.selected;
  if (event.key === "Escape" && model.merging !== null) {
    model.merge(model.merging);
    return true;
  }
  /** @type {Record<string, () => void>} */
  const sought = {
    g: () => model.seekTo("gap", event.shiftKey ? -1 : 1),
    d: () => model.seekTo("doubt", event.shiftKey ? -1 : 1),
    "+": () => view.zoom(ZOOM),
    "=": () => view.zoom(ZOOM),
    "-": () => view.zoom(1 / ZOOM),
  };
  /** @type {Record<string, (id: number) => void>} */
  const selected = {
    z: (of) => view.look(of),
    h: (of) => (event.shiftKey ? model.hideEverywhere(of) : model.toggle(of)),
    o: (of) => model.onlyThis(of),
  };
  if (model.isVideo) {
    selected["["] = (of) => model.bound(of, "from");
    selected["]"] = (of) => model.bound(of, "to");
    selected.f = (of) => follower.toggle(of);
    selected.s = (of) => model.split(of);
    selected.m = (of) => model.merge(of);
  }
  const key = event.key.toLowerCase();
  if (key in sought) sought[key]();
  else if (id !== null && key in selected) selected[key](id);
  else return steps(event, model);
  return true;
}

/** @param {KeyboardEvent} event @param {Model} model */
function steps(event, model) {
  const way = STEPS[event.key];
  if (!way || model.frames < 2) return false;
  model.go(model.frame + way);
  return true;
}
