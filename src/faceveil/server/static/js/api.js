// The service's addresses, and what comes back from them, in the language of the page.

import { language } from "./i18n.js";

/** A refusal of the service: problem+json, or what stands for it when none came. */
export class Problem extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || problem.type);
    this.problem = problem;
  }
}

export const urls = {
  events: () => `/api/events?lang=${language()}`,
  live: () => `/api/live?lang=${language()}`,
  result: (job) => `/api/jobs/${job.id}/result`,
  batch: (id) => `/api/batches/${id}/result`,
  report: (job) => `/api/jobs/${job.id}/report`,
  thumbnail: (job, track) => `/api/jobs/${job.id}/tracks/${track}/thumbnail`,
  /** A frame as a picture; `version` changes with each rendering, so that none is shown twice. */
  frame: (job, index, of, width, version = 0) =>
    `/api/jobs/${job.id}/frames/${index}?of=${of}&width=${Math.round(width)}&v=${version}`,
};

export const getOptions = () => request("GET", "/api/options");
export const listJobs = async () => (await request("GET", "/api/jobs")).jobs;
export const getPlan = (job) => request("GET", `/api/jobs/${job.id}/plan`);
export const putPlan = (job, plan) => request("PUT", `/api/jobs/${job.id}/plan`, plan);
export const getReport = (job) => request("GET", urls.report(job));
export const render = (job, options) =>
  request("POST", `/api/jobs/${job.id}/render`, options ? { options } : {});
export const act = (job, verb) => request("POST", `/api/jobs/${job.id}/${verb}`);
export const discard = (job) => request("DELETE", `/api/jobs/${job.id}`);
export const discardBatch = (id) => request("DELETE", `/api/batches/${id}`);

/**
 * Send files as one batch.
 * @param {{file: File, path: string}[]} files
 * @param {(share: number) => void} onprogress share of the bytes sent, 0 to 1
 * @param {AbortSignal} signal ends it
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

async function request(method, url, body) {
  const headers = { "accept-language": language() };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw unreachable();
  }
  const type = answer.headers.get("content-type") ?? "";
  const content = type.includes("json") ? await answer.json() : null;
  if (!answer.ok) throw new Problem(content ?? { type: "unknown", status: answer.status });
  return content;
}

const unreachable = () => new Problem({ type: "unreachable", status: 0 });
