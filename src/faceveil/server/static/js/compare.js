// Before and after, one over the other, with a slider between them; of a video frame by frame.

import { getPlan, urls } from "./api.js";
import { el, svg } from "./dom.js";
import { bind, say } from "./i18n.js";
import { LatestImage } from "./latest.js";
import { complain } from "./toast.js";

const WIDEST = 1280;

/** @typedef {Service.Job} Job */

/** The view of a finished job; without its original, the result alone. @param {Job} job @param {number} version */
export function comparison(job, version) {
  const width = Math.min(job.width ?? WIDEST, WIDEST);
  const after = new LatestImage((index) => urls.frame(job, index, "result", width, version), "compare.after");
  const before = job.has_original
    ? new LatestImage((index) => urls.frame(job, index, "original", width), "compare.before")
    : null;
  const stage = el("div", { class: "compare" }, after.node);
  if (job.width && job.height) {
    stage.style.aspectRatio = `${job.width} / ${job.height}`;
    stage.style.setProperty("--wide", `calc(70vh * ${job.width / job.height})`);
  }
  const tools = el("div", { class: "row compare-tools" });
  let frame = 0;
  /** @type {Awaited<ReturnType<typeof overlay>> | null} */
  let boxes = null;

  if (before) {
    before.node.classList.add("before");
    stage.append(before.node, ...divider(stage));
    stage.append(
      el("span", { class: "tag left", t: "compare.before" }),
      el("span", { class: "tag right", t: "compare.after" }),
    );
  }
  /** @param {number} index */
  const go = (index) => {
    frame = index;
    after.show(index);
    if (before) before.show(index);
    boxes?.show(index);
  };
  if (job.frames && job.frames > 1) tools.append(frames(job.frames, go));
  if (job.has_plan) {
    tools.append(
      boxesSwitch(async (on) => {
        boxes ??= await overlay(job, stage);
        boxes.node.classList.toggle("gone", !on);
        boxes.show(frame);
      }),
    );
  }
  go(0);
  return el("figure", { class: "comparison", tLabel: "compare.label" }, stage, tools);
}

/** A range input over the whole picture, and the line that follows it. @param {HTMLElement} stage */
function divider(stage) {
  const input = el("input", {
    type: "range",
    min: 0,
    max: 100,
    value: 50,
    class: "compare-range",
    tLabel: "compare.slider",
  });
  const line = el("div", { class: "compare-line" }, el("span", { class: "knob" }));
  const follow = () => {
    stage.style.setProperty("--split", `${input.value}%`);
    bind(input, "aria-valuetext", "compare.share", { n: Number(input.value) });
  };
  input.addEventListener("input", follow);
  follow();
  return [input, line];
}

/** @param {number} total @param {(index: number) => void} go */
function frames(total, go) {
  const said = el("output", { class: "small soft" });
  const input = el("input", { type: "range", min: 0, max: total - 1, value: 0, tLabel: "frame.slider" });
  const follow = () => {
    const index = Number(input.value);
    say(said, "frame.of", { frame: index + 1, total });
    go(index);
  };
  input.addEventListener("input", follow);
  say(said, "frame.of", { frame: 1, total });
  return el("div", { class: "frames" }, input, said);
}

/** @param {(on: boolean) => Promise<void>} change */
function boxesSwitch(change) {
  /** @type {HTMLInputElement} */
  const input = el("input", {
    type: "checkbox",
    role: "switch",
    onchange: () => change(input.checked).catch(complain),
  });
  return el("label", { class: "switch-line" }, input, el("span", { t: "compare.boxes" }));
}

/** The plan's boxes drawn over the picture: in the page alone, never in the file. @param {Job} job @param {HTMLElement} stage */
async function overlay(job, stage) {
  const { tracks, media } = await getPlan(job);
  const node = svg("svg", { viewBox: `0 0 ${media.width} ${media.height}`, class: "boxes", "aria-hidden": "true" });
  stage.append(node);
  /** @param {number} index */
  const show = (index) => {
    const shown = tracks.filter((track) => track.boxes[index]);
    node.replaceChildren(
      ...shown.map((track) => {
        const { x0, y0, x1, y1 } = track.boxes[index];
        const look = track.keep ? "kept" : index in track.seen ? "seen" : "filled";
        return svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: look });
      }),
    );
  };
  return { node, show };
}
