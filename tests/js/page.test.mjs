// Parts of the page that need no browser.

import assert from "node:assert/strict";
import test from "node:test";

import { findsOthers } from "../../src/faceveil/server/static/js/again.js";
import { urls } from "../../src/faceveil/server/static/js/api.js";
import { readZones } from "../../src/faceveil/server/static/js/controls.js";
import { isClutter } from "../../src/faceveil/server/static/js/files.js";
import { duration, problemType, size, timecode } from "../../src/faceveil/server/static/js/format.js";
import { preferred } from "../../src/faceveil/server/static/js/i18n.js";
import { actionsOf } from "../../src/faceveil/server/static/js/job-card.js";
import { LatestImage } from "../../src/faceveil/server/static/js/latest.js";
import { marked, marksOf, mayRetry, maySendAgain, standingOf, stateOf, tally } from "../../src/faceveil/server/static/js/standing.js";
import { Store } from "../../src/faceveil/server/static/js/store.js";
import { frameAt, timesOf } from "../../src/faceveil/server/static/js/times.js";
import { refusal } from "../../src/faceveil/server/static/js/upload.js";

test("the language is the one chosen before, else the first of the browser's that there is", () => {
  const known = ["en", "eo", "zh"];
  assert.equal(preferred("zh", ["en-GB"], known), "zh");
  assert.equal(preferred(null, ["fr-FR", "zh-TW", "en"], known), "zh");
  assert.equal(preferred(null, ["eo"], known), "eo");
  const both = ["en", "zh", "zh-Hant"];
  for (const name of ["zh-TW", "zh-HK", "zh-Hant", "zh-Hant-TW"]) assert.equal(preferred(null, [name, "en"], both), "zh-Hant");
  for (const name of ["zh", "zh-CN", "zh-Hans-HK", "zh-SG"]) assert.equal(preferred(null, [name, "en"], both), "zh");
  assert.equal(preferred("klingon", ["fr"], known), "en");
});

test("times read as people say them", () => {
  assert.equal(duration(0.2), "0 sec");
  assert.equal(duration(125), "2 min 5 sec");
  assert.equal(duration(3600), "1 hr");
  assert.equal(timecode(62.46), "1:02.5");
  assert.equal(timecode(59.96), "1:00.0");
});

test("bytes read as systems show them, and a short recording has some", () => {
  assert.equal(size(1), "1 kB");
  assert.equal(size(29_400), "30 kB");
  assert.equal(size(1_240_000), "1.2 MB");
  assert.equal(size(10_000_000_000), "10 GB");
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
  assert.deepEqual(actionsOf(job), ["download", "compare", "edit", "report", "evidence", "finish", "discard"]);
  assert.deepEqual(actionsOf({ ...job, has_original: false, has_plan: false }), ["download", "compare", "report", "evidence", "discard"]);
  assert.deepEqual(actionsOf({ ...job, state: "withheld", has_result: false }), ["edit", "report", "discard"]);
  assert.deepEqual(actionsOf({ ...job, state: "rendering" }), ["cancel"]);
  assert.deepEqual(actionsOf({ ...job, state: "review", has_result: false }), ["edit", "discard"]);
  assert.equal(stateOf({ state: "failed", problem: { type: "cancelled" } }), "cancelled");
});

const DONE = { state: "done", faces: 2, kept: 0, added: 0, doubts: 0, longest_fill: 0, warnings: [], problem: null };

test("a result about which something is to be known is not counted as simply done", () => {
  assert.equal(standingOf(DONE), "done");
  for (const [change, mark] of [
    [{ faces: 0 }, "none"],
    [{ added: 1 }, "added"],
    [{ doubts: 2 }, "unsure"],
    [{ longest_fill: 1.2 }, "long"],
    [{ warnings: ["two frames are damaged"] }, "warned"],
  ]) {
    assert.deepEqual(marksOf({ ...DONE, ...change }), [mark]);
    assert.equal(standingOf({ ...DONE, ...change }), "look");
  }
  assert.deepEqual(marksOf({ ...DONE, faces: 0, kept: 1 }), []);
});

