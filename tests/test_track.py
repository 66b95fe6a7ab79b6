"""Linking faces over time: nothing seen is lost, nothing leaks between, nothing stays behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import Face, Media, Origin, Plan, Track
from faceveil.track import link, timeline
from faceveil.track.scene import CUT_SECONDS

WIDTH, HEIGHT, FPS = 640, 360, 25
STRONG, WEAK = 0.5, 0.25
OPTIONS = Options()
EXTEND = round(OPTIONS.extend_seconds * FPS)
CUT = int(CUT_SECONDS * FPS)


def face(x: float, y: float = 180.0, size: float = 40.0, score: float = 0.9) -> Face:
    return Face(Box(x - size / 2, y - size / 2, x + size / 2, y + size / 2), score)


def run(
    detections: Mapping[int, Sequence[Face]],
    frames: int,
    *,
    cuts: Sequence[int] = (),
    fps: float = FPS,
    ran: Sequence[int] | None = None,
    options: Options = OPTIONS,
) -> tuple[Track, ...]:
    looks = range(frames) if ran is None else ran
    return link(
        {frame: detections.get(frame, ()) for frame in looks},
        [frame / fps for frame in range(frames)],
        width=WIDTH,
        height=HEIGHT,
        strong=STRONG,
        weak=WEAK,
        options=options,
        cuts=cuts,
    )


def covered(tracks: Sequence[Track], frame: int, box: Box) -> bool:
    """Whether one track's box holds what of this box lies in the picture."""
    inside = box.clipped(WIDTH, HEIGHT)
    assert inside is not None
    return any(
        track.boxes[frame].intersection(inside) > inside.area * (1 - 1e-9)
        for track in tracks
        if frame in track.boxes
    )


coordinates = st.floats(-30, 660, allow_nan=False)
faces = st.builds(face, coordinates, st.floats(-30, 390), st.floats(8, 200), st.floats(0.05, 1.0))
videos = st.tuples(
    st.dictionaries(st.integers(0, 59), st.lists(faces, max_size=5), max_size=40),
    st.lists(st.integers(0, 70), max_size=3),
)


@pytest.mark.slow
@given(videos)
def test_any_detections(video: tuple[dict[int, list[Face]], list[int]]) -> None:
    detections, cuts = video
    tracks = run(detections, 60, cuts=cuts)
    scene = np.searchsorted(sorted({c for c in cuts if 0 < c < 60}), np.arange(60), side="right")
    for frame, found in detections.items():
        for one in found:
            if one.score >= STRONG and one.box.clipped(WIDTH, HEIGHT):
                assert covered(tracks, frame, one.box)
    for track in tracks:
        assert any(hit.score >= STRONG for hit in track.seen.values())
        assert set(track.seen) <= set(track.boxes)
        assert len({scene[frame] for frame in track.boxes}) == 1
        first, last = min(track.seen), max(track.seen)
        assert set(range(first, last + 1)) <= set(track.boxes) | _outside(track)
        begin, end = np.flatnonzero(scene == scene[first])[[0, -1]]
        assert min(track.boxes) >= first - (CUT if first - begin <= CUT else EXTEND)
        assert max(track.boxes) <= last + (CUT if end - last <= CUT else EXTEND)
        for box in track.boxes.values():
            assert box.clipped(WIDTH, HEIGHT) == box
    assert [track.id for track in tracks] == list(range(len(tracks)))
    starts = [min(track.boxes) for track in tracks]
    assert starts == sorted(starts)
    shuffled = {frame: found[::-1] for frame, found in reversed(detections.items())}
    assert run(shuffled, 60, cuts=cuts) == tracks


def _outside(track: Track) -> set[int]:
    """Frames between hits in which a face at the very edge may lie beyond the picture."""
    edge = any(
        not (hit.box.x0 >= 0 and hit.box.y0 >= 0 and hit.box.x1 <= WIDTH and hit.box.y1 <= HEIGHT)
        for hit in track.seen.values()
    )
    return set(range(100)) if edge else set()


