// The review editor without a page: undo, boxes that follow, and what is sent back.

import assert from "node:assert/strict";
import test from "node:test";

import { fromCorners, isLargeEnough, moved, resized } from "../../src/faceveil/server/static/js/editor/geometry.js";
import { History } from "../../src/faceveil/server/static/js/editor/history.js";
import { follow, sceneOf, stretches } from "../../src/faceveil/server/static/js/editor/interpolate.js";
import { asTracks, missedFaces } from "../../src/faceveil/server/static/js/editor/missed.js";
import { Model } from "../../src/faceveil/server/static/js/editor/model.js";
import { drawn, fromPlan, span, toPlan, withBox, withoutKey, withSpan } from "../../src/faceveil/server/static/js/editor/tracks.js";

const SIZE = { width: 100, height: 60 };
const box = (x0, y0, x1, y1) => ({ x0, y0, x1, y1 });
const face = (found) => ({ box: found, score: 0.9, landmarks: null });

function plan(frames = 1, tracks = [{ id: 0, boxes: { 0: box(10, 10, 30, 30) }, seen: { 0: face(box(10, 10, 30, 30)) }, origin: "detected", keep: false }], cuts = []) {
  const media = { kind: frames > 1 ? "video" : "image", format: "png", ...SIZE, frames };
  return { media, tracks, detector: "told", weights_sha256: "", min_face: 7, time_base: "1/25", pts: Array.from({ length: frames }, (_, i) => i), cuts, schema: 1 };
}

test("a box moves to the rim and no further, as large as before", () => {
  assert.deepEqual(moved(box(10, 10, 30, 30), 500, -500, SIZE), box(80, 0, 100, 20));
  assert.deepEqual(moved(box(-5, 10, 30, 30), 1, 0, SIZE), box(-4, 10, 31, 30));
});

test("a handle moves its own sides alone and never turns the box over", () => {
  assert.deepEqual(resized(box(10, 10, 30, 30), "se", 5, 6, SIZE), box(10, 10, 35, 36));
  assert.deepEqual(resized(box(10, 10, 30, 30), "n", 5, -20, SIZE), box(10, 0, 30, 30));
  assert.deepEqual(resized(box(10, 10, 30, 30), "w", 500, 0, SIZE), box(26, 10, 30, 30));
});

test("corners may come in any order and lie beside the picture", () => {
  assert.deepEqual(fromCorners({ x: 120, y: 5 }, { x: 90, y: -3 }, SIZE), box(90, 0, 100, 5));
  assert.ok(!isLargeEnough(box(0, 0, 3, 30)));
});

test("undo goes back step by step, redo comes again, a new step ends redo", () => {
  const history = new History("a");
  history.push("b");
  history.push("c");
  assert.ok(history.undo() && history.state === "b");
  assert.ok(history.undo() && history.state === "a");
  assert.ok(!history.undo() && !history.changed);
  assert.ok(history.redo() && history.state === "b");
  history.push("d");
  assert.ok(!history.canRedo && history.changed);
});

test("presses of one key shortly after each other are one step", () => {
  const history = new History(0);
  history.push(1, "move 0", 1000);
  history.push(2, "move 0", 1200);
  history.push(3, "move 0", 5000);
  history.push(4, "move 1", 5100);
  history.undo();
  assert.equal(history.state, 3);
  history.undo();
  assert.equal(history.state, 2);
  history.undo();
  assert.equal(history.state, 0);
});

test("a box follows on a straight line and is held at both ends", () => {
  const boxes = follow(new Map([[2, box(0, 0, 10, 10)], [6, box(40, 20, 50, 40)]]), 0, 8);
  assert.equal(boxes.size, 9);
  assert.deepEqual(boxes.get(0), box(0, 0, 10, 10));
  assert.deepEqual(boxes.get(3), box(10, 5, 20, 17.5));
  assert.deepEqual(boxes.get(4), box(20, 10, 30, 25));
  assert.deepEqual(boxes.get(8), box(40, 20, 50, 40));
});

test("a scene ends where the next begins", () => {
  assert.deepEqual(sceneOf(5, [4, 9], 20), [4, 8]);
  assert.deepEqual(sceneOf(9, [4, 9], 20), [9, 19]);
  assert.deepEqual(sceneOf(0, [], 20), [0, 19]);
});

test("a drawn track has its key boxes in seen and all boxes in boxes", () => {
  let tracks = [drawn(7, new Map([[10, box(0, 0, 10, 10)]]), [5, 20])];
  tracks = withBox(tracks, 7, 20, box(20, 0, 30, 10));
  const [track] = toPlan(plan(30), tracks).tracks;
  assert.equal(track.origin, "manual");
  assert.deepEqual(Object.keys(track.seen), ["10", "20"]);
  assert.deepEqual(track.seen[20], { box: box(20, 0, 30, 10), score: 1, landmarks: null });
  assert.equal(Object.keys(track.boxes).length, 16);
  assert.deepEqual(track.boxes[15], box(10, 0, 20, 10));
});

test("a key box beyond the span lengthens it; without a key the others are followed", () => {
  const one = [drawn(7, new Map([[10, box(0, 0, 10, 10)]]), [10, 12])];
  const longer = withBox(one, 7, 20, box(20, 0, 30, 10));
  assert.deepEqual(span(longer[0]), [10, 20]);
  assert.deepEqual(withoutKey(longer, 7, 20)[0].boxes.get(20), box(0, 0, 10, 10));
  assert.equal(withoutKey(one, 7, 10)[0], one[0]);
});

