// The camera of this machine, obscured: frames go to the service and come back with faces covered.
// What is shown and recorded is only what came back.

import { MOST_FPS, Session, WIDTHS } from "./camera-session.js";
import { announce, button, el } from "./dom.js";
import { number, onLanguage, say } from "./i18n.js";
import { icon } from "./icons.js";
import { complain } from "./toast.js";

/** @typedef {import("./api.js").Trouble} Trouble */
/** @typedef {import("./camera-session.js").Seen} Seen */

/**
 * @param {HTMLElement} place to fill
 * @param {() => object | null} settings what was chosen; null where something is wrong with it
 */
export function startCamera(place, settings) {
  const view = el("canvas", { class: "camera-view", hidden: true, role: "img", tLabel: "camera.view" });
  const figures = el("p", { class: "camera-figures soft small" });
  const start = button("camera.start", icon("video"), () => begin(), { kind: "primary" });
  const stop = button("camera.stop", icon("cross"), () => session?.end());
  const record = button("camera.record", icon("download"), () => session?.record());
  stop.hidden = record.hidden = true;
  start.dataset.action = "camera-start";
  stop.dataset.action = "camera-stop";
  record.dataset.action = "camera-record";
  /** @type {Session | null} */
  let session = null;
  const devices = el("select", { tLabel: "camera.device", onchange: () => begin() });
  const device = el("label", { class: "small", hidden: true }, el("span", { t: "camera.device" }), devices);
  const sizes = el(
    "select",
    { tLabel: "camera.size", onchange: () => session?.resize(size()) },
    el("option", { value: "", t: "camera.size.auto" }),
    WIDTHS.map((n) => el("option", { value: n, t: ["camera.size.px", { width: n }] })),
  );
  const size = () => Number(sizes.value) || null;

  place.append(
    el("h2", { t: "camera.title" }),
    el("p", { class: "soft", t: "camera.about" }),
    view,
    figures,
    el("div", { class: "row camera-tools" }, start, stop, record, device, el("label", { class: "small" }, el("span", { t: "camera.size" }), sizes)),
  );
  // What is recorded is in the page alone until it is saved.
  addEventListener("beforeunload", (event) => {
    if (session?.recorder) event.preventDefault();
  });

  /** Offer the cameras that there are, by their names, which are told once one was allowed. @param {MediaStream} stream */
  async function offer(stream) {
    const all = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const current = stream.getVideoTracks()[0]?.getSettings().deviceId;
    devices.replaceChildren(
      ...all.map(({ deviceId, label }) => el("option", { value: deviceId, selected: deviceId === current }, label || deviceId)),
    );
    device.hidden = !all.length;
  }

  /** Another camera, too, is from the beginning; one after the other, or the first would be left running. */
  const begin = () => (begun = begun.then(open).catch(complain));
  let begun = Promise.resolve();

  async function open() {
    session?.end();
    const options = settings();
    if (!options) return;
    start.disabled = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: MOST_FPS }, ...(devices.value && { deviceId: { ideal: devices.value } }) },
      });
      session = new Session(stream, options, view, { show, recording, ended });
      session.resize(size());
      await offer(stream);
      view.hidden = stop.hidden = record.hidden = false;
      start.hidden = true;
    } catch (error) {
      /** @type {Record<string, string>} */
      const types = { NotAllowedError: "camera-denied", NotFoundError: "camera-missing" };
      const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
      const type = types[name];
      complain({ problem: type ? { type } : { type: "unknown", detail: message } });
    } finally {
      start.disabled = false;
    }
  }

  /** @param {Seen} seen */
  function show(seen) {
    const show = () =>
      say(figures, seen.reason ? "camera.figures.whole" : "camera.figures", {
        fps: () => number(seen.fps),
        delay: () => number(seen.delay),
        size: `${seen.width}×${seen.height}`,
        smallest: () => number(seen.smallest),
        n: seen.faces,
      });
    show();
    figures.dataset.fps = seen.fps.toFixed(1);
    figures.dataset.delay = seen.delay.toFixed(0);
    shown = show;
  }
  let shown = () => {};
  onLanguage(() => shown());

  /** @param {boolean} on */
  function recording(on) {
    say(/** @type {HTMLElement} */ (record.querySelector("span")), on ? "camera.record.stop" : "camera.record");
    record.setAttribute("aria-pressed", String(on));
    devices.disabled = on;
  }

  /** @param {Trouble | null} problem */
  function ended(problem) {
    session = null;
    view.hidden = stop.hidden = record.hidden = true;
    start.hidden = false;
    shown = () => {};
    say(figures, "camera.ended");
    announce(figures.textContent);
    if (problem) complain({ problem });
  }
}
