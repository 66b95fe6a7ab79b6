// The page: brings the parts together, holds no logic of its own.

import { getOptions } from "./api.js";
import { startCamera } from "./camera.js";
import { byId, el } from "./dom.js";
import { Editor } from "./editor/editor.js";
import { follow } from "./events.js";
import { nameOf, nextLanguage, onLanguage, say, startLanguage, switchLanguage } from "./i18n.js";
import { icon } from "./icons.js";
import { showJobs } from "./jobs.js";
import { optionsForm } from "./options-form.js";
import { Store, isOver } from "./store.js";
import { startTheme } from "./theme.js";
import { complain } from "./toast.js";
import { startUpload } from "./upload.js";

await startLanguage();
startTheme();
startSwitch(byId("language"));

try {
  start(await getOptions());
} catch (error) {
  complain(error);
}

/** The button that leads to the next language, in that language. @param {HTMLElement} button */
function startSwitch(button) {
  const show = () => {
    button.lang = nextLanguage();
    button.textContent = nameOf(nextLanguage());
  };
  show();
  onLanguage(show);
  button.addEventListener("click", switchLanguage);
}

/** @param {Service.OptionsPage} page */
function start({ schema, presets, service }) {
  const form = optionsForm(/** @type {HTMLFormElement} */ (byId("options")), schema, presets);
  const store = new Store();
  const awaited = new Set();
  const editor = new Editor((job) => {
    awaited.add(job.id);
    store.put(job);
  });
  const jobs = showJobs(store, { edit: (job) => editor.open(job) });

  // What was just corrected is shown as soon as it is there.
  store.listen(({ job }) => {
    if (job && isOver(job) && awaited.delete(job.id)) jobs.show(job.id);
  });
  const settings = () => (form.valid() ? { options: form.values(), review: form.review() } : null);
  startUpload(service, settings, (made) => made.forEach((job) => store.get(job.id) ?? store.put(job)));
  startCamera(byId("camera"), () => (form.valid() ? form.values() : null));
  follow({
    job: (job) => store.put(job),
    gone: (id) => store.drop(id),
    all: (all) => all && store.replace(all),
    connected: (yes) => document.body.classList.toggle("offline", !yes),
  });
  promise(service);
}

/** What is promised about the files, in figures the service gave. @param {Service.Limits} service */
function promise(service) {
  const words = el("span", {});
  byId("promise").append(icon("lock"), words);
  const foot = el("p", { class: "soft small" });
  byId("foot").append(el("p", { class: "offline-note", role: "status", t: "offline" }), foot);
  const show = () => {
    say(words, "promise", { minutes: service.keep_original_minutes, hours: service.keep_result_hours });
    say(foot, "foot", { version: service.version, detector: service.detector || "—" });
  };
  show();
  onLanguage(show);
}
