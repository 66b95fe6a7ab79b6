// The camera of this machine, obscured: frames go to the service and come back with faces covered.
// What is shown and recorded is only what came back.

import { MOST_FPS, CameraSession, WIDTHS } from "./camera-session.js";
import { coverView } from "./covers.js";
import { announce, button, el } from "./dom.js";
import { duration } from "./format.js";
import { number, onLanguage, say, t } from "./i18n.js";
import { icon } from "./icons.js";
import { remember, rememberedData } from "./memory.js";
import { recordingsList } from "./recordings.js";
import { complain } from "./toast.js";

/** @typedef {import("./api.js").Trouble} Trouble */
/** @typedef {import("./camera-session.js").Seen} Seen */

const KEPT_AS = "faceveil.camera";

/**
 * @param {HTMLElement} place to fill
 * @param {() => object | null} settings what was chosen; null where something is wrong with it
 */
export function startCamera(place, settings) {
  /** What was chosen the last time. @type {{device?: string, width?: number, outlined?: boolean}} */
  const kept = rememberedData(KEPT_AS) ?? {};
  const keep = () => remember(KEPT_AS, JSON.stringify({ device: devices.value || kept.device, width: size() ?? undefined, outlined: outlined.checked }));
  const view = el("canvas", { class: "camera-view", role: "img", tLabel: "camera.view" });
  const covers = coverView(view);
  const figures = el("p", { class: "camera-figures soft small" });
  const told = el("p", { class: "camera-recording small", hidden: true });
  /** @type {HTMLInputElement} */
  const outlined = el("input", { type: "checkbox", role: "switch", checked: kept.outlined !== false, onchange: () => (covers.outline(outlined.checked), keep()) });
  const outline = el("label", { class: "switch-line camera-outline", hidden: true }, outlined, el("span", { t: "camera.outline" }));
  const start = button("camera.start", icon("video"), () => begin(), { kind: "primary" });
  const stop = button("camera.stop", icon("cross"), () => (finish(), session?.end()));
  const record = button("camera.record", icon("record"), () => (recorded ? finish() : wish("")));
  stop.hidden = record.hidden = true;
  start.dataset.action = "camera-start";
  stop.dataset.action = "camera-stop";
  record.dataset.action = "camera-record";
  /** @type {CameraSession | null} */
  let session = null;
  /** What is being recorded. @type {import("./camera-session.js").Recorded | null} */
  let recorded = null;
  /** The one that was just ended: what is still heard of it is old. */
  let over = "";
  const recordings = recordingsList(
    (id) => (session ? Promise.resolve() : begin()).then(() => wish(id)),
    () => recorded?.id ?? "",
  );
  const devices = el("select", { tLabel: "camera.device", onchange: () => (keep(), begin()) });
  const device = el("label", { class: "small", hidden: true }, el("span", { t: "camera.device" }), devices);
  const sizes = el(
    "select",
    { tLabel: "camera.size", onchange: () => (keep(), session?.resize(size())) },
    el("option", { value: "", t: "camera.size.auto" }),
    WIDTHS.map((n) => el("option", { value: n, selected: n === kept.width, t: ["camera.size.px", { width: n }] })),
  );
  const size = () => Number(sizes.value) || null;

  covers.outline(outlined.checked);
  place.append(
    el("h2", { t: "camera.title" }),
    el("p", { class: "soft", t: "camera.about" }),
    covers.node,
    figures,
    told,
    outline,
    el("div", { class: "row camera-tools" }, start, stop, record, device, el("label", { class: "small" }, el("span", { t: "camera.size" }), sizes)),
    recordings.node,
  );
  // Nothing is lost, but nothing is recorded either while the page is away.
  addEventListener("beforeunload", (event) => {
    if (recorded) event.preventDefault();
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
        video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: MOST_FPS }, ...((devices.value || kept.device) && { deviceId: { ideal: devices.value || kept.device } }) },
      });
      session = new CameraSession(stream, options, view, { show, covered: covers.show, recording, trouble, ended });
      session.resize(size());
      await offer(stream);
      covers.node.hidden = stop.hidden = record.hidden = outline.hidden = false;
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

  /** @param {string} recording to go on with, or "" */
  function wish(recording) {
    over = "";
    record.disabled = session !== null;
    session?.record(recording);
  }

  /** End the recording, and save it as soon as it is one film. */
  function finish() {
    if (!recorded) return;
    const { id } = recorded;
    session?.record(null);
    recording(null);
    over = id;
    recordings.saveWhenMade(id);
  }

  /** @param {import("./camera-session.js").Recorded | null} now */
  function recording(now) {
    if (now?.id === over) return;
    const before = recorded;
    recorded = now;
    told.hidden = !now;
    if (now) say(told, "camera.recording", { time: () => duration(now.seconds) });
    if (Boolean(now) === Boolean(before)) return;
    record.disabled = false;
    say(/** @type {HTMLElement} */ (record.querySelector("span")), now ? "camera.record.stop" : "camera.record");
    record.setAttribute("aria-pressed", String(Boolean(now)));
    devices.disabled = Boolean(now);
    announce(t(now ? "camera.recording.on" : "camera.recording.off"));
    recordings.refresh();
  }

  /** @param {Trouble} problem */
  function trouble(problem) {
    record.disabled = false;
    complain({ problem });
    recordings.refresh();
  }

  /** @param {Trouble | null} problem */
  function ended(problem) {
    session = null;
    covers.node.hidden = stop.hidden = record.hidden = outline.hidden = true;
    start.hidden = record.disabled = false;
    shown = () => {};
    say(figures, "camera.ended");
    announce(figures.textContent);
    if (problem) complain({ problem });
  }
}
