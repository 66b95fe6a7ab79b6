// A review that is loaded anew goes on as it was: its steps to undo and redo, frame, zoom, selection.
// Kept in the storage of this tab: figures, never pixels.

import { forget, remember, rememberedData } from "../memory.js";
import { markOf } from "./draft.js";
import { differences, isEmpty, withEdits } from "./tracks.js";

const KEPT_AS = "faceveil.review";
const TAB = "sessionStorage";
/** Characters; the oldest steps have to go, as the storage of a tab ends at some millions. */
const MOST = 1_000_000;

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("./tracks.js").Edits} Edits */
/** @typedef {{past: Edits[], future: Edits[]}} Steps */
/** @typedef {{zoom: number, left: number, top: number, drawing: boolean}} View */
/** @typedef {{id: string, mark: string, plan: string, steps: Steps, frame: number, selected: number | null, view: View}} Before */
/** @typedef {import("./session.js").Session} Session */

/** @param {Session} session @returns {() => void} ends it */
export function keepReview({ job, model, stage, draft }) {
  const keep = () => {
    // What is being drawn counts as drawn.
    stage.settle();
    const { frame, selected } = model;
    const kept = { id: job.id, mark: draft.mark, plan: printOf(model), steps: stepsOf(model), frame, selected, view: stage.view };
    remember(KEPT_AS, JSON.stringify(kept), TAB);
  };
  addEventListener("pagehide", keep);
  return () => removeEventListener("pagehide", keep);
}

/**
 * What the page before this one had of the review, if nobody has changed anything since.
 * @param {{id: string}} job @param {Service.Draft} draft @param {Model} model @returns {Before | null}
 */
export function reviewBefore({ id }, draft, model) {
  /** @type {Before | null} */
  const kept = rememberedData(KEPT_AS, TAB);
  forget(KEPT_AS, TAB);
  return kept && kept.id === id && kept.mark === markOf(draft) && kept.plan === printOf(model) ? kept : null;
}

/** Tells a plan from one that was saved since: its tracks, and of each the frames and places. @param {Model} model */
const printOf = ({ history }) => history.origin.map(({ id, keep, boxes }) => `${id} ${keep} ${boxes.size} ${sumOf(boxes)}`).join();

/** @param {Map<number, Service.Box>} boxes */
const sumOf = (boxes) => [...boxes.values()].reduce((sum, { x0, y0, x1, y1 }) => sum + x0 + 2 * y0 + 3 * x1 + 4 * y1, 0);

/** Have the steps of a review that was left. @param {Model} model @param {Steps} steps */
export function withSteps({ history }, { past, future }) {
  /** @param {Edits} edits */
  const state = (edits) => (isEmpty(edits) ? history.origin : withEdits(history.origin, edits));
  history.restore({ past: past.map(state), future: future.map(state) });
}

/** The steps next to the present, as many as fit. @param {Model} model @returns {Steps} */
function stepsOf({ history }) {
  let left = MOST;
  /** @param {Track[][]} states the last one is the next */
  const fitting = (states) => {
    /** @type {Edits[]} */
    const kept = [];
    for (const state of [...states].reverse()) {
      const edits = differences(history.origin, state);
      left -= JSON.stringify(edits).length;
      if (left < 0) break;
      kept.unshift(edits);
    }
    return kept;
  };
  const { past, future } = history.steps;
  return { past: fitting(past), future: fitting(future) };
}
