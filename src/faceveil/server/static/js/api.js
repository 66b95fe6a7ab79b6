// The service's addresses, and what comes back from them, in the language of the page.

import { language } from "./i18n.js";

/** @typedef {Partial<Service.Problem> & {type: string}} Trouble a problem of the service, or of the page itself */
/** @typedef {{id: string}} Known a job, of which only the id is needed */
/** @typedef {{file: File, path: string}} Given a file, and its path in the folder it came from */

/** The service is asked for no fewer pixels than this; it does not enlarge what has fewer. */
const NARROWEST = 16;
/** Browsers let requests that outlast a page have 64 kB together; a figure here is one byte. */
const OUTLASTING = 30_000;

/** A refusal of the service: problem+json, or what stands for it when none came. */
export class Problem extends Error {
  /** @param {Trouble} problem */
  constructor(problem) {
    super(problem.detail || problem.title || problem.type);
    this.problem = problem;
  }
}

export const urls = {
  events: () => `/api/events?lang=${language()}`,
  live: () => `/api/live?lang=${language()}`,
  /** @param {Known} recording */
  recording: (recording) => `/api/recordings/${recording.id}/film`,
  /** Its last picture. @param {Service.Recording} recording @param {number} width */
  recordingPicture: ({ id, seconds }, width) => `/api/recordings/${id}/picture?width=${width}&of=${seconds}`,
  /** @param {Known} job */
  result: (job) => `/api/jobs/${job.id}/result`,
  /** The original of a video, to play. @param {Known} job */
  original: (job) => `/api/jobs/${job.id}/original`,
  /** @param {string} id */
  batch: (id) => `/api/batches/${id}/result`,
  /** @param {Known} job */
  report: (job) => `/api/jobs/${job.id}/report`,
  /** @param {Known} job */
  page: (job) => `/api/jobs/${job.id}/report.html`,
  /** @param {Known} job */
  evidence: (job) => `/api/jobs/${job.id}/evidence`,
  /** @param {Known} job @param {number} track @param {string} of what tells it from another with that number */
  thumbnail: (job, track, of) => `/api/jobs/${job.id}/tracks/${track}/thumbnail?of=${of}`,
  /**
   * A frame as a picture; `version` changes with each rendering, so that none is shown twice.
   * @param {Known} job @param {number} index @param {"original" | "result"} of
   * @param {number} width @param {number} version
   */
  frame: (job, index, of, width, version = 0) =>
    `/api/jobs/${job.id}/frames/${index}?of=${of}&width=${Math.max(NARROWEST, Math.round(width))}&v=${version}`,
};

/** @returns {Promise<Service.OptionsPage>} */
export const getOptions = () => request("GET", "/api/options");
/** @returns {Promise<Service.Job[]>} */
export const listJobs = async () => (await request("GET", "/api/jobs")).jobs;
/** What was recorded with the camera. @returns {Promise<Service.RecordingList>} */
export const listRecordings = () => request("GET", "/api/recordings");
/** @param {Known} recording */
export const discardRecording = ({ id }) => request("DELETE", `/api/recordings/${id}`, undefined, true);
/** @param {Known} job @returns {Promise<Service.Plan>} */
export const getPlan = (job) => request("GET", `/api/jobs/${job.id}/plan`);
/** @param {Known} job @param {Service.Plan} plan */
export const putPlan = (job, plan) => request("PUT", `/api/jobs/${job.id}/plan`, plan);
/** @param {Known} job @returns {Promise<Service.Draft>} */
export const getDraft = (job) => request("GET", `/api/jobs/${job.id}/draft`);
/** Small drafts arrive even if the page is left meanwhile. @param {Known} job @param {Service.Draft} draft */
export const putDraft = (job, draft) => request("PUT", `/api/jobs/${job.id}/draft`, draft, true);
/**
 * Follow a box through its scene; what is found comes in stretches.
 * @param {Known} job @param {Partial<Service.Follow>} wanted @param {(part: Service.Pursued) => void} onpart
 * @param {AbortSignal} signal ends it
 */
