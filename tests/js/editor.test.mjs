// The review editor without a page: undo, boxes that follow, and what is sent back.

import assert from "node:assert/strict";
import test from "node:test";

import { fromCorners, isLargeEnough, moved, resized } from "../../src/faceveil/server/static/js/editor/geometry.js";
import { History } from "../../src/faceveil/server/static/js/editor/history.js";
import { follow, sceneOf, stretches } from "../../src/faceveil/server/static/js/editor/interpolate.js";
import { asTracks, missedFaces } from "../../src/faceveil/server/static/js/editor/missed.js";
import { Model } from "../../src/faceveil/server/static/js/editor/model.js";
import { personsIn, secondsOf, together } from "../../src/faceveil/server/static/js/editor/persons.js";
import { Sender } from "../../src/faceveil/server/static/js/editor/sender.js";
import { drawn, fromPlan, room, span, toPlan, withBox, withEdits, withoutKey, withSpan } from "../../src/faceveil/server/static/js/editor/tracks.js";

const SIZE = { width: 100, height: 60 };
const box = (x0, y0, x1, y1) => ({ x0, y0, x1, y1 });
const face = (found) => ({ box: found, score: 0.9, landmarks: null });

function plan(frames = 1, tracks = [{ id: 0, boxes: { 0: box(10, 10, 30, 30) }, seen: { 0: face(box(10, 10, 30, 30)) }, origin: "detected", keep: false }], cuts = []) {
  const media = { kind: frames > 1 ? "video" : "image", format: "png", ...SIZE, frames, parts: [], films: [] };
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

const member = (id, person, why = "", keep = false) => ({ id, boxes: { [id]: box(10, 10, 30, 30) }, seen: {}, origin: "detected", keep, why, person });
const people = () => new Model(plan(8, [member(0, 1), member(1, 2, "", true), member(2, 1), member(3, null, "small", true), member(4, 1, "unsure")]));
const visible = (model) => model.tracks.filter(({ keep }) => keep).map(({ id }) => id);

test("one person alone is visible: nobody who is not certainly this person", () => {
  const model = people();
  assert.deepEqual([...personsIn(model.tracks)].map(([person, mine]) => [person, mine.map(({ id }) => id)]), [[1, [0, 2]], [2, [1]]]);
  model.only(1);
  assert.deepEqual(visible(model), [0, 2]);
  assert.deepEqual(model.edits.kept, { 0: true, 1: false, 2: true, 3: false });
  model.undo();
  assert.deepEqual(visible(model), [1, 3]);
  model.setPerson(2, false);
  assert.deepEqual(visible(model), [3]);
});

test("a face that is taken out of a person is hidden and no longer goes with it", () => {
  const model = people();
  model.only(1);
  model.pullOut(2);
  assert.deepEqual(visible(model), [0]);
  assert.deepEqual(personsIn(model.tracks).get(1).map(({ id }) => id), [0]);
  const { changed } = model.edits;
  assert.deepEqual(changed.map(({ id, person, keep }) => [id, person, keep]), [[2, null, false]]);
  assert.deepEqual(personsIn(new Model(model.plan, model.edits).tracks), personsIn(model.tracks));
  model.undo();
  assert.deepEqual(visible(model), [0, 2]);
});

test("the person of a face: alone visible or hidden everywhere, in one step each", () => {
  const model = people();
  model.onlyThis(2);
  assert.deepEqual(visible(model), [0, 2]);
  model.hideEverywhere(0);
  model.hideEverywhere(0);
  assert.deepEqual(visible(model), []);
  model.undo();
  model.undo();
  assert.deepEqual(visible(model), [1, 3]);
  // Nobody knows who this is: the face alone, and not those with the number that it may not have.
  model.onlyThis(4);
  assert.deepEqual(visible(model), [4]);
  model.hideEverywhere(4);
  assert.deepEqual(visible(model), []);
});

test("a face put with a person is as visible as that person is everywhere", () => {
  const model = people();
  model.only(1);
  model.moveTo(4, 1);
  assert.deepEqual(visible(model), [0, 2, 4]);
  assert.deepEqual([model.track(4).person, model.track(4).why], [1, "moved"]);
  assert.deepEqual(model.edits.changed.map(({ id, why, keep }) => [id, why, keep]), [[4, "moved", true]]);
  model.moveTo(4, null);
  assert.deepEqual([model.track(4).person, model.track(4).why, model.track(4).keep], [null, "", false]);
  // Of somebody who is hidden in part nobody becomes visible by it, and who was is hidden.
  model.toggle(0);
  model.moveTo(3, 1);
  assert.deepEqual(visible(model), [2]);
  model.moveTo(1, 1);
  assert.deepEqual(visible(model), [2]);
  model.undo();
  assert.deepEqual(model.track(1).person, 2);
});

test("two cards of one person become one, also visible or hidden", () => {
  const model = people();
  model.joinPersons(1, 2);
  assert.deepEqual([...personsIn(model.tracks)].map(([person, mine]) => [person, mine.map(({ id }) => id)]), [[2, [0, 1, 2]]]);
  assert.deepEqual(visible(model), [0, 1, 2, 3]);
  model.undo();
  model.joinPersons(2, 1);
  assert.deepEqual(visible(model), [3]);
  model.undo();
  assert.deepEqual(visible(model), [1, 3]);
});

test("two people that are joined are nobody, and time is counted once", () => {
  const model = people();
  assert.equal(secondsOf(model, together([model.track(0), model.track(2)])).toFixed(3), "0.080");
  assert.equal(secondsOf(model, together([model.track(0), model.track(0)])).toFixed(3), "0.040");
  model.merge(0);
  model.pick(1);
  assert.equal(model.track(0).person, null);
  model.undo();
  model.merge(0);
  model.pick(2);
  assert.equal(model.track(0).person, 1);
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

test("each page of a document has its own size and its own boxes, and those with faces follow each other", () => {
  const part = (name, page, picture, width, height) => ({ name, page, picture, hidden: false, width, height });
  const parts = [part("page 1", 1, 0, 100, 60), part("page 2", 2, 0, 40, 80), part("page 3", 3, 0, 100, 60), part("page 2, picture 1", 2, 1, 20, 20)];
  const boxes = { 1: box(2, 2, 12, 12), 3: box(1, 1, 9, 9) };
  const given = plan(4, [{ id: 0, boxes, seen: {}, origin: "detected", keep: false }], [1, 2, 3]);
  given.media = { ...given.media, kind: "document", parts };
  const model = new Model(given);
  assert.ok(model.paged && model.nearest("face", -1) === null && model.nearest("face", 1) === 1);
  model.go(model.nearest("face", 1));
  assert.deepEqual(model.size, { width: 40, height: 80 });
  assert.equal(model.nearest("face", 1), 3);
  const id = model.add();
  assert.deepEqual(span(model.track(id)), [1, 1]);
  assert.ok(model.track(id).boxes.get(1).y1 <= 80);
  model.toggle(0);
  assert.deepEqual(model.toPlan().tracks[0], { ...given.tracks[0], keep: true });
});

test("a document without a picture has nowhere to go and nothing to draw on", () => {
  const model = new Model({ ...plan(0, []), media: { ...plan().media, kind: "document", frames: 0 } });
  model.go(3);
  assert.equal(model.frame, 0);
  assert.equal(model.add(box(0, 0, 20, 20)), null);
});

test("a draft holds what differs, and gives the same tracks again", () => {
  const model = new Model(plan(8, [0, 1, 2, 3].map((id) => ({ id, boxes: { 0: box(id, 0, id + 9, 9), 1: box(id, 1, id + 9, 9) }, seen: { 0: face(box(id, 0, id + 9, 9)) }, origin: "detected", keep: false }))));
  assert.deepEqual(model.edits, { kept: {}, changed: [], added: [], removed: [] });
  model.toggle(1);
  model.remove(2);
  model.setBox(3, box(5, 5, 20, 20));
  model.add(box(40, 10, 60, 30));
  const edits = model.edits;
  assert.deepEqual(edits.kept, { 1: true });
  assert.deepEqual(edits.removed, [2]);
  assert.deepEqual([edits.changed.map(({ id }) => id), edits.added.length], [[3], 1]);
  const again = new Model(model.plan, JSON.parse(JSON.stringify(edits)));
  assert.deepEqual(toPlan(again.plan, again.tracks), toPlan(model.plan, model.tracks));
  // Taken back, it is the plan again, and nothing is left to keep.
  again.undo();
  assert.ok(!again.changed);
  assert.deepEqual(again.edits, { kept: {}, changed: [], added: [], removed: [] });
});

test("what a draft adds never replaces a face that the plan got meanwhile", () => {
  const model = new Model(plan());
  model.add(box(40, 10, 60, 30));
  const edits = model.edits;
  assert.equal(edits.added[0].id, 1);
  const checked = plan(1, [0, 1].map((id) => ({ id, boxes: { 0: box(id, 0, 9, 9) }, seen: {}, origin: "detected", keep: false })));
  const tracks = withEdits(fromPlan(checked), edits);
  assert.deepEqual(tracks.map(({ id }) => id), [0, 1, 2]);
  assert.deepEqual(tracks[1].boxes.get(0), box(1, 0, 9, 9));
});

test("the newest value is sent, one at a time, and again after a failure", async () => {
  const sent = [];
  let fail = 0;
  const until = async (there) => {
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const sender = new Sender(async (value) => {
    sent.push(value);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return value !== "c" || fail++ > 0;
  }, 1);
  sender.send("a");
  sender.send("b");
  sender.send("c");
  await until(() => sent.length > 2);
  await sender.stop();
  assert.deepEqual(sent, ["a", "c", "c"]);
  sender.send("d");
  await sender.stop();
  assert.deepEqual(sent.slice(3), ["d"]);
});

const seenIn = (...frames) => Object.fromEntries(frames.map((frame) => [frame, face(box(frame, 0, frame + 9, 9))]));
const boxesIn = (...frames) => Object.fromEntries(frames.map((frame) => [frame, box(frame, 0, frame + 9, 9)]));
const found = (id, frames, seen = frames) => ({ id, boxes: boxesIn(...frames), seen: seenIn(...seen), origin: "detected", keep: false });
const framesOf = (track) => [...track.boxes.keys()].sort((a, b) => a - b);

test("a detected track is trimmed and extended; where it is longer it stands as at its end", () => {
  const model = new Model(plan(10, [found(0, [3, 4, 5])]));
  model.go(4);
  model.bound(0, "from");
  assert.deepEqual(framesOf(model.track(0)), [4, 5]);
  assert.deepEqual([...model.track(0).seen.keys()], [4, 5]);
  model.go(8);
  model.bound(0, "to");
  assert.deepEqual(framesOf(model.track(0)), [4, 5, 6, 7, 8]);
  assert.deepEqual(model.track(0).boxes.get(8), box(5, 0, 14, 9));
  model.go(1);
  model.bound(0, "from");
  assert.deepEqual(framesOf(model.track(0)), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a track is split in two, and no frame gets lost", () => {
  for (const origin of ["detected", "manual"]) {
    const model = new Model(plan(10, [{ ...found(0, [2, 3, 4, 5, 6]), origin }]));
    const before = model.track(0).boxes;
    model.go(4);
    model.split(0);
    const [one, other] = model.tracks;
    assert.deepEqual([framesOf(one), framesOf(other)], [[2, 3], [4, 5, 6]]);
    assert.deepEqual(other.boxes.get(5), before.get(5));
    model.undo();
    model.go(2);
    model.split(0);
    assert.equal(model.tracks.length, 1);
  }
});

test("two tracks that are joined cover all that either did, and the gap between", () => {
  const model = new Model(plan(12, [found(0, [1, 2, 3]), { ...found(1, [3, 7, 8]), keep: true }]));
  model.merge(0);
  model.pick(1);
  const [one] = model.tracks;
  assert.equal(model.tracks.length, 1);
  assert.ok(!one.keep);
  assert.deepEqual(framesOf(one), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(one.boxes.get(5), box(5, 0, 14, 9));
  assert.ok(!one.seen.has(5));
  model.undo();
  assert.equal(model.tracks.length, 2);
  // Picking without being asked to join only selects.
  model.pick(1);
  assert.equal(model.tracks.length, 2);
  // Nothing is filled in over a cut.
  const cut = new Model(plan(12, [found(0, [1, 2]), found(1, [7, 8])], [5]));
  cut.merge(0);
  cut.pick(1);
  assert.deepEqual(framesOf(cut.track(0)), [1, 2, 7, 8]);
});

test("next gap and next doubtful lead to what a person should look at", () => {
  const many = Array.from({ length: 60 }, (_, i) => i);
  const unsure = { ...found(1, [40, 41]), seen: { 40: { ...face(box(40, 0, 49, 9)), score: 0.4 } } };
  const model = new Model(plan(60, [found(0, many, [...many.slice(0, 10), ...many.slice(30)]), unsure]));
  assert.equal(model.nearest("gap", 1), 10);
  model.seekTo("gap", 1);
  assert.equal(model.frame, 10);
  assert.equal(model.nearest("gap", 1), null);
  model.seekTo("doubt", 1);
  assert.equal(model.frame, 40);
  model.seekTo("gap", -1);
  assert.equal(model.frame, 10);
});

test("a face that is there for hours can be reviewed", () => {
  const hours = Array.from({ length: 200_000 }, (_, i) => i);
  const all = Object.fromEntries(hours.map((i) => [i, box(0, 0, 9, 9)]));
  const seen = Object.fromEntries(hours.filter((i) => i < 9 || i > 40_000).map((i) => [i, face(all[i])]));
  const model = new Model(plan(hours.length, [{ id: 0, boxes: all, seen, origin: "detected", keep: false }]));
  assert.equal(model.nearest("doubt", 1), null);
  assert.equal(model.nearest("gap", 1), 9);
  assert.equal(model.nearest("face", 1), 1);
});

test("going where a film stands stops it; playing tells only of other frames", () => {
  const model = people();
  const heard = [];
  model.listen((what) => heard.push(`${what} ${model.frame}`));
  model.go(0, "playing");
  model.go(1, "playing");
  model.go(1);
  model.stay();
  assert.deepEqual(heard, ["playing 1", "frame 1", "frame 1"]);
});

test("a box that is followed moves in the frames that are found, and all of it is one step back", ({ mock }) => {
  let now = 0;
  mock.method(Date, "now", () => now);
  const model = new Model(plan(20, []));
  model.go(10);
  const id = model.add(box(40, 20, 60, 40));
  const [moved, wider] = [box(50, 20, 70, 40), box(60, 15, 90, 45)];
  model.stretch(id, { way: "later", boxes: { 11: moved }, seen: [11], ended: "", at: 11, problem: null }, "follow 1");
  // Stretches may be long under way.
  now = 60_000;
  model.stretch(id, { way: "later", boxes: { 12: moved, 13: wider }, seen: [12], ended: "lost", at: 12, problem: null }, "follow 1");
  model.stretch(id, { way: "earlier", boxes: { 9: moved }, seen: [9], ended: "left", at: 9, problem: null }, "follow 1");
  const track = model.track(id);
  assert.deepEqual(framesOf(track), [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  assert.deepEqual(track.boxes.get(10), box(40, 20, 60, 40));
  assert.deepEqual(track.boxes.get(19), wider, "lost: it stands to the end of the scene");
  assert.deepEqual([...track.seen.keys()].sort((a, b) => a - b), [9, 10, 11, 12]);
  // Corrected by hand in one frame, the others stay; followed again, that frame is a bound.
  model.go(12);
  model.setBox(id, box(0, 0, 20, 20));
  assert.deepEqual(model.track(id).boxes.get(11), moved);
  assert.deepEqual(room(model.track(id), 15), { first: 13 });
  model.undo();
  model.undo();
  assert.deepEqual(model.track(id).boxes.get(11), box(40, 20, 60, 40));
  assert.equal(framesOf(model.track(id)).length, 20);
});
