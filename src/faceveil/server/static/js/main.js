// The page: brings the parts together, holds no logic of its own.

import { applyAgain } from "./again.js";
import { onlyWherePressed } from "./aim.js";
import { discard, discardBatch, getOptions } from "./api.js";
import { Bin } from "./bin.js";
import { startCamera } from "./camera.js";
import { byId, el } from "./dom.js";
import { Editor } from "./editor/editor.js";
import { followJobs } from "./events.js";
import { allLanguages, language, nativeName, onLanguage, say, startLanguage, switchLanguage } from "./i18n.js";
import { icon } from "./icons.js";
import { showJobs } from "./jobs.js";
import { optionsForm } from "./options-form.js";
import { nextToLookAt } from "./standing.js";
import { Store, isOver } from "./store.js";
import { startTheme } from "./theme.js";
import { complain } from "./toast.js";
import { startUpload } from "./upload.js";

await startLanguage();
startTheme();
onlyWherePressed(document);
startSwitch(byId("language"));

try {
  start(await getOptions());
} catch (error) {
  complain(error);
}

/** The languages, each in its own words. @param {HTMLElement} choice */
function startSwitch(choice) {
  if (!(choice instanceof HTMLSelectElement)) return;
  choice.append(...allLanguages().map((name) => el("option", { value: name, lang: name }, nativeName(name))));
  choice.value = language();
  choice.addEventListener("change", () => switchLanguage(choice.value).catch(complain));
}

/** @param {Service.OptionsPage} page */
function start({ schema, presets, service }) {
  const store = new Store();
  const place = /** @type {HTMLFormElement} */ (byId("options"));
  const form = optionsForm(place, schema, presets, () => {
    if (form.valid()) applyAgain(store, schema, form.values()).catch(complain);
  }, service.people);
  const awaited = new Set();
  const editor = new Editor(
    { get: (id) => store.get(id), next: (id) => nextToLookAt(store.all, id) },
    (job) => {
      awaited.add(job.id);
      store.put(job);
    },
    service.people ? (job) => store.put(job) : null,
  );
  const bin = new Bin(store);
  const jobs = showJobs(store, {
    edit: (job) => editor.open(job),
    discard: (job) => bin.put([job], () => discard(job)),
    discardAll: (all) => bin.put(all, () => discardBatch(all[0].batch)),
  });

  // What was just corrected is shown as soon as it is there.
  store.listen(({ job }) => {
    if (job && isOver(job) && awaited.delete(job.id)) jobs.show(job.id);
    if (job) editor.changed(job);
  });
  const settings = () => (form.valid() ? { options: form.values(), review: form.review(), who: form.who() } : null);
  startUpload(service, settings, (made) => made.forEach((job) => store.get(job.id) ?? store.put(job)), form.note);
  startCamera(byId("camera"), () => (form.valid() ? form.values() : null));
  const offline = el("p", { class: "offline-note", role: "status", t: "offline" });
  followJobs({
    job: (job) => store.put(job),
    gone: (id) => store.drop(id),
    all: (all) => {
      if (!all) return;
      store.replace(all);
      editor.resume();
    },
    connected: (yes, foreign = false) => {
      document.body.classList.toggle("offline", !yes);
      say(offline, foreign ? "offline.token" : "offline");
    },
  });
  promise(service, offline);
}

/** What is promised about the files, in figures the service gave. @param {Service.Limits} service @param {HTMLElement} offline */
function promise(service, offline) {
  const words = el("span", {});
  byId("promise").append(icon("lock"), words);
  const foot = el("p", { class: "soft small" });
  byId("foot").append(offline, foot);
  const show = () => {
    const { keep_original_minutes: minutes, keep_result_hours: hours, keep_reviewed_minutes: reviewed } = service;
    say(words, "promise", { minutes, hours, reviewed: Math.max(minutes, reviewed) });
    say(foot, "foot", { version: service.version, detector: service.detector || "—" });
  };
  show();
  onLanguage(show);
}