export async function followBox(job, wanted, onpart, signal) {
  const answer = await sent("POST", `/api/jobs/${job.id}/follow`, { body: JSON.stringify(wanted), signal });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (text + decoder.decode(value, { stream: true })).split("\n");
    text = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      /** @type {Service.Pursued} */
      const part = JSON.parse(line);
      if (part.problem) throw new Problem(part.problem);
      onpart(part);
    }
  }
}
/** Put off the deletion of the original. @param {Known} job @param {boolean} longer @returns {Promise<Service.Job>} */
export const keepOriginal = (job, longer) => request("POST", `/api/jobs/${job.id}/keep?longer=${longer}`);
/** @param {Known} job @returns {Promise<import("./editor/missed.js").Report>} */
export const getReport = (job) => request("GET", urls.report(job));
/** @param {Known} job @returns {Promise<Service.Job>} */
export const render = (job) => request("POST", `/api/jobs/${job.id}/render`, {});
/**
 * Make the result anew with these settings and no others.
 * @param {Known} job @param {object} options @param {boolean} scan look for the faces anew, too
 * @returns {Promise<Service.Job>}
 */
export const renderWith = (job, options, scan) =>
  request("POST", `/api/jobs/${job.id}/render`, { options, anew: true, scan });
/** Have the people of a plan numbered. @param {Known} job @returns {Promise<Service.Job>} */
export const groupPeople = (job) => request("POST", `/api/jobs/${job.id}/people`);
/** @param {Known} job @param {"cancel" | "retry" | "finish"} verb */
export const act = (job, verb) => request("POST", `/api/jobs/${job.id}/${verb}`);
/** @param {Known} job */
export const discard = (job) => request("DELETE", `/api/jobs/${job.id}`, undefined, true);
/** @param {string} id */
export const discardBatch = (id) => request("DELETE", `/api/batches/${id}`, undefined, true);

/**
 * Send files as one batch.
 * @param {Given[]} files
 * @param {object} options @param {boolean} review
 * @param {import("./people-form.js").Who | null} who is told apart, kept or hidden
 * @param {(share: number) => void} onprogress share of the bytes sent, 0 to 1
 * @param {AbortSignal} signal ends it
 * @returns {Promise<Service.Accepted>}
 */
export function sendFiles(files, options, review, who, onprogress, signal) {
  const form = new FormData();
  // The settings go first: what is wrong with them is then known before the last byte is sent.
  form.append("options", JSON.stringify(options));
  form.append("review", String(review));
  if (who?.people) form.append("people", "true");
  // The first file of all is the one that the service need not write twice: a video, and no photo.
  for (const { file, path } of files) form.append("files", file, path);
  for (const photo of who?.photos ?? []) form.append(who?.mode ?? "", photo, photo.name);
  // XMLHttpRequest, because fetch does not tell how much has been sent.
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", "/api/jobs");
    sending.responseType = "json";
    sending.setRequestHeader("accept-language", language());
    sending.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onprogress(event.loaded / event.total);
    });
    sending.addEventListener("load", () => {
      if (sending.status < 300) resolve(sending.response);
      else reject(new Problem(sending.response ?? { type: "unknown", status: sending.status }));
    });
    sending.addEventListener("error", () => reject(unreachable()));
    sending.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(form);
  });
}

/**
 * @param {string} method @param {string} url @param {unknown} [body]
 * @param {boolean} [outlasts] the request goes on when the page is left, if it is small enough
 */
async function request(method, url, body, outlasts = false) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const keepalive = outlasts && (text?.length ?? 0) < OUTLASTING;
  const answer = await sent(method, url, { body: text, keepalive });
  const type = answer.headers.get("content-type") ?? "";
  return type.includes("json") ? answer.json() : null;
}

/** The answer to a request, if it is no refusal. @param {string} method @param {string} url @param {RequestInit & {body?: string}} how */
async function sent(method, url, how) {
  /** @type {Record<string, string>} */
  const headers = { "accept-language": language() };
  if (how.body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, { method, headers, ...how });
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw unreachable();
  }
  if (answer.ok) return answer;
  const json = (answer.headers.get("content-type") ?? "").includes("json");
  throw new Problem(json ? await answer.json() : { type: "unknown", status: answer.status });
}

const unreachable = () => new Problem({ type: "unreachable", status: 0 });
