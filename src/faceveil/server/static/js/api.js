// The service's addresses, and what comes back from them, in the language of the page.

import { language } from "./i18n.js";

/** @typedef {Partial<Service.Problem> & {type: string}} Trouble a problem of the service, or of the page itself */
/** @typedef {{id: string}} Known a job, of which only the id is needed */
/** @typedef {{file: File, path: string}} Given a file, and its path in the folder it came from */

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
  /** @param {Known} job */
  result: (job) => `/api/jobs/${job.id}/result`,
  /** @param {string} id */
  batch: (id) => `/api/batches/${id}/result`,
  /** @param {Known} job */
  report: (job) => `/api/jobs/${job.id}/report`,
  /** @param {Known} job @param {number} track */
  thumbnail: (job, track) => `/api/jobs/${job.id}/tracks/${track}/thumbnail`,
  /**
   * A frame as a picture; `version` changes with each rendering, so that none is shown twice.
   * @param {Known} job @param {number} index @param {"original" | "result"} of
   * @param {number} width @param {number} version
   */
  frame: (job, index, of, width, version = 0) =>
    `/api/jobs/${job.id}/frames/${index}?of=${of}&width=${Math.round(width)}&v=${version}`,
};

/** @returns {Promise<Service.OptionsPage>} */
export const getOptions = () => request("GET", "/api/options");
/** @returns {Promise<Service.Job[]>} */
export const listJobs = async () => (await request("GET", "/api/jobs")).jobs;
/** @param {Known} job @returns {Promise<Service.Plan>} */
export const getPlan = (job) => request("GET", `/api/jobs/${job.id}/plan`);
/** @param {Known} job @param {Service.Plan} plan */
export const putPlan = (job, plan) => request("PUT", `/api/jobs/${job.id}/plan`, plan);
/** @param {Known} job @returns {Promise<import("./editor/missed.js").Report>} */
export const getReport = (job) => request("GET", urls.report(job));
/** @param {Known} job @returns {Promise<Service.Job>} */
export const render = (job) => request("POST", `/api/jobs/${job.id}/render`, {});
/** @param {Known} job @param {"cancel" | "retry" | "finish"} verb */
export const act = (job, verb) => request("POST", `/api/jobs/${job.id}/${verb}`);
/** @param {Known} job */
export const discard = (job) => request("DELETE", `/api/jobs/${job.id}`);
/** @param {string} id */
export const discardBatch = (id) => request("DELETE", `/api/batches/${id}`);

/**
 * Send files as one batch.
 * @param {Given[]} files
 * @param {object} options @param {boolean} review
 * @param {(share: number) => void} onprogress share of the bytes sent, 0 to 1
 * @param {AbortSignal} signal ends it
 * @returns {Promise<Service.Accepted>}
 */
export function sendFiles(files, options, review, onprogress, signal) {
  const form = new FormData();
  // The settings go first: what is wrong with them is then known before the last byte is sent.
  form.append("options", JSON.stringify(options));
  form.append("review", String(review));
  for (const { file, path } of files) form.append("files", file, path);
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

/** @param {string} method @param {string} url @param {unknown} [body] */
async function request(method, url, body) {
  /** @type {Record<string, string>} */
  const headers = { "accept-language": language() };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw unreachable();
  }
  const type = answer.headers.get("content-type") ?? "";
  const content = type.includes("json") ? await answer.json() : null;
  if (!answer.ok) throw new Problem(content ?? { type: "unknown", status: answer.status });
  return content;
}

const unreachable = () => new Problem({ type: "unreachable", status: 0 });
