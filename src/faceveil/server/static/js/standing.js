// How a job stands, in the few words a person needs: is there a result, and may it be relied upon?

import { problemType } from "./format.js";

/** @typedef {Service.Job} Job */

const CANCELLED = "cancelled";
/** Seconds for which a face may be covered unseen before a person should look. */
const LONG_FILL = 1;

/** Everything that a list can be narrowed down to, worst first. */
export const MARKS = ["failed", "review", "none", "added", "unsure", "long", "warned"];

/** A job that was stopped by a person has failed, but not for a fault. @param {Pick<Job, "state" | "problem">} job */
export const stateOf = (job) => (job.problem && problemType(job.problem) === CANCELLED ? CANCELLED : job.state);

/** What is to be known of a job before its result is passed on. @param {Job} job */
export function marksOf(job) {
  const state = stateOf(job);
  if (state === "failed" || state === "withheld") return ["failed"];
  if (state === "review") return ["review"];
  if (state !== "done") return [];
  const marks = [];
  if (!job.faces && !job.kept) marks.push("none");
  if (job.added) marks.push("added");
  if (job.doubts) marks.push("unsure");
  if ((job.longest_fill ?? 0) >= LONG_FILL) marks.push("long");
  if (job.warnings?.length) marks.push("warned");
  return marks;
}

/** @param {Job} job @param {string} mark */
export const isMarked = (job, mark) => marksOf(job).includes(mark);

/**
 * Each job counts once: "done" is a result with nothing to be said about it, "look" has something.
 * @param {Job} job @returns {"done" | "look" | "failed" | "withheld" | "cancelled" | "queued" | "busy"}
 */
export function standingOf(job) {
  const state = stateOf(job);
  if (state === "review") return "look";
  if (state === "done") return marksOf(job).length ? "look" : "done";
  if (state === "failed" || state === "withheld" || state === CANCELLED || state === "queued") return state;
  return "busy";
}

/**
 * The next job after one, in turn, that a person should look at and can.
 * @param {Job[]} jobs @param {string} id
 */
export function nextToLookAt(jobs, id) {
  const at = jobs.findIndex((job) => job.id === id);
  return [...jobs.slice(at + 1), ...jobs.slice(0, Math.max(at, 0))].find((job) => job.has_plan && standingOf(job) === "look");
}

/** How many jobs stand how, in the order in which it is said. @param {Job[]} jobs @returns {[string, number][]} */
export function tally(jobs) {
  /** @type {Record<string, number>} */
  const counts = { done: 0, look: 0, failed: 0, withheld: 0, cancelled: 0, busy: 0, queued: 0 };
  for (const job of jobs) counts[standingOf(job)] += 1;
  return Object.entries(counts).filter(([, count]) => count);
}

/** How many jobs have each mark. @param {Job[]} jobs @returns {[string, number][]} */
export function marked(jobs) {
  const all = jobs.flatMap(marksOf);
  return MARKS.map((mark) => /** @type {[string, number]} */ ([mark, all.filter((one) => one === mark).length])).filter(
    ([, count]) => count,
  );
}

const CURABLE = new Set(["fault", "hung", "worker-died", "disk-full", "output", "weights", "no-detector", CANCELLED]);

/** Can the same work end otherwise the next time? @param {Pick<Job, "problem">} job */
export const mayRetry = ({ problem }) => !problem || CURABLE.has(problemType(problem) ?? "");

const PASSING = new Set(["unreachable", "queue-full", "disk-full", "output", "failing", "fault", "busy"]);

/** Can the same files be taken if they are sent again? @param {{type?: string}} problem */
export const maySendAgain = (problem) => PASSING.has(problemType(problem) ?? "");
