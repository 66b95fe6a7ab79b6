// What the tests ask of a page, and do to it, from within.
({
  files(names, contents) {
    const transfer = new DataTransfer();
    names.forEach((name, i) => {
      const bytes = Uint8Array.from(atob(contents[i]), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name));
    });
    return transfer;
  },

  /** Let go of files over a place, usually the zone. */
  drop([names, contents, place = ".zone"]) {
    const init = { dataTransfer: this.files(names, contents), bubbles: true, cancelable: true };
    const zone = document.querySelector(place);
    for (const type of ["dragenter", "dragover", "drop"]) zone.dispatchEvent(new DragEvent(type, init));
  },

  paste([names, contents]) {
    const init = { clipboardData: this.files(names, contents), bubbles: true };
    document.body.dispatchEvent(new ClipboardEvent("paste", init));
  },

  /** All that is shown or read out, piece by piece. */
  texts() {
    return [...document.querySelectorAll("body *")]
      .flatMap((node) => [
        ...[...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()),
        node.getAttribute("aria-label"),
        node.title,
        node.placeholder,
      ])
      .filter(Boolean);
  },

  /** Buttons and fields that reach beyond the window, or are too small for a thumb. */
  cutOff() {
    const dialog = document.querySelector("dialog[open]");
    return [...(dialog ?? document).querySelectorAll("button, a.button, select, input, textarea")]
      .filter((node) => node.checkVisibility() && !node.closest(".layer"))
      .filter((node) => {
        const { left, right, height } = node.getBoundingClientRect();
        const small = node.tagName === "BUTTON" && height < 24;
        return left < -1 || right > innerWidth + 1 || small;
      })
      .map((node) => node.outerHTML.slice(0, 120));
  },

  /** Name of each kind of text -> [its colour, the colour behind it], as rgb(...). */
  colours() {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const mixed = (layers) => {
      canvas.clearRect(0, 0, 1, 1);
      for (const layer of layers) {
        canvas.fillStyle = layer;
        canvas.fillRect(0, 0, 1, 1);
      }
      return `rgb(${[...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).join()})`;
    };
    const found = {};
    for (const node of document.querySelectorAll("body *")) {
      const text = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
      const shown = node.checkVisibility({ visibilityProperty: true });
      // Tags lie on pictures; what is disabled or for listeners only has no contrast to keep.
      if (!text || !shown || node.closest(".unseen, .tag, .skip, :disabled, svg")) continue;
      const layers = [];
      for (let up = node; up; up = up.parentElement) layers.unshift(getComputedStyle(up).backgroundColor);
      const below = mixed(layers);
      const name = `${node.tagName} ${node.className} in ${node.parentElement.className}`;
      found[name] = [mixed([below, getComputedStyle(node).color]), below];
    }
    return found;
  },
})
