// Thumbnails that are out of sight are fetched, too, a few at a time and while nothing else is to be
// done. Each that arrives has its surroundings painted anew: all at once, while a person scrolls down
// for the first time, they made frames late.

const AT_ONCE = 2;
/** Milliseconds after which it goes on, even if the page is never at rest. */
const LATEST = 1000;

/** @type {HTMLImageElement[]} */
const waiting = [];
let going = 0;

/** @param {HTMLImageElement} picture that is fetched lazily, as soon as it is in the page */
export function fetchAhead(picture) {
  waiting.push(picture);
  rest(next);
}

function next() {
  while (going < AT_ONCE) {
    const picture = waiting.shift();
    if (!picture) return;
    // Gone from the page, or fetched because it came into sight.
    if (!picture.isConnected || picture.complete) continue;
    going += 1;
    const over = () => {
      going -= 1;
      rest(next);
    };
    picture.addEventListener("load", over, { once: true });
    picture.addEventListener("error", over, { once: true });
    picture.loading = "eager";
  }
}

/** @param {() => void} then */
function rest(then) {
  if ("requestIdleCallback" in window) requestIdleCallback(then, { timeout: LATEST });
  else setTimeout(then);
}
