// What is pressed is what was aimed at.

/**
 * A click counts only on the button on which it began. If the page moves under a finger, because
 * something was selected or a result arrived, the click would land on whatever button lies there
 * now: that could make a face visible or delete a file.
 *
 * @param {Document} page
 */
export function onlyWherePressed(page) {
  /** @type {Element | null} */
  let pressed = null;
  page.addEventListener("pointerdown", (event) => (pressed = buttonAt(event)), true);
  page.addEventListener(
    "click",
    (event) => {
      const button = buttonAt(event);
      // Keys, and programs, press without a pointer.
      if (event.detail === 0 || !button || button === pressed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
}

/** @param {Event} event */
function buttonAt({ target }) {
  return target instanceof Element ? target.closest("button, summary, a") : null;
}