walks = st.lists(st.tuples(st.floats(-6, 6), st.floats(-4, 4), st.booleans()), min_size=20)


@pytest.mark.slow
@given(walks)
def test_time_reversed_covers_alike(steps: list[tuple[float, float, bool]]) -> None:
    x, y, last = 320.0, 180.0, len(steps) + 19
    detections = {}
    for frame, (dx, dy, seen) in enumerate(steps):
        x, y = x + dx, y + dy
        if seen:
            detections[frame + 10] = [face(x, y)]
    forward = run(detections, last + 1)
    backward = run({last - frame: found for frame, found in detections.items()}, last + 1)
    mirrored = {last - frame: box for track in backward for frame, box in track.boxes.items()}
    boxes = {frame: box for track in forward for frame, box in track.boxes.items()}
    assert boxes.keys() == mirrored.keys()
    if len(forward) == len(backward) == 1:
        assert all(boxes[frame].iou(mirrored[frame]) > 0.99 for frame in boxes)


def test_a_single_hit_is_kept_and_extended_both_ways() -> None:
    (track,) = run({30: [face(320)]}, 60)
    assert set(track.boxes) == set(range(30 - EXTEND, 30 + EXTEND + 1))
    assert set(track.seen) == {30}
    assert track.filled == 2 * EXTEND


def test_one_picture() -> None:
    (track,) = run({0: [face(320)]}, 1)
    assert track.boxes == {0: face(320).box}
    assert run({}, 0) == ()
    assert run({}, 10) == ()


