// What is covered in the camera's picture: an outline around each area, and how many there are. Both
// are in the page alone: neither in what is recorded nor in what is sent.

import { el, svg } from "./dom.js";
import { say } from "./i18n.js";
import { icon } from "./icons.js";

/** @typedef {import("./camera-session.js").Covers} Covers */

/** @param {HTMLCanvasElement} view */
export function coverView(view) {
  const outlines = svg("svg", { class: "boxes", "aria-hidden": "true" });
  const words = el("span", {});
  const sign = el("span", { class: "covered-sign" }, icon("shield"));
  const tag = el("p", { class: "covered" }, sign, words);
  const node = el("div", { class: "camera-stage", hidden: true }, view, outlines, tag);
  let shown = "";

  /** @param {Covers} covers @param {number} width @param {number} height */
  const show = (covers, width, height) => {
    outlines.setAttribute("viewBox", `0 0 ${width} ${height}`);
    outlines.replaceChildren(
      ...covers.map(([x0, y0, x1, y1]) => svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: "seen" })),
    );
    const whole = covers.some(([x0, y0, x1, y1]) => x0 <= 0 && y0 <= 0 && x1 >= width && y1 >= height);
    const state = whole ? "whole" : covers.length ? "some" : "none";
    const wanted = `${state} ${covers.length}`;
    if (wanted === shown) return;
    shown = wanted;
    node.dataset.covered = state;
    sign.replaceChildren(icon(state === "none" ? "eye" : "shield"));
    say(words, `camera.covered.${state}`, { n: covers.length });
  };
  return { node, show, outline: (/** @type {boolean} */ on) => outlines.classList.toggle("gone", !on) };
}