test("a track cut short stands where it stood, and can be lengthened again", () => {
  let tracks = withBox([drawn(7, new Map([[0, box(0, 0, 10, 10)]]), [0, 20])], 7, 20, box(20, 0, 30, 10));
  tracks = withSpan(tracks, 7, 5, 15);
  assert.deepEqual(span(tracks[0]), [5, 15]);
  assert.deepEqual(tracks[0].boxes.get(5), box(5, 0, 15, 10));
  assert.deepEqual(tracks[0].boxes.get(15), box(15, 0, 25, 10));
  assert.deepEqual(tracks[0].boxes.get(9), box(9, 0, 19, 10));
  tracks = withSpan(tracks, 7, 0, 15);
  assert.deepEqual(tracks[0].boxes.get(0), box(5, 0, 15, 10));
});

test("a span that holds no key box keeps the box that was shown there", () => {
  let tracks = withBox([drawn(7, new Map([[0, box(0, 0, 10, 10)]]), [0, 20])], 7, 20, box(20, 0, 30, 10));
  tracks = withSpan(tracks, 7, 8, 12);
  assert.deepEqual(tracks[0].boxes.get(8), box(8, 0, 18, 10));
  assert.deepEqual(tracks[0].boxes.get(12), box(12, 0, 22, 10));
});

test("a corrected box of a detected track leaves its other frames alone", () => {
  const old = { id: 3, boxes: { 0: box(0, 0, 9, 9), 1: box(1, 0, 10, 9) }, seen: { 0: face(box(0, 0, 9, 9)) }, origin: "detected", keep: false };
  const [track] = withBox(fromPlan(plan(2, [old])), 3, 1, box(5, 5, 20, 20));
  assert.deepEqual(track.boxes.get(0), box(0, 0, 9, 9));
  assert.deepEqual(track.boxes.get(1), box(5, 5, 20, 20));
  assert.equal(track.seen.get(1).score, 1);
  assert.equal(track.origin, "detected");
});

test("a time bar tells seen from filled, and gaps from both", () => {
  const some = (frames) => new Map(frames.map((frame) => [frame, box(0, 0, 9, 9)]));
  const track = { boxes: some([2, 3, 4, 5, 9]), seen: some([3, 4]) };
  assert.deepEqual(stretches(track), [
    { from: 2, to: 2, seen: false },
    { from: 3, to: 4, seen: true },
    { from: 5, to: 5, seen: false },
    { from: 9, to: 9, seen: false },
  ]);
});

test("a plan that was not touched comes back as it was", () => {
  const given = plan();
  assert.deepEqual(new Model(given).toPlan(), given);
});

test("keep, draw, delete and undo, as a person would", () => {
  const model = new Model(plan(10, undefined, [4]));
  model.toggle(0);
  model.go(99);
  assert.equal(model.frame, 9);
  const id = model.add(box(50, 10, 70, 30));
  assert.equal(id, 1);
  assert.deepEqual(span(model.track(id)), [4, 9]);
  assert.equal(model.selected, 1);
  model.remove(0);
  assert.deepEqual(model.tracks.map((track) => track.id), [1]);
  model.undo();
  assert.equal(model.track(0).keep, true);
  model.undo();
  assert.equal(model.selected, null);
  model.undo();
  assert.equal(model.track(0).keep, false);
  assert.ok(!model.changed && model.canRedo);
});

test("a slip of the hand draws nothing", () => {
  const model = new Model(plan());
  assert.equal(model.add(box(5, 5, 7, 40)), null);
  assert.ok(!model.changed);
});

test("a drawn box ends and begins where it is told, also beyond where it was", () => {
  const model = new Model(plan(30));
  const id = model.add(box(50, 10, 70, 30));
  model.go(12);
  model.bound(id, "to");
  assert.deepEqual(span(model.track(id)), [0, 12]);
  model.go(20);
  model.bound(id, "to");
  assert.deepEqual(span(model.track(id)), [0, 20]);
  model.go(25);
  model.bound(id, "from");
  assert.deepEqual(span(model.track(id)), [25, 25]);
});

test("times are those of the plan", () => {
  const model = new Model({ ...plan(3), time_base: "1/1000", pts: [40, 80, 240] });
  assert.equal(model.seconds(2), 0.2);
});

test("what the check found becomes boxes that follow, one a face and scene", () => {
  const finding = (frame, x) => ({ kind: "face", detail: "", frame, box: [x, 10, x + 20, 30], score: 0.9 });
  const findings = [finding(8, 12), { kind: "metadata", detail: "EXIF", frame: null, box: null }, finding(0, 10), finding(0, 60), finding(5, 14), finding(5, 18)];
  const made = asTracks(missedFaces({ findings }), [6], 10);
  assert.deepEqual(made.map(({ keys, span: [from, to] }) => [[...keys.keys()], from, to]), [
    [[0, 5], 0, 5],
    [[0], 0, 5],
    [[8], 6, 9],
  ]);
  // Two overlapping boxes on one frame are covered together.
  assert.deepEqual(made[0].keys.get(5), box(14, 10, 38, 30));
  const model = new Model(plan(10, undefined, [6]));
  model.addAll(made);
  assert.deepEqual(model.tracks.map((track) => track.id), [0, 1, 2, 3]);
  assert.equal(model.track(3).boxes.get(9).x0, 12);
  model.undo();
  assert.ok(!model.changed);
});
