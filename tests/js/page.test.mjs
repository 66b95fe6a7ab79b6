// Parts of the page that need no browser.

import assert from "node:assert/strict";
import test from "node:test";

import { urls } from "../../src/faceveil/server/static/js/api.js";
import { readZones } from "../../src/faceveil/server/static/js/controls.js";
import { isClutter } from "../../src/faceveil/server/static/js/files.js";
import { duration, problemType, timecode } from "../../src/faceveil/server/static/js/format.js";
import { preferred } from "../../src/faceveil/server/static/js/i18n.js";
import { actionsOf, stateOf } from "../../src/faceveil/server/static/js/job-card.js";
import { Store } from "../../src/faceveil/server/static/js/store.js";
import { refusal } from "../../src/faceveil/server/static/js/upload.js";

test("the language is the one chosen before, else the first of the browser's that there is", () => {
  const known = ["en", "eo", "zh"];
  assert.equal(preferred("zh", ["en-GB"], known), "zh");
  assert.equal(preferred(null, ["fr-FR", "zh-TW", "en"], known), "zh");
  assert.equal(preferred(null, ["eo"], known), "eo");
  assert.equal(preferred("klingon", ["fr"], known), "en");
});

test("times read as people say them", () => {
  assert.equal(duration(0.2), "0 sec");
  assert.equal(duration(125), "2 min 5 sec");
  assert.equal(duration(3600), "1 hr");
  assert.equal(timecode(62.46), "1:02.5");
  assert.equal(timecode(59.96), "1:00.0");
});

test("areas are read, or refused as a whole", () => {
  assert.deepEqual(readZones("0,0, 10,20\n 5 5 6 6"), [[0, 0, 10, 20], [5, 5, 6, 6]]);
  assert.deepEqual(readZones("  "), []);
  for (const wrong of ["1,2,3", "9,0,1,5", "0,0,x,5", "1,2,3,4,5", "-1,0,2,2"]) assert.equal(readZones(wrong), null);
});

test("what the service would refuse is refused before it is sent, by the service's own numbers", () => {
  const service = { max_files: 2, max_upload_mb: 3, max_upload_bytes: 3_000_000 };
  const files = (...sizes) => sizes.map((size) => ({ file: { size } }));
  assert.equal(refusal(files(1_000_000, 2_000_000), service), null);
  assert.equal(refusal(files(1_000_000, 2_000_001), service).type, "too-large");
  assert.equal(refusal(files(1, 1, 1), service).type, "too-many-files");
  assert.equal(refusal([], service).type, "nothing");
});

test("the system's notes about folders are no files", () => {
  assert.ok(isClutter({ path: "trip/.DS_Store" }) && isClutter({ path: "__MACOSX/a.jpg" }));
  assert.ok(!isClutter({ path: "trip/day.1/a.jpg" }));
});

test("a problem's type is the last part of its address", () => {
  assert.equal(problemType({ type: "https://example.org/problems/unreadable" }), "unreadable");
  assert.equal(problemType({}), "unknown");
});

test("what can be done with a job follows from what is left of it", () => {
  const job = { state: "done", has_original: true, has_plan: true, has_result: true, problem: null };
  assert.deepEqual(actionsOf(job), ["download", "compare", "edit", "finish", "discard"]);
  assert.deepEqual(actionsOf({ ...job, has_original: false, has_plan: false }), ["download", "compare", "discard"]);
  assert.deepEqual(actionsOf({ ...job, state: "withheld", has_result: false }), ["edit", "discard"]);
  assert.deepEqual(actionsOf({ ...job, state: "rendering" }), ["cancel"]);
  assert.deepEqual(actionsOf({ ...job, state: "review", has_result: false }), ["edit", "discard"]);
  assert.equal(stateOf({ state: "failed", problem: { type: "cancelled" } }), "cancelled");
});

test("a store counts results, and forgets what is gone", () => {
  const store = new Store();
  const heard = [];
  store.listen(({ job, gone }) => heard.push(gone ?? job.state));
  const job = { id: "a", batch: "b", state: "rendering" };
  store.put(job);
  store.put({ ...job, state: "done" });
  assert.equal(store.version("a"), 1);
  store.replace([{ id: "c", batch: "b", state: "queued" }]);
  assert.deepEqual(heard, ["rendering", "done", "a", "queued"]);
  assert.deepEqual(store.inBatch("b").map((one) => one.id), ["c"]);
});

test("each rendering has an address of its own", () => {
  assert.notEqual(urls.frame({ id: "a" }, 0, "result", 64, 1), urls.frame({ id: "a" }, 0, "result", 64, 2));
});
