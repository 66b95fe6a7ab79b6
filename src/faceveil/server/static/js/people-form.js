// Who stays visible: people told apart for the review, or photos of the one to keep or to hide.

import { button, el } from "./dom.js";
import { say } from "./i18n.js";
import { icon } from "./icons.js";

/** @typedef {"keep" | "hide"} Mode */
/** @typedef {{people: boolean, mode: Mode, photos: File[]}} Who */

/**
 * Drawn only where the service can tell people apart. The photos stay in the memory of this page.
 * @param {() => void} changed
 */
export function peopleForm(changed) {
  /** @type {File[]} */
  let photos = [];
  /** Photos that were chosen before the page was loaded anew, and are gone with it. */
  let lost = 0;
  const people = el("input", { type: "checkbox", role: "switch", name: "people" });
  const mode = el(
    "select",
    { id: "photo-mode" },
    el("option", { value: "", t: "people.none" }),
    el("option", { value: "keep", t: "people.keep" }),
    el("option", { value: "hide", t: "people.hide" }),
  );
  const chooser = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true, name: "photos" });
  const choose = button("people.choose", icon("photo"), () => chooser.click());
  const list = el("ul", { class: "photos" });
  const zone = el(
    "div",
    { class: "photo-zone" },
    el("p", { class: "small soft", t: "people.drop" }),
    choose,
    chooser,
  );
  const by = el("div", { class: "photo-form" }, zone, list, el("p", { class: "small soft", t: "people.photos.help" }));
  const node = el(
    "div",
    { class: "who" },
    el(
      "label",
      { class: "switch-row" },
      people,
      el("span", {}, el("b", { t: "people.apart" }), el("small", { t: "people.apart.help" })),
    ),
    el("div", { class: "photo-mode" }, el("label", { for: mode.id, t: "people.photos" }), mode),
    by,
  );

  // The settings may be folded away, and photos change who is hidden: it is said where files are dropped.
  const words = el("span", {});
  const clear = button("people.clear", icon("cross"), () => take([]), { bare: true, kind: "quiet" });
  const note = el("p", { class: "small photo-note", role: "status", hidden: true }, icon("eye"), words, clear);

  const chosen = () => (mode.value ? photos : []);
  /** @param {File[]} files */
  const take = (files) => {
    photos = files;
    lost = 0;
    show();
    changed();
  };
  /** @param {File} file */
  const remove = (file) => {
    take(photos.filter((one) => one !== file));
    choose.focus();
  };
  const show = () => {
    for (const old of list.querySelectorAll("img")) URL.revokeObjectURL(old.src);
    list.replaceChildren(...photos.map((file) => row(file, () => remove(file))));
    by.hidden = !mode.value;
    list.hidden = !photos.length;
    note.hidden = !chosen().length && !lost;
    if (lost) say(words, "people.lost", { n: lost });
    else say(words, mode.value === "keep" ? "people.on.keep" : "people.on.hide", { n: photos.length });
  };
  chooser.addEventListener("change", (event) => {
    event.stopPropagation();
    take([...photos, ...(chooser.files ?? [])]);
    chooser.value = "";
  });
  mode.addEventListener("change", () => {
    lost = 0;
    show();
  });
  watchDrops(zone, (files) => take([...photos, ...files]));
  show();

  return {
    node,
    note,
    /** @returns {Who} */
    get: () => ({ people: people.checked, mode: mode.value === "hide" ? "hide" : "keep", photos: chosen() }),
    used: () => people.checked || mode.value !== "",
    /** What a page that is loaded anew has to know of the photos, which it no longer has. */
    asked: () => ({ mode: mode.value, count: chosen().length || lost }),
    /** @param {boolean} apart @param {import("./kept-settings.js").Photos} [before] */
    restore: (apart, before) => {
      people.checked = apart;
      photos = [];
      mode.value = before?.mode ?? "";
      lost = before?.count ?? 0;
      show();
    },
  };
}

/** @param {File} file @param {() => void} onremove */
function row(file, onremove) {
  const picture = el("img", { src: URL.createObjectURL(file), alt: "" });
  picture.addEventListener("error", () => picture.replaceWith(icon("photo")));
  const remove = button("people.remove", icon("cross"), onremove, { bare: true, kind: "quiet", params: { name: file.name } });
  return el("li", {}, picture, el("span", { class: "small" }, file.name), remove);
}

/** What is dropped here is no file to be obscured. @param {HTMLElement} zone @param {(files: File[]) => void} add */
function watchDrops(zone, add) {
  /** @param {DragEvent} event @param {boolean} over */
  const mark = (event, over) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.toggle("over", over);
  };
  zone.addEventListener("dragover", (event) => mark(event, true));
  zone.addEventListener("dragleave", (event) => mark(event, false));
  zone.addEventListener("drop", (event) => {
    mark(event, false);
    add([...(event.dataTransfer?.files ?? [])]);
  });
}
