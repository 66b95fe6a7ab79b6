// Before and after, one over the other, with a slider between them; of a video frame by frame.

import { getPlan, getReport, urls } from "./api.js";
import { button, el, svg } from "./dom.js";
import { partOf } from "./editor/names.js";
import { bind, say } from "./i18n.js";
import { icon } from "./icons.js";
import { LatestImage } from "./latest.js";
import { isPaged } from "./store.js";
import { keepPlace, placeBefore } from "./place.js";
import { playbar } from "./playbar.js";
import { Player } from "./player.js";
import { timesOf } from "./times.js";
import { complain } from "./toast.js";

const WIDEST = 1280;
const MIDDLE = 50;

/** @typedef {Service.Job} Job */

/** The view of a finished job; without its original, the result alone. @param {Job} job @param {number} version */
export function comparison(job, version) {
  const width = Math.min(job.width ?? WIDEST, WIDEST);
  const after = new LatestImage((index) => urls.frame(job, index, "result", width, version), "compare.after");
  const before = job.has_original
    ? new LatestImage((index) => urls.frame(job, index, "original", width), "compare.before")
    : null;
  const stage = el("div", { class: "compare" }, after.node);
  const tools = el("div", { class: "row compare-tools" });
  // Of another one it is forgotten: else it would take the place of what is looked at since.
  const found = placeBefore("compared");
  /** What the page before had of this one. @type {{id?: string, frame?: number, split?: number, boxed?: boolean}} */
  const past = found?.id === job.id ? found : {};
  let frame = Math.min(past.frame ?? 0, (job.frames ?? 1) - 1);
  let boxed = false;
  /** @type {Service.DocumentPart[]} */
  let parts = [];
  /** @type {Awaited<ReturnType<typeof overlay>> | null} */
  let boxes = null;

  const slider = before && divider(stage, past.split ?? MIDDLE);
  keepPlace("compared", () => ({ id: job.id, frame, split: slider && Number(slider[0].value), boxed }));
  if (before && slider) {
    before.node.classList.add("before");
    stage.append(before.node, ...slider);
    stage.append(
      el("span", { class: "tag left", t: "compare.before" }),
      el("span", { class: "tag right", t: "compare.after" }),
    );
  }
  /** @param {number} index */
  const go = (index) => {
    frame = index;
    shape(stage, parts[index] ?? job);
    after.show(index);
    if (before) before.show(index);
    boxes?.show(index);
  };
  /** @type {ReturnType<typeof frames> | null} */
  let bar = null;
  if (job.frames && job.frames > 1) {
    const of = (bar = frames(job.frames, (index) => parts[index], (index) => {
      player?.pause();
      go(index);
    }));
    const player = isPaged(job) ? null : playerOf(job, version, of, {
      look: async (index) => void (await Promise.all([after.show(index), before?.show(index)])),
      at: (index) => {
        frame = index;
        boxes?.show(index);
      },
      rest: async () => {
        go(frame);
        await after.show(frame);
      },
    });
    if (player) {
      after.node.after(player.node);
      const { play, rest } = playbar(player, () => frame);
      tools.append(play, of.node, ...rest);
    } else tools.append(of.node);
    // Of a document the report tells what each frame is, also when its plan is gone.
    if (isPaged(job)) {
      getReport(job)
        .then((report) => {
          parts = report.media.parts;
          go(frame);
          of.tell();
        })
        .catch(complain);
    }
  }
  if (job.has_plan) {
    tools.append(
      boxesSwitch(past.boxed === true, async (on) => {
        boxed = on;
        boxes ??= await overlay(job, stage);
        boxes.node.classList.toggle("gone", !on);
        boxes.show(frame);
      }),
    );
  }
  bar?.stand(frame);
  go(frame);
  return el("figure", { class: "comparison", tLabel: "compare.label" }, stage, tools);
}

/** As wide and high as what is shown. @param {HTMLElement} stage @param {{width: number | null, height: number | null}} size */
function shape(stage, { width, height }) {
  if (!width || !height) return;
  stage.style.aspectRatio = `${width} / ${height}`;
  stage.style.setProperty("--wide", `calc(var(--high, 60vh) * ${width / height})`);
}

/**
 * A range input over the whole picture, and the line that follows it.
 * @param {HTMLElement} stage @param {number} split in percent @returns {[HTMLInputElement, HTMLElement]}
 */
function divider(stage, split) {
  const input = el("input", {
    type: "range",
    min: 0,
    max: 100,
    value: split,
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

/**
 * Plays the result; the style sheet hides all else while it does.
 * @param {Job} job @param {number} version @param {ReturnType<typeof frames>} bar
 * @param {Pick<import("./player.js").Film, "look" | "at" | "rest">} film
 */
function playerOf(job, version, bar, { look, at, rest }) {
  return new Player({
    url: `${urls.result(job)}?v=${version}`,
    frames: job.frames ?? 0,
    times: async () => (job.has_plan ? timesOf(await getPlan(job)) : null),
    look,
    at: (index) => {
      bar.stand(index);
      at(index);
    },
    rest,
  });
}

/** @param {number} total @param {(index: number) => Service.DocumentPart | undefined} partAt @param {(index: number) => void} go */
function frames(total, partAt, go) {
  const said = el("output", { class: "small soft" });
  const input = el("input", { type: "range", min: 0, max: total - 1, value: 0, tLabel: "frame.slider" });
  const tell = () => {
    const index = Number(input.value);
    const part = partAt(index);
    if (part) say(said, "part.at", { name: () => partOf(part), number: index + 1, total });
    else say(said, "frame.of", { frame: index + 1, total });
  };
  /** @param {string} key @param {string} picture @param {number} by */
  const step = (key, picture, by) => button(key, icon(picture), () => move(Number(input.value) + by), { bare: true });
  /** @param {number} index */
  const stand = (index) => {
    input.value = String(index);
    tell();
  };
  /** @param {number} index */
  const move = (index) => {
    stand(index);
    go(Number(input.value));
  };
  input.addEventListener("input", () => move(Number(input.value)));
  tell();
  const node = el("div", { class: "frames" }, step("frame.before", "previous", -1), input, step("frame.after", "next", 1), said);
  return { node, tell, stand };
}

/** @param {boolean} on at the beginning @param {(on: boolean) => Promise<void>} change */
function boxesSwitch(on, change) {
  /** @type {HTMLInputElement} */
  const input = el("input", {
    type: "checkbox",
    role: "switch",
    checked: on,
    onchange: () => change(input.checked).catch(complain),
  });
  if (on) change(true).catch(complain);
  return el("label", { class: "switch-line" }, input, el("span", { t: "compare.boxes" }));
}

/** The plan's boxes drawn over the picture: in the page alone, never in the file. @param {Job} job @param {HTMLElement} stage */
async function overlay(job, stage) {
  const { tracks, media } = await getPlan(job);
  const node = svg("svg", { class: "boxes", "aria-hidden": "true" });
  stage.append(node);
  /** @param {number} index */
  const show = (index) => {
    const { width, height } = media.parts[index] ?? media;
    node.setAttribute("viewBox", `0 0 ${width} ${height}`);
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