test("a summary counts each job once, and a failed one not as done", () => {
  const jobs = [
    ...Array(28).fill(DONE),
    { ...DONE, faces: 0 },
    { ...DONE, added: 1, doubts: 1 },
    { state: "review", problem: null },
    { state: "failed", problem: { type: "unreadable" } },
    { state: "withheld", problem: { type: "withheld" } },
    { state: "failed", problem: { type: "cancelled" } },
    { state: "rendering", problem: null },
    { state: "queued", problem: null },
  ];
  const said = Object.fromEntries(tally(jobs));
  assert.deepEqual(said, { done: 28, look: 3, failed: 1, withheld: 1, cancelled: 1, busy: 1, queued: 1 });
  assert.equal(Object.values(said).reduce((a, b) => a + b), jobs.length);
  assert.deepEqual(marked(jobs), [["failed", 2], ["review", 1], ["none", 1], ["added", 1], ["unsure", 1]]);
});

test("the saved plan does not do where the settings find other faces, or leave other faces visible", () => {
  const setting = (group) => ({ group, default: null });
  const schema = { properties: { cells: setting("protection"), min_face: setting("detection"), skip_zones: setting("protection"), second_detector: setting("check") } };
  assert.ok(!findsOthers({ min_face: 24 }, { min_face: 24, cells: 2 }, schema));
  assert.ok(findsOthers({ min_face: 24 }, { min_face: 31 }, schema));
  // A face in an area that was left out would stay visible after the area is gone.
  assert.ok(findsOthers({ skip_zones: [[0, 0, 90, 90]] }, {}, schema));
  assert.ok(findsOthers({}, { second_detector: "centerface" }, schema));
});

test("to try again is offered only where it can help", () => {
  for (const type of ["unreadable", "unsupported", "input", "limit", "withheld"]) assert.ok(!mayRetry({ problem: { type } }), type);
  for (const type of ["cancelled", "fault", "disk-full", "hung"]) assert.ok(mayRetry({ problem: { type } }), type);
  assert.ok(maySendAgain({ type: "unreachable" }) && !maySendAgain({ type: "unreadable" }) && !maySendAgain({ type: "too-large" }));
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

test("a picture of a document that is a dot is asked for at a width that the service knows", () => {
  assert.match(urls.frame({ id: "a" }, 0, "original", 1), /width=16&/);
  assert.match(urls.frame({ id: "a" }, 0, "original", 640.4), /width=640&/);
});

test("the frame of a time is the one that is shown then", () => {
  // A film that begins late and stands still in its middle.
  const times = timesOf({ pts: [9000, 12000, 15000, 60000, 63000], time_base: "1/90000" });
  const at = (second) => frameAt(times, 5, second);
  assert.equal(times(0), 0);
  assert.deepEqual([-1, 0, 0.0333, 0.034, 0.3, 0.5666, 0.5667, 9].map(at), [0, 0, 1, 1, 2, 3, 3, 4]);
  assert.deepEqual([0, 1, 2, 3, 4].map((frame) => at(times(frame))), [0, 1, 2, 3, 4]);
  assert.equal(frameAt(times, 1, 5), 0);
});

test("a picture that is asked for larger, or of something else, while one is under way", async () => {
  const node = () => {
    const names = new Set();
    return { classList: { add: (one) => names.add(one), remove: (one) => names.delete(one), has: (one) => names.has(one) }, setAttribute() {}, append() {}, remove() {}, after() {} };
  };
  globalThis.document = { createElement: node };
  const [asked, shown] = [[], []];
  globalThis.Image = class {
    decode() {
      asked.push(this.src);
      return new Promise((done) => setTimeout(done, 5));
    }
  };
  let width = 16;
  const picture = new LatestImage((index) => `${index} ${width}`, "editor.picture");
  Object.defineProperty(picture.node, "src", { set: (url) => shown.push(url) });
  // Of the same frame, larger.
  picture.show(0);
  width = 900;
  await picture.show(0);
  assert.deepEqual(shown, ["0 16", "0 900"]);
  // Others come as fast as they can, but not all of them.
  for (const index of [1, 2, 3]) picture.show(index);
  await picture.show(3);
  assert.deepEqual(shown.splice(0), ["0 16", "0 900", "1 900", "3 900"]);
  // Of another page: what was under way is not shown over it.
  picture.show(4);
  picture.clear();
  await picture.show(5);
  assert.deepEqual(shown, ["5 900"]);
  assert.ok(!picture.node.classList.has("missing"));
  assert.equal(asked.length, 6);
  delete globalThis.document;
  delete globalThis.Image;
});
