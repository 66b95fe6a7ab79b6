// A review has an address of its own: Back leaves it, and a reload comes back to it and its frame.

const FORM = /^#review=([\w-]+)(?::(\d+))?$/;
/** Browsers refuse too many changes of the address. */
const PAUSE_MS = 400;
const BACK_MS = 1000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let later;
/** @type {Promise<void>} */
let left = Promise.resolve();

/** The job and frame that the address names. */
export function addressed() {
  const found = FORM.exec(location.hash);
  return found && { id: found[1], frame: Number(found[2] ?? 0) };
}

/** @param {string} id */
export async function enter(id) {
  await left;
  if (addressed()?.id !== id) history.pushState({ entered: true }, "", `#review=${id}`);
}

/** @param {string} id @param {number} frame */
export function stand(id, frame) {
  clearTimeout(later);
  later = setTimeout(() => {
    if (addressed()?.id === id) history.replaceState(history.state, "", `#review=${id}:${frame}`);
  }, PAUSE_MS);
}

/** Take the review out of the address, and out of the way of Back. */
export function leave() {
  clearTimeout(later);
  if (!addressed()) return;
  if (!history.state?.entered) return history.replaceState(null, "", location.pathname);
  left = new Promise((resolve) => {
    const done = () => resolve(undefined);
    addEventListener("popstate", done, { once: true });
    setTimeout(done, BACK_MS);
  });
  history.back();
}
