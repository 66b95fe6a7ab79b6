// The drop zone: mouse, keyboard and clipboard all end in one batch.

import { sendFiles } from "./api.js";
import { announce, button, byId, el } from "./dom.js";
import { fromClipboard, fromDrop, fromInput, isClutter } from "./files.js";
import { foldButton } from "./fold.js";
import { say, t } from "./i18n.js";
import { icon } from "./icons.js";
import { complain, refuse, refuseAsBefore } from "./toast.js";
import { tellOfBrokenOff, underWay } from "./under-way.js";

/** @typedef {import("./api.js").Given} Given */
/** @typedef {{options: object, review: boolean, who: import("./people-form.js").Who | null}} Settings */

/**
 * @param {Service.Limits} service
 * @param {() => Settings | null} settings at the moment of sending; null if they cannot be used
 * @param {(made: Service.Job[]) => void} onjobs called with the jobs the service accepted
 * @param {HTMLElement | null} note on who stays visible
 */
export function startUpload(service, settings, onjobs, note) {
  const files = picker({ multiple: true });
  const folder = picker({ webkitdirectory: true });
  const progress = el("div", { class: "sending", hidden: true });
  const zone = el(
    "div",
    { class: "zone" },
    el("div", { class: "zone-icon" }, icon("upload")),
    el("p", { class: "zone-title", t: "drop.title" }),
    el("p", { class: "zone-more", t: "drop.more" }),
    el("p", { class: "soft zone-kinds", t: "drop.kinds" }),
    el(
      "div",
      { class: "row centred" },
      button("drop.files", icon("file"), () => files.click(), { kind: "primary" }),
      button("drop.folder", icon("folder"), () => folder.click()),
      foldButton("bar.settings", "sliders", "options"),
      foldButton("bar.camera", "video", "camera"),
    ),
    el("p", { class: "soft small zone-paste", t: "drop.paste" }),
    button("drop.sample", icon("photo"), () => sample().then(send, complain), { kind: "quiet try-sample" }),
    note,
    progress,
    files,
    folder,
  );
  byId("drop").append(zone);

  /** @param {Given[]} found */
  const send = (found) => upload(found, service, settings(), progress, onjobs);
  for (const input of [files, folder]) {
    input.addEventListener("change", () => {
      send(fromInput(input));
      input.value = "";
    });
  }
  addEventListener("paste", (event) => {
    const pasted = fromClipboard(event.clipboardData);
    if (pasted.length) send(pasted);
  });
  watchDrops(zone, send);
  tellOfBrokenOff();
  refuseAsBefore();
}

/** A picture to try with: it comes with the page. @returns {Promise<Given[]>} */
async function sample() {
  const address = "/static/sample.jpg";
  const name = address.slice(address.lastIndexOf("/") + 1);
  const answer = await fetch(address);
  return [{ file: new File([await answer.blob()], name, { type: "image/jpeg" }), path: name }];
}

/** The browser's own chooser, opened by the buttons: they are what is seen, reached and read out. @param {object} attributes */
const picker = (attributes) => el("input", { type: "file", hidden: true, ...attributes });

/**
 * The whole page takes drops: a file beside the zone must not be opened by the browser.
 * @param {HTMLElement} zone @param {(found: Given[]) => void} send
 */
function watchDrops(zone, send) {
  /** @param {DragEvent} event */
  const wanted = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!wanted(event)) return;
    // Another place may take it.
    zone.classList.toggle("over", !event.defaultPrevented);
    event.preventDefault();
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  addEventListener("drop", async (event) => {
    if (!event.dataTransfer || !wanted(event) || event.defaultPrevented) return;
    event.preventDefault();
    zone.classList.remove("over");
    if (document.querySelector("dialog[open]")) return;
    try {
      send(await fromDrop(event.dataTransfer));
    } catch (error) {
      complain(error);
    }
  });
}

/**
 * @param {Given[]} found @param {Service.Limits} service @param {Settings | null} settings
 * @param {HTMLElement} progress @param {(made: Service.Job[]) => void} onjobs
 */
async function upload(found, service, settings, progress, onjobs) {
  if (!settings) return;
  const { options, review, who } = settings;
  const files = found.filter((one) => !isClutter(one));
  const problem = refusal(files, service);
  if (problem) return complain({ problem });
  /** @param {Given[]} some */
  const again = (some) => upload(some, service, settings, progress, onjobs);
  const ending = new AbortController();
  const bar = el("progress", { max: 1, value: 0, tLabel: "drop.sending" });
  const words = el("span", { class: "small" });
  const row = el(
    "div",
    { class: "row" },
    words,
    bar,
    button("cancel", icon("cross"), () => ending.abort(), { bare: true, kind: "quiet" }),
  );
  progress.append(row);
  progress.hidden = false;
  /** @param {number} share */
  const step = (share) => {
    bar.value = share;
    say(words, share < 1 ? "drop.share" : "drop.looking", { n: files.length, percent: Math.floor(share * 100) });
  };
  step(0);
  const over = underWay();
  let arrived = false;
  try {
    const answer = await sendFiles(files, options, review, who, step, ending.signal);
    arrived = true;
    onjobs(answer.jobs);
    announce(t("drop.accepted", { n: answer.jobs.length }));
    refuse(answer.refused ?? [], (names) => again(files.filter(({ path }) => names.has(path))));
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) complain(error, () => again(files));
  } finally {
    over(arrived);
    row.remove();
    progress.hidden = !progress.childElementCount;
  }
}

/** What the service would refuse anyway is refused before it is sent. @param {Given[]} files @param {Service.Limits} limits */
export function refusal(files, { max_files: most, max_upload_mb: limit, max_upload_bytes: bytes }) {
  if (!files.length) return { type: "nothing" };
  if (most && files.length > most) return { type: "too-many-files", detail: t("drop.most", { n: most }) };
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  if (bytes && size > bytes) {
    // One that is too large alone goes in no part either.
    const alone = files.find(({ file }) => file.size > bytes);
    if (alone) return { type: "file-too-large", detail: t("drop.limit.file", { name: alone.path, limit }) };
    return { type: "too-large", detail: t("drop.limit", { limit }) };
  }
  return null;
}