@pytest.mark.parametrize("speed", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("hidden", [1, 5, 12])
def test_hidden_faces_stay_covered(hidden: int, speed: float) -> None:
    way = {frame: face(60 + speed * frame) for frame in range(40)}
    gap = range(15, 15 + hidden)
    (track,) = run({f: [one] for f, one in way.items() if f not in gap}, 40)
    assert set(track.seen) == set(way) - set(gap)
    assert all(covered([track], frame, one.box) for frame, one in way.items())
    middle = track.boxes[15 + hidden // 2]
    assert middle.size > track.boxes[5].size or hidden == 1
    assert middle.size < 2.5 * 40 + 2 * speed


def test_a_face_that_turns_back_behind_something_stays_covered() -> None:
    out = {frame: face(100 + 6 * frame) for frame in range(15)}
    back = {frame: face(190 - 6 * (frame - 15)) for frame in range(15, 40)}
    way = out | back
    tracks = run({f: [one] for f, one in way.items() if not 12 <= f < 18}, 40)
    assert all(covered(tracks, frame, one.box) for frame, one in way.items())


def test_gaps_beyond_the_limit_are_not_bridged() -> None:
    detections = {0: [face(320)], 1: [face(320)], 40: [face(320)], 41: [face(320)]}
    assert len(run(detections, 90)) == 2
    (bridged,) = run(detections, 90, options=Options(bridge_seconds=2.0))
    assert set(bridged.boxes) == set(range(41 + EXTEND + 1))


@pytest.mark.parametrize("near", [CUT, CUT + 1])
def test_a_face_found_soon_after_a_cut_was_there_since_the_cut(near: int) -> None:
    """And one that is lost shortly before a cut is there until then."""
    tracks = run({30 + near: [face(320)], 200 - near - 1: [face(320)]}, 300, cuts=[30, 200])
    before, after = (set(track.boxes) for track in tracks)
    expected = near if near <= CUT else EXTEND
    assert min(before) == 30 + near - expected
    assert max(after) == 200 - near - 1 + expected


def test_cuts_are_never_crossed() -> None:
    detections = {frame: [face(320)] for frame in range(60)}
    first, second = run(detections, 60, cuts=[30])
    assert set(first.boxes) == set(range(30))
    assert set(second.boxes) == set(range(30, 60))


@pytest.mark.parametrize("weak_at", [25, 35])
def test_weak_hits_count_beside_strong_ones_alone(weak_at: int) -> None:
    strong = {frame: [face(320)] for frame in range(28, 33)}
    (track,) = run(strong | {weak_at: [face(322, score=0.3)]}, 60)
    assert weak_at in track.seen
    (track,) = run(strong | {weak_at: [face(60, score=0.3)]}, 60)
    assert weak_at not in track.seen
    assert run({30: [face(320, score=0.3)], 31: [face(320, score=0.3)]}, 60) == ()
    (track,) = run(strong | {weak_at: [face(322, score=WEAK - 0.01)]}, 60)
    assert weak_at not in track.seen


def test_one_face_found_twice_is_one_track() -> None:
    twice = [face(320), face(324, size=44, score=0.7)]
    (track,) = run(dict.fromkeys(range(10), twice), 10)
    assert all(covered([track], frame, one.box) for frame in range(10) for one in twice)
    assert track.seen[5].score == 0.9


def test_crossing_faces_lose_no_box() -> None:
    way = {f: [face(100 + 8 * f), face(540 - 8 * f, 190)] for f in range(56)}
    # While they overlap only one of them is found.
    seen = {
        f: both if abs(both[0].box.x0 - both[1].box.x0) > 30 else both[:1]
        for f, both in way.items()
    }
    tracks = run(seen, 56)
    assert len(tracks) == 2
    assert all(covered(tracks, frame, one.box) for frame, both in way.items() for one in both)


@pytest.mark.parametrize("every", [2, 3, 5])
@pytest.mark.parametrize("speed", [0.0, 4.0, 16.0])
def test_frames_without_a_look_are_covered(every: int, speed: float) -> None:
    way = {f: face(20 + speed * f + 6 * np.sin(f / 3)) for f in range(37)}
    looks = range(0, 37, every)
    tracks = run({f: [way[f]] for f in looks}, 37, ran=looks)
    assert len(tracks) == 1
    margins = (OPTIONS.margin_side, OPTIONS.margin_top, OPTIONS.margin_side, OPTIONS.margin_bottom)
    for frame, one in way.items():
        inside = one.box.clipped(WIDTH, HEIGHT)
        assert inside is not None
        assert tracks[0].boxes[frame].padded(*margins).intersection(inside) > 0.97 * inside.area


def test_until_the_next_look_nobody_knows_that_a_face_has_gone() -> None:
    looks = range(0, 100, 20)
    (track,) = run({40: [face(320)]}, 100, ran=looks)
    assert set(track.boxes) == set(range(21, 60))


@pytest.mark.parametrize("speed", [1.0, 8.0, 25.0])
def test_paint_goes_soon_after_a_face_has_left(speed: float) -> None:
    visible = {f: face(320 + speed * f) for f in range(200) if 320 + speed * f < WIDTH + 20}
    seen = {f: [one] for f, one in visible.items() if one.box.x0 + one.box.x1 < 2 * WIDTH}
    for mirrored in (False, True):
        last = 399
        hits = {last - f: found for f, found in seen.items()} if mirrored else seen
        (track,) = run(hits, 400)
        gone = last - max(visible) if mirrored else max(visible)
        edge = min(track.boxes) if mirrored else max(track.boxes)
        assert abs(edge - gone) <= 0.6 * FPS


def test_a_still_face_is_not_blown_up() -> None:
    jitter = np.random.default_rng(0).normal(0, 1, (80, 2))
    (track,) = run({f: [face(320 + dx, 180 + dy)] for f, (dx, dy) in enumerate(jitter)}, 80)
    assert np.mean([box.size for box in track.boxes.values()]) < 1.2 * 40


def test_slow_animation() -> None:
    tracks = run({0: [face(300)], 1: [face(310)], 3: [face(330)]}, 6, fps=2)
    assert len(tracks) == 1
    assert set(tracks[0].boxes) == {0, 1, 2, 3, 4}
    slides = run({1: [face(300)]}, 4, fps=0.5)
    assert set(slides[0].boxes) == {1}


def test_no_extension_if_none_is_wanted() -> None:
    (track,) = run({30: [face(320)]}, 60, options=Options(extend_seconds=0, bridge_seconds=0))
    assert set(track.boxes) == {30}


@pytest.mark.slow
@pytest.mark.long
def test_a_crowd_links_quickly() -> None:
    random = np.random.default_rng(1)
    places, speeds = random.uniform(0, 1, (80, 2)) * (1920, 1080), random.normal(0, 2, (80, 2))
    detections = {}
    for frame in range(1000):
        places += speeds
        speeds = np.where((places < 0) | (places > (1920, 1080)), -speeds, speeds)
        shaken = places + random.normal(0, 1, places.shape)
        scores = random.uniform(0.1, 1, 80).tolist()
        detections[frame] = [
            face(x, y, 32, score) for (x, y), score in zip(shaken.tolist(), scores, strict=True)
        ]
    begin = time.process_time()
    tracks = link(
        detections,
        [frame / FPS for frame in range(1000)],
        width=1920,
        height=1080,
        strong=STRONG,
        weak=WEAK,
        options=OPTIONS,
    )
    # Under two seconds on two cores; the rest is for machines that are busy.
    assert time.process_time() - begin < 6
    assert 75 <= len(tracks) <= 100


def test_timeline_increases_whatever_the_container_says() -> None:
    assert timeline([], Fraction(1, 25)) == []
    assert timeline([7], Fraction(1, 25)) == [0.0]
    assert timeline([0, 1, 1, 0, 3], Fraction(1, 10)) == pytest.approx([0, 0.1, 0.3, 0.5, 0.8])
    assert timeline([0, 0, 0], 1) == pytest.approx([0.0, 0.04, 0.08])


@given(st.lists(st.integers(-5, 5), max_size=20))
@settings(max_examples=50)
def test_timeline_property(pts: list[int]) -> None:
    times = timeline(pts, Fraction(1, 25))
    assert len(times) == len(pts)
    assert (np.diff(times) > 0).all()


def test_impossible_input_is_refused() -> None:
    arguments = {"width": 9, "height": 9, "strong": 0.5, "weak": 0.2, "options": OPTIONS}
    with pytest.raises(ValueError, match="increase"):
        link({}, [0.0, 0.0], **arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="outside"):
        link({2: []}, [0.0, 1.0], **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "covered", "origin", "keep", "seconds"),
    [
        ({0, 1, 2}, range(3), "detected", False, 0.0),
        ({0, 9}, range(10), "detected", False, 2.0),  # frames 1 to 8, a quarter of a second each
        ({0, 3, 9}, range(10), "detected", False, 1.25),  # 4 to 8
        ({4}, [0, 1, 4, 8, 9], "detected", False, 0.5),  # not covered between: two stretches
        ({0}, range(10), "manual", False, 0.0),
        ({0, 9}, range(10), "detected", True, 0.0),
    ],
)
def test_the_longest_stretch_that_nobody_saw(
    seen: set[int], covered: Sequence[int], origin: Origin, keep: bool, seconds: float
) -> None:
    known = face(100.0)
    boxes = dict.fromkeys(covered, known.box)
    track = Track(0, boxes, dict.fromkeys(seen, known), origin, keep)
    media = Media("video", "mp4", 640, 360, 10)
    pts = tuple(range(0, 10 * 250, 250))
    assert Plan(media, (track,), pts=pts).longest_fill == pytest.approx(seconds)
    still = Plan(Media("pages", "tiff", 640, 360, 10), (track,), pts=pts)
    assert still.longest_fill == 0.0
