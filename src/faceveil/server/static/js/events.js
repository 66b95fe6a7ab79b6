// What the service tells about jobs while they go on.

import { Problem, listJobs, urls } from "./api.js";
import { onLanguage } from "./i18n.js";

const AGAIN_MS = 3000;

/**
 * @typedef {object} Listener
 * @property {(job: Service.Job) => void} job
 * @property {(id: string) => void} gone
 * @property {(jobs: Service.Job[] | null) => void} all gets every job there is whenever the connection
 *   begins anew: what was missed meanwhile is in it; null if it could not be asked for
 * @property {(yes: boolean, foreign?: boolean) => void} connected foreign: the service is there, and does not
 *   know this page, as after it was started anew
 */

/** @type {Set<() => void>} */
const waiting = new Set();

/** Do something when the service is there again, as after it was away. @param {() => void} then */
export const onceConnected = (then) => void waiting.add(then);

/**
 * Follow all jobs. A switch of the language has all of them told anew, in the other one.
 * @param {Listener} on
 */
export function followJobs(on) {
  /** @type {EventSource | null} */
  let source = null;
  const begin = () => {
    source?.close();
    source = listen(on, begin);
  };
  begin();
  onLanguage(begin);
}

/** @param {Listener} on @param {() => void} again */
function listen(on, again) {
  const source = new EventSource(urls.events());
  source.addEventListener("job", (event) => on.job(JSON.parse(event.data)));
  source.addEventListener("gone", (event) => on.gone(JSON.parse(event.data).id));
  source.addEventListener("open", async () => {
    on.connected(true);
    const due = [...waiting];
    waiting.clear();
    for (const then of due) then();
    on.all(await listJobs().catch(() => null));
  });
  source.addEventListener("error", () => {
    // A refused connection is closed for good; one that was lost comes back by itself.
    if (source.readyState !== EventSource.CLOSED) return on.connected(false);
    setTimeout(again, AGAIN_MS);
    // Told once it is known why, as what is told is read out: not first one thing and then the other, again and again.
    listJobs().then(
      () => on.connected(false),
      (error) => on.connected(false, error instanceof Problem && error.problem.type === "no-token"),
    );
  });
  return source;
}
