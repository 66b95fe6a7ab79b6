// Files that are being sent: the browser asks before the page is left, and a page that was left all
// the same says so when it is there again. The rest of a file cannot be sent by another page.

import { forget, remember, remembered } from "./memory.js";
import { complain } from "./toast.js";

const KNOWN_AS = "faceveil.sending";
const TAB = "sessionStorage";
const LEAVING_MS = 1000;

let sending = 0;

/** @param {BeforeUnloadEvent} event */
const ask = (event) => event.preventDefault();

/** Files begin to be sent. @returns {(arrived: boolean) => void} to be called once, when they are no longer */
export function underWay() {
  sending += 1;
  addEventListener("beforeunload", ask);
  remember(KNOWN_AS, "yes", TAB);
  return (arrived) => {
    sending -= 1;
    if (sending) return;
    removeEventListener("beforeunload", ask);
    // Where a page is being left, Firefox breaks off first, and tells the page as if it went on.
    if (arrived) forget(KNOWN_AS, TAB);
    else setTimeout(() => sending || forget(KNOWN_AS, TAB), LEAVING_MS);
  };
}

/** Tell of files that the page before this one did not send to the end. */
export function tellOfBrokenOff() {
  if (!remembered(KNOWN_AS, TAB)) return;
  forget(KNOWN_AS, TAB);
  complain({ problem: { type: "left" } });
}
