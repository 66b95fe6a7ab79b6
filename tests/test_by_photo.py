"""Leave one person visible, or hide only one, as photos say; number the people of a job."""

from __future__ import annotations

import base64
import json
import pickle
import shutil
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pikepdf import Pdf
from skimage.data import astronaut
from starlette.testclient import TestClient
from typer.testing import CliRunner

from faceveil import people, weights
from faceveil.batch import Manifest, Serial, find_files, veil_files
from faceveil.batch.manifest import options_hash
from faceveil.cli import app
from faceveil.errors import ExitCode, UsageError, WeightsError
from faceveil.frames import Image
from faceveil.geometry import Box, Point
from faceveil.media import open_source
from faceveil.options import Options
from faceveil.people import Gallery, by_photo, load_embedder, photos
from faceveil.people.judge import KEEP, KEEP_FEW, Compared, decide, limit_of
from faceveil.people.network import LENGTH
from faceveil.people.stretches import stretches
from faceveil.pipeline import analyze_file, render_file, veil_file
from faceveil.plan import Face, Plan, Track
from faceveil.server.app import create_app
from faceveil.server.execute import work_on
from faceveil.server.queue import JobQueue
from faceveil.server.settings import Service
from faceveil.server.store import Store
from faceveil.weights import search
from films import film
from offices import document, png
from pdfs import PLACED, page, stored
from tiers import daily

Marks = tuple[Point, Point, Point, Point, Point]

# The rules


TIMES = [index / 25 for index in range(100)]


def someone(
    number: int, frames: Sequence[int], x: float = 0, *, step: float = 0, side: float = 80
) -> Track:
    boxes = {frame: Box(x + step * frame, 0, x + step * frame + side, side) for frame in frames}
    seen = {at: Face(box, 0.9, marks_in(box)) for at, box in boxes.items()}
    return Track(number, boxes, seen)


def marks_in(box: Box, turned: float = 0.0) -> Marks:
    """Landmarks of a face, from the front or turned away."""
    w, x = box.width, box.x0
    y = box.y0
    eyes = 0.3 + 0.2 * turned, 0.7 - 0.2 * turned
    return (
        (x + eyes[0] * w, y + 0.35 * w),
        (x + eyes[1] * w, y + 0.35 * w),
        (x + 0.5 * w, y + 0.6 * w),
        (x + 0.35 * w, y + 0.8 * w),
        (x + 0.65 * w, y + 0.8 * w),
    )


def told(
    tracks: Sequence[Track], far: Callable[[Track, int], float], mode: Literal["keep", "hide"]
) -> tuple[Track, ...]:
    """The tracks after a decision, with the distances that looks at them have."""
    judged = [
        Compared(part, {look: far(part.track, look) for look in part.looks})
        for part in stretches(tracks, TIMES, still=False)
    ]
    decided = tuple(chain(*decide(judged, TIMES, mode, KEEP, still=False).values()))
    before = Counter(frame for track in tracks for frame in track.boxes)
    assert Counter(frame for track in decided for frame in track.boxes) == before, "none is lost"
    return decided


def turned_away(track: Track) -> Track:
    seen = {at: replace(one, landmarks=marks_in(one.box, 0.8)) for at, one in track.seen.items()}
    return replace(track, seen=seen)


def bare(tracks: Iterable[Track]) -> set[tuple[int, Box]]:
    return {item for track in tracks if track.keep for item in track.boxes.items()}


def test_the_person_stays_and_a_stranger_does_not() -> None:
    own, other = someone(0, range(100)), someone(1, range(100), x=500)
    decided = told([own, other], lambda track, _: 0.3 if track.id == 0 else 0.8, "keep")
    assert bare(decided) == set(own.boxes.items())
    assert {track.why for track in decided} == {"reference", "stranger"}
    decided = told([own, other], lambda track, _: 0.3 if track.id == 0 else 0.8, "hide")
    assert bare(decided) == set(other.boxes.items())


@pytest.mark.parametrize(
    ("track", "far", "why"),
    [
        (someone(0, range(100), side=50), 0.3, "small"),
        (someone(0, range(2)), 0.3, "few"),
        (turned_away(someone(0, range(100))), 0.3, "turned"),
        (someone(0, range(100)), 0.55, "unsure"),
    ],
)
@pytest.mark.parametrize("mode", ["keep", "hide"])
def test_whoever_cannot_be_told_is_hidden(
    track: Track, far: float, why: str, mode: Literal["keep", "hide"]
) -> None:
    far = far if mode == "keep" or why != "unsure" else 0.7
    decided = told([track], lambda *_: far, mode)
    assert bare(decided) == set()
    assert {one.why for one in decided} == {why}


def test_two_that_look_alike_are_both_hidden() -> None:
    twins = [someone(0, range(100)), someone(1, range(20, 60), x=500)]
    decided = told(twins, lambda track, _: 0.30 + 0.05 * track.id, "keep")
    assert {frame for frame, _ in bare(decided)}.isdisjoint(range(20, 60))


def test_a_track_that_becomes_a_strangers_where_two_cross() -> None:
    """The tracks are exchanged in the middle, which nobody can see but by the faces."""
    left, right = someone(0, range(100), step=8), someone(1, range(100), x=800, step=-8)

    def far(track: Track, frame: int) -> float:
        return 0.3 if (track.id == 0) == (frame < 50) else 0.8

    decided = told([left, right], far, "keep")
    meant = {item for item in left.boxes.items() if item[0] < 50}
    meant |= {item for item in right.boxes.items() if item[0] >= 50}
    assert bare(decided) <= meant
    assert len(bare(decided)) > 50
    near = {frame for frame in range(100) if left.boxes[frame].intersection(right.boxes[frame])}
    assert near
    assert {frame for frame, _ in bare(decided)}.isdisjoint(near)
    assert "crossing" in {track.why for track in decided}


@pytest.mark.slow
@given(st.integers(1, 98), st.integers(0, 40))
def test_what_was_not_seen_is_nobodys(first: int, gap: int) -> None:
    """After a gap it may be somebody else, who has to be told anew."""
    track = someone(0, range(100))
    seen = {at: face for at, face in track.seen.items() if not first <= at < first + gap}
    lost = replace(track, seen=seen)
    decided = told([lost], lambda _, frame: 0.3 if frame < first else 0.8, "keep")
    assert all(frame < first for frame, _ in bare(decided))


def test_a_look_speaks_for_a_second() -> None:
    """A person walks away and becomes too small to be told."""
    track = someone(0, range(100))
    small = {at: Box(0, 0, 40, 40) for at in range(30, 100)}
    faces = {at: replace(track.seen[at], box=box) for at, box in small.items()}
    away = replace(track, boxes={**track.boxes, **small}, seen={**track.seen, **faces})
    decided = told([away], lambda *_: 0.3, "keep")
    assert {frame for frame, _ in bare(decided)} == set(range(54))


def test_photos_that_are_alike_do_not_widen_the_limit() -> None:
    """Three copies of a picture say nothing of how different the person can look."""
    one = np.zeros((1, LENGTH), np.float32)
    assert limit_of(one) == limit_of(np.repeat(one, 5, axis=0)) == KEEP_FEW
    different = np.eye(4, LENGTH, dtype=np.float32) * 0.25
    assert KEEP_FEW < limit_of(different) <= KEEP
    assert limit_of(different[:2]) == KEEP_FEW


@pytest.mark.slow
@given(st.integers(0, 99), st.integers(1, 4), st.floats(0.61, 1.5))
def test_a_single_look_that_is_somebody_elses_hides_the_stretch(
    first: int, length: int, far: float
) -> None:
    """A passer-by whose face the tracker took for hers, for a moment only."""
    track = someone(0, range(100))
    looked = stretches([track], TIMES, still=False)[0].looks
    odd = [look for look in looked if first <= look < first + length]
    decided = told([track], lambda _, frame: far if frame in odd else 0.2, "keep")
    assert bool(bare(decided)) is not bool(odd)


# The people of a job


def looks(person: int, count: int, spread: float = 0.02) -> NDArray[np.float32]:
    chance = np.random.default_rng(person * 1000 + count)
    there = np.random.default_rng(person).normal(0, 0.1, LENGTH)
    return (there + chance.normal(0, spread, (count, LENGTH))).astype(np.float32)


def test_people_keep_their_numbers_across_files() -> None:
    gallery = Gallery()
    early, late = range(10), range(20, 30)
    first = gallery.number([(early, looks(1, 5)), (early, looks(2, 4)), (late, looks(1, 3))])
    assert first == [1, 2, 1]
    assert gallery.number([(early, looks(3, 5)), (late, looks(2, 3))]) == [3, 2]
    assert Gallery(7).number([(early, looks(1, 5))]) == [8]


def test_whoever_is_not_certain_is_somebody_else_or_nobody() -> None:
    mixed = np.concatenate([looks(1, 3), looks(2, 3)])
    blank = np.empty((0, LENGTH), np.float32)
    frames = range(10)
    numbers = Gallery().number([(frames, mixed), (frames, blank), (frames, looks(1, 3))])
    assert numbers == [None, None, 1]
    twins = Gallery().number([(frames, looks(1, 5)), (frames, looks(1, 4))])
    assert twins == [1, 2], "nobody is there twice"


def test_a_number_reaches_no_farther_than_a_look_speaks() -> None:
    """One click makes everything visible that has it: not the one who walked away."""
    track = someone(0, range(100))
    (part,) = stretches([track], TIMES, still=False)
    near = {look: looks(1, 1)[0] for look in part.looks if look < 30}
    (parts,) = by_photo._numbered([part], [1], [near], TIMES, still=False).values()
    hers, rest = sorted(parts, key=lambda one: one.person or 9)
    reach = max(near) + 25
    assert (set(hers.boxes), hers.person, hers.why) == (set(range(reach + 1)), 1, "")
    assert (set(rest.boxes), rest.person, rest.why) == (set(range(reach + 1, 100)), None, "unsure")


def test_everyone_of_a_group_has_to_be_alike() -> None:
    """A row of people of whom each resembles the next is not one person."""
    step = np.zeros((1, LENGTH), np.float32)
    step[0, 0] = 0.3
    row = [(range(at, at + 1), np.repeat(step * at, 3, axis=0)) for at in range(6)]
    numbers = Gallery().number(row)
    assert max(Counter(numbers).values()) <= 2


def test_a_long_talk_takes_little_memory() -> None:
    """One face for ten minutes: all of its looks are compared, but not kept in pairs."""
    gallery, seen = Gallery(), [(range(15000), looks(1, 2400))]
    tracemalloc.start()
    try:
        assert gallery.number(seen) == [1]
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


def test_a_gallery_cannot_be_saved() -> None:
    with pytest.raises(TypeError, match="memory"):
        pickle.dumps(Gallery())


# A whole run


class Spy:
    """Knows the astronaut by her colours: everybody else here has red and blue exchanged."""

    def __init__(self) -> None:
        self.points: list[NDArray[np.float32]] = []
        self._known = np.random.default_rng(5).normal(0, 1, LENGTH).astype(np.float32)

    def embed(self, faces: Sequence[Image]) -> NDArray[np.float32]:
        """A point near hers for each of her pictures, and one far away for all others."""
        rows = np.empty((len(faces), LENGTH), np.float32)
        for row, face in zip(rows, faces, strict=True):
            blue, _, red = face.mean(axis=(0, 1))
            shift = np.random.default_rng(int(face.sum())).normal(0, 0.01, LENGTH)
            row[:] = self._known + shift + (0.0 if red > blue else 1.0)
        self.points.append(rows)
        return rows


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    made = Spy()
    for module in (by_photo, photos, people):
        monkeypatch.setattr(module, "load_embedder", lambda _: made)
    return made


@pytest.fixture(scope="module")
def her() -> Image:
    """The astronaut, whose face is about 170 pixels large here."""
    picture = np.asarray(astronaut()[..., ::-1][0:240, 120:340], np.uint8)
    larger = cv2.resize(picture, None, fx=2.2, fy=2.2, interpolation=cv2.INTER_CUBIC)
    return np.asarray(larger, np.uint8)


@pytest.fixture
def photo(her: Image, tmp_path: Path) -> Path:
    path = tmp_path / "her.png"
    cv2.imwrite(str(path), her)
    return path


def other(image: Image) -> Image:
    """Somebody else, for whom knows her by her colours."""
    return np.ascontiguousarray(image[..., ::-1])


@pytest.fixture
def pair(her: Image, tmp_path: Path) -> Path:
    path = tmp_path / "pair.png"
    cv2.imwrite(str(path), np.hstack([her, other(her)]))
    return path


def halves(before: Path, after: Path) -> list[bool]:
    """Whether the left and the right half are as they were."""
    one, two = (cv2.imread(str(path)) for path in (before, after))
    assert one is not None
    assert two is not None
    middle = one.shape[1] // 2
    parts = slice(middle), slice(middle, None)
    return [bool((one[:, part] == two[:, part]).all()) for part in parts]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["keep", "hide"])
def test_one_of_two_in_a_photo(
    pair: Path, photo: Path, spy: Spy, mode: str, tmp_path: Path, detector: str
) -> None:
    """The check, too, leaves the face alone that is visible on purpose."""
    options = Options().but(**{mode: (photo,)}, check="full")
    report = veil_file(pair, tmp_path / "out.png", options)
    assert halves(pair, tmp_path / "out.png") == [mode == "keep", mode == "hide"]
    assert (report.status, report.kept, report.tracks) == ("ok", 1, 1)
    assert {facts.why for facts in report.faces_over_time} == {"reference", "stranger"}
    assert any("left visible 1, covered 1" in note for note in report.notes)
    assert spy.points


@pytest.mark.slow
def test_a_plan_remembers_who_stays(
    pair: Path, photo: Path, spy: Spy, tmp_path: Path, detector: str
) -> None:
    plan = analyze_file(pair, Options(keep=(photo,)))
    read = Plan.from_json(plan.to_json())
    assert read == plan
    looked = len(spy.points)
    report = render_file(pair, read, tmp_path / "out.png", Options(check="full"))
    assert halves(pair, tmp_path / "out.png") == [True, False]
    assert (report.status, len(spy.points)) == ("ok", looked)


@pytest.fixture
def alone(tmp_path: Path, detector: str) -> tuple[Path, Plan]:
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), astronaut()[..., ::-1])
    return path, analyze_file(path)


@pytest.mark.slow
def test_the_check_sees_a_stranger_in_front_of_a_face_that_stays(
    alone: tuple[Path, Plan], tmp_path: Path
) -> None:
    """A small face inside the box of a large one that is visible on purpose."""
    path, plan = alone
    (face,) = plan.tracks
    large = replace(face, boxes={0: Box(60, 0, 420, 420)}, seen={}, keep=True)
    report = render_file(path, replace(plan, tracks=(large,)), tmp_path / "out.png")
    assert (report.kept, report.tracks, report.status) == (1, 1, "ok")
    assert report.check is not None
    assert report.check.added == 1


@pytest.mark.slow
def test_the_check_knows_a_face_that_stays_by_a_box_of_its_own(
    alone: tuple[Path, Plan], tmp_path: Path
) -> None:
    """Another detector's box may be larger, or lie a little beside."""
    path, plan = alone
    (face,) = plan.tracks
    for share in (-0.2, 0.0, 0.15):
        box = face.boxes[0].padded(*[share] * 4).transformed(1.0, 4.0, -3.0)
        kept = replace(plan, tracks=(replace(face, boxes={0: box}, keep=True),))
        report = render_file(path, kept, tmp_path / "out.png", Options(check="full"))
        assert (report.kept, report.tracks) == (1, 0)


def test_other_photos_are_another_run(photo: Path, pair: Path) -> None:
    """A run that continues does not take what was made with other photos."""
    first, plain = options_hash(Options(keep=(photo,))), options_hash(Options())
    assert first not in (plain, options_hash(Options(hide=(photo,))))
    photo.write_bytes(pair.read_bytes())
    assert options_hash(Options(keep=(photo,))) != first


@pytest.fixture(scope="module")
def small(her: Image) -> Image:
    """Her as she is in videos."""
    less = cv2.resize(her, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    return np.asarray(less, np.uint8)[: len(less) // 2 * 2]


@pytest.fixture
def crossing(small: Image, tmp_path: Path) -> Path:
    return film(tmp_path / "clip.mp4", scenes(small, other(small)), time_base=Fraction(1, 20))


def scenes(small: Image, strange: Image) -> Iterator[Image]:
    """Two people who cross; a cut to the stranger where she was; and she comes back."""
    high, wide = small.shape[:2]
    for frame in range(60):
        image = np.full((high, 1000, 3), (120, 130, 110), np.uint8)
        hers, strangers = places_at(frame)
        for x, who in ((strangers, strange), (hers, small)):
            if x is not None:
                image[:, x : x + wide] = who
        yield image


def places_at(frame: int) -> tuple[int | None, int]:
    """Left edges of her and of the stranger."""
    if frame < 40:
        return 16 * frame, 660 - 16 * frame
    return (None, 640) if frame < 50 else (100, 600)


@pytest.mark.slow
@pytest.mark.parametrize("mode", daily(["keep", "hide"], "hide"))
def test_nobody_is_bare_who_is_to_be_hidden(
    crossing: Path, photo: Path, spy: Spy, mode: str, tmp_path: Path, detector: str
) -> None:
    """In no frame of a video: where two cross, after a cut, when one comes back."""
    options = Options().but(**{mode: (photo,)}, check="full")
    report = veil_file(crossing, tmp_path / "out.mp4", options)
    assert report.status == "ok"
    assert report.kept > 0
    after, before = (frames_of(path) for path in (tmp_path / "out.mp4", crossing))
    assert len(after) == len(before) == 60
    visible = 0
    for frame, (image, old) in enumerate(zip(after, before, strict=True)):
        hers, strangers = places_at(frame)
        for x, hidden in ((hers, mode == "hide"), (strangers, mode == "keep")):
            if x is None or (x == strangers and hers is not None and abs(hers - x) < 200):
                continue  # she is in front
            face = slice(100, 180), slice(x + 90, x + 180)
            changed = np.abs(image[face].astype(int) - old[face]).mean()
            assert changed > 12 or not hidden, frame
            visible += changed < 6
    assert visible > 10


@pytest.mark.long
@pytest.mark.skipif(not weights.available("people"), reason="needs `faceveil weights fetch people`")
@pytest.mark.parametrize("name", ["0063.jpg", "0289.jpg", "0329.jpg"])
def test_no_stranger_is_bare_to_the_real_network(
    small: Image, her: Image, name: str, data: Path, tmp_path: Path, detector: str
) -> None:
    photos = tuple(tmp_path / f"{number}.png" for number in range(3))
    for photo, light in zip(photos, (1.0, 0.8, 1.2), strict=True):
        cv2.imwrite(str(photo), np.clip(her * light, 0, 255).astype(np.uint8))
    strange = cv2.imread(str(data / "close_ups" / name))
    if strange is None:
        pytest.skip("no such picture")
    high, wide = small.shape[:2]
    strange = cv2.resize(strange, (strange.shape[1] * high // strange.shape[0], high))
    whole = cv2.copyMakeBorder(strange, 0, 0, 0, wide, cv2.BORDER_REPLICATE)
    people = scenes(small, np.asarray(whole[:, :wide], np.uint8))
    path = film(tmp_path / "clip.mp4", people, time_base=Fraction(1, 20))
    plan = analyze_file(path, Options(keep=photos))
    visible = set()
    for track in plan.tracks:
        for frame, box in track.boxes.items() if track.keep else ():
            hers, strangers = places_at(frame)
            assert hers is not None, frame
            assert hers <= box.center[0] < hers + wide, frame
            assert abs(hers - strangers) > 100, "not where they cross"
            visible.add(frame)
    assert len(visible) > 15


def frames_of(path: Path) -> list[Image]:
    with av.open(str(path)) as file:
        images = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    return [np.asarray(image, np.uint8) for image in images]


@pytest.mark.slow
@pytest.mark.parametrize("form", daily(["pdf", "docx"], "docx"))
def test_the_person_stays_visible_in_a_document(
    form: str, her: Image, photo: Path, spy: Spy, tmp_path: Path, detector: str
) -> None:
    path, strange = tmp_path / f"x.{form}", other(her)
    if form == "docx":
        media = {"word/media/a.png": png(her), "word/media/b.png": png(strange)}
        document("docx", media, path)
    else:
        pdf = Pdf.new()
        for one in (her, strange):
            page(pdf, PLACED, {"I": stored(pdf, one)})
        pdf.save(path)
    report = veil_file(path, tmp_path / f"out.{form}", Options(keep=(photo,), check="full"))
    assert (report.status, report.tracks, report.kept) == ("ok", 1, 1)
    before, after = (list(shown(one)) for one in (path, tmp_path / f"out.{form}"))
    same = [bool((one == two).all()) for one, two in zip(before, after, strict=True)]
    assert same.count(True) == same.count(False) == len(same) // 2


def shown(path: Path) -> Iterator[Image]:
    with open_source(path, Options()) as source:
        for frame in source.frames():
            yield frame.image


@pytest.mark.long
def test_a_folder_and_an_archive(
    her: Image, photo: Path, spy: Spy, tmp_path: Path, detector: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, who in (("a", her), ("b", other(her)), ("c", her)):
        cv2.imwrite(str(folder / f"{name}.png"), who)
    shutil.make_archive(str(tmp_path / "all"), "zip", folder)
    options = Options(keep=(photo,))
    for path in (folder, tmp_path / "all.zip"):
        out = tmp_path / f"out-{path.stem}"
        out.mkdir()
        done = list(veil_files(find_files([path], options), out, options, Serial()))
        assert {one.codes for one in done} == {frozenset({ExitCode.OK})}
        if path is not folder:
            shutil.unpack_archive(next(out.glob("*.zip")), out)
        kept = {path.name[0] for path in out.rglob("*.png") if untouched(path, folder)}
        assert kept == {"a", "c"}


def untouched(path: Path, folder: Path) -> bool:
    old, new = cv2.imread(str(folder / f"{path.name[0]}.png")), cv2.imread(str(path))
    return bool(np.array_equal(np.asarray(old), np.asarray(new)))


@pytest.mark.long
@pytest.mark.slow
def test_people_are_numbered_if_asked(crossing: Path, pair: Path, spy: Spy, detector: str) -> None:
    gallery = Gallery()
    first = analyze_file(crossing, Options(people=True), gallery=gallery)
    second = analyze_file(pair, Options(people=True), gallery=gallery)
    after = {track.person for track in first.tracks if min(track.boxes) >= 50}
    before = {track.person for track in first.tracks if max(track.boxes) < 40}
    assert {1, 2} <= after, "both came back"
    assert {1, 2} <= before
    assert {track.person for track in first.tracks} <= {1, 2, None}
    assert {track.person for track in second.tracks} == {1, 2}
    assert {track.person for track in analyze_file(pair).tracks} == {None}


@pytest.mark.long
@pytest.mark.skipif(not weights.available("people"), reason="needs `faceveil weights fetch people`")
def test_numbers_go_on_through_a_folder_and_the_pages_of_documents(
    her: Image, data: Path, tmp_path: Path, detector: str
) -> None:
    """By the command and the real network, for each file is looked at in a process apart: one
    number for her in a photo, on a page and in an office file.
    """
    strange = cv2.imread(str(data / "close_ups" / "0063.jpg"))
    if strange is None:
        pytest.skip("no such picture")
    strange = cv2.resize(strange, (480, strange.shape[0] * 480 // strange.shape[1]))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(np.asarray(strange, np.uint8)))
    both = [her, np.asarray(strange, np.uint8)]
    media = {f"word/media/{number}.png": png(one) for number, one in enumerate(both)}
    document("docx", media, folder / "b.docx")
    with Pdf.new() as pdf:
        for one in (both[1], her):
            page(pdf, PLACED, {"I": stored(pdf, one)})
        pdf.save(folder / "c.pdf")
    done = CliRunner().invoke(app, ["detect", "--json", "--people", str(folder)])
    assert done.exit_code == 0, done.output
    told = {Path(one["file"]).name: one for one in map(json.loads, done.stdout.splitlines())}
    people = {
        name: [{face.get("person") for face in frame["faces"]} for frame in one["frames"]]
        for name, one in told.items()
    }
    assert people["a.png"] == [{1}]
    assert people["b.docx"] == [{2}, {1}]
    assert people["c.pdf"][:2] == [{1}, {2}], "its pages"


# What must not happen


def everything_below(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in folder.rglob("*") if path.is_file())


def traces(row: NDArray[np.float32]) -> Iterator[bytes]:
    """The forms in which a vector could have been written, each of some of its numbers."""
    for kind in (np.float32, np.float64):
        raw = row.astype(kind).tobytes()
        yield raw[:16]
        yield row.astype(kind).byteswap().tobytes()[:16]
        for shift in range(3):  # base64 depends on where in three bytes it begins
            yield base64.b64encode(bytes(shift) + raw[:48])[4:24]
        yield raw[:16].hex().encode()
        for value in row[:6]:
            yield str(kind(value)).encode()[:8]
            yield json.dumps(float(kind(value))).encode()[:8]


def test_a_trace_would_be_found() -> None:
    row = np.random.default_rng(0).normal(0, 1, LENGTH).astype(np.float32)
    numbers = json.dumps(row.tolist()).encode()
    for text in (row.tobytes(), numbers, base64.b64encode(row.tobytes())):
        assert any(trace in b"xy" + text for trace in traces(row))


@pytest.mark.slow
def test_nothing_of_a_face_is_written(
    pair: Path,
    crossing: Path,
    photo: Path,
    spy: Spy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    detector: str,
) -> None:
    """Not in a plan, a report, a manifest to resume from, an output, the cache, or a log."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out = tmp_path / "out"
    common = ["--keep", str(photo), "--people", "--debug"]
    for path in (pair, crossing):
        names = ("plan", "report", "report-html")
        files = [f"--{name}={tmp_path / name}.{path.stem}" for name in names]
        done = CliRunner().invoke(app, ["veil", str(path), "-o", f"{out}/", *common, *files])
        assert done.exit_code == 0, done.output
    shown = (tmp_path / "report-html.clip").read_text(encoding="utf-8")
    assert "the person of the photos, person" in shown
    options = Options(keep=(photo,), people=True)
    with Manifest(tmp_path / "noted", options) as noted:
        found = find_files([pair], options)
        assert len(list(veil_files(found, out, options, Serial(), manifest=noted))) == 1
    told = CliRunner().invoke(app, ["detect", "--json", str(pair), *common])
    assert json.loads(told.stdout)["frames"][0]["faces"][0]["why"]
    captured = capfd.readouterr()
    texts = [told.output.encode(), captured.out.encode(), captured.err.encode()]
    written = [*texts, *everything_below(tmp_path)]
    assert len(written) > 8
    rows = np.concatenate(spy.points)
    means = (rows[:-1] + rows[1:]) / 2  # of a face and its mirror image, among others
    assert len(rows) > 10
    for trace in {trace for row in (*rows, *means) for trace in traces(row)}:
        assert not any(trace in data for data in written), trace


@pytest.mark.slow
def test_a_run_without_photos_never_loads_the_network(pair: Path, detector: str) -> None:
    code = (
        "import sys, faceveil; "
        f"faceveil.veil_file({str(pair)!r}, options=faceveil.Options(check='off')); "
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "faceveil.pipeline" in done.stdout.split()
    assert "faceveil.people" not in done.stdout.split()


# What is refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words"),
    daily(
        [
            ("pair", "shows 2 faces"),
            ("empty", "no face was found in"),
            ("small", "too small to tell"),
            ("text", "cannot be read"),
            ("gone", "cannot be read"),
            ("clip", "is no photo"),
        ],
        every=3,
    ),
)
def test_a_photo_has_to_show_one_person(
    fault: str,
    words: str,
    pair: Path,
    crossing: Path,
    her: Image,
    spy: Spy,
    tmp_path: Path,
    detector: str,
) -> None:
    given = {"pair": pair, "clip": crossing}.get(fault, tmp_path / f"{fault}.png")
    if fault == "empty":
        cv2.imwrite(str(given), np.full((300, 300, 3), 90, np.uint8))
    if fault == "small":
        cv2.imwrite(str(given), cv2.resize(her, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA))
    if fault == "text":
        given.write_bytes(b"Dear Sir or Madam")
    out = tmp_path / "o.png"
    done = CliRunner().invoke(app, ["veil", str(pair), "--keep", str(given), "-o", str(out)])
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())
    assert not out.exists()


@pytest.mark.slow
def test_photos_of_two_people_are_refused(photo: Path, her: Image, spy: Spy, detector: str) -> None:
    second = photo.with_name("second.png")
    cv2.imwrite(str(second), other(her))
    with pytest.raises(UsageError, match="different people"):
        analyze_file(photo, Options(keep=(photo, second)))
    with pytest.raises(UsageError, match="together"):
        Options(keep=(photo,), hide=(photo,))


def test_the_command_that_gets_the_weights_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "first", lambda entry, folder: None)
    with pytest.raises(WeightsError) as caught:
        load_embedder(Options(threads=3))
    assert "faceveil weights fetch people" in caught.value.advice


def test_boxes_from_elsewhere_are_nobodys(pair: Path, photo: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("")
    arguments = ["veil", str(pair), "--keep", str(photo), "--boxes-from", str(boxes)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "found here" in done.stderr


# Over HTTP


TOKEN = "a-token-for-the-tests"


@pytest.fixture
def api(tmp_path: Path) -> TestClient:
    """A client of a service in this process, without workers."""
    store = Store(tmp_path / "jobs")
    app = create_app(Service(), {}, store, JobQueue(store.folder), TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return TestClient(app, base_url="http://127.0.0.1:8765", headers=headers)


def test_the_service_tells_whether_it_can(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offered() -> bool:
        return bool(api.get("/api/options").json()["service"]["people"])

    monkeypatch.setattr(search, "folders", lambda _: iter([tmp_path]))
    assert not offered()
    (tmp_path / weights.TABLE["people"].file).write_bytes(b"something else")
    assert not offered()


def sent(api: TestClient, field: str, photo: Path, *files: Path, **data: str) -> Any:
    parts = [("files", (path.name, path.read_bytes())) for path in files]
    parts.append((field, (photo.name, photo.read_bytes())))
    return api.post("/api/jobs", files=parts, data=data)


@pytest.mark.slow
@pytest.mark.parametrize("mode", daily(["keep", "hide"], "keep"))
def test_photos_come_with_an_upload_and_go_with_it(
    mode: str,
    api: TestClient,
    pair: Path,
    photo: Path,
    her: Image,
    spy: Spy,
    tmp_path: Path,
    detector: str,
) -> None:
    shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path, "pair.png")
    answer = sent(api, mode, photo, pair, tmp_path / "all.zip", people="true")
    assert answer.status_code == 202, answer.text
    store = Store(tmp_path / "jobs")
    for job in (one["id"] for one in answer.json()["jobs"]):
        assert store.path(job, f"{mode}-1").read_bytes() == photo.read_bytes()
        work_on(store, job, {})
        record = store.load(job)
        assert (record.state, record.faces, record.kept) == ("done", 1, 1)
        plan = api.get(f"/api/jobs/{job}/plan").json()
        assert {track["person"] for track in plan["tracks"]} == {1, 2}
        assert {track["why"] for track in plan["tracks"]} == {"reference", "stranger"}
        (tmp_path / "out.png").write_bytes(api.get(f"/api/jobs/{job}/result").content)
        assert halves(pair, tmp_path / "out.png") == [mode == "keep", mode == "hide"]
        assert api.post(f"/api/jobs/{job}/finish").status_code == 200
        assert not store.path(job, f"{mode}-1").exists()
    rows = np.concatenate(spy.points)
    written = list(everything_below(tmp_path / "jobs"))
    assert written
    assert not any(trace in data for row in rows for trace in traces(row) for data in written)


@pytest.mark.slow
def test_what_a_person_changes_is_that_persons_decision(
    api: TestClient, pair: Path, photo: Path, spy: Spy, tmp_path: Path, detector: str
) -> None:
    answer = sent(api, "keep", photo, pair, review="true")
    (job,) = (one["id"] for one in answer.json()["jobs"])
    work_on(Store(tmp_path / "jobs"), job, {})
    plan = api.get(f"/api/jobs/{job}/plan").json()
    first = next(track for track in plan["tracks"] if track["why"] == "stranger")
    first["keep"] = True
    saved = api.put(f"/api/jobs/{job}/plan", json=plan).json()
    assert sorted(track["why"] for track in saved["tracks"]) == ["", "reference"]


@pytest.mark.slow
def test_whose_a_face_is_by_hand_is_in_the_report(
    api: TestClient, pair: Path, photo: Path, spy: Spy, tmp_path: Path, detector: str
) -> None:
    """A face that somebody put with a person is visible for that reason alone, which is told."""
    answer = sent(api, "keep", photo, pair, review="true", people="true")
    (job,) = (one["id"] for one in answer.json()["jobs"])
    store = Store(tmp_path / "jobs")
    work_on(store, job, {})
    plan = api.get(f"/api/jobs/{job}/plan").json()
    hers, strangers = sorted(plan["tracks"], key=lambda track: track["why"])
    strangers.update(person=hers["person"], why="moved", keep=True)
    saved = api.put(f"/api/jobs/{job}/plan", json=plan).json()
    assert sorted(track["why"] for track in saved["tracks"]) == ["moved", "reference"]
    assert api.post(f"/api/jobs/{job}/render").status_code == 202
    work_on(store, job, {})
    notes = api.get(f"/api/jobs/{job}/report").json()["notes"]
    assert "faces visible only because somebody put them with a person: 1" in notes
    assert any("left visible 1, covered 0" in note for note in notes), "photos did not say so"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network's weights, as far as the service looks for them."""
    find = weights.find
    here = Path("here")
    monkeypatch.setattr(
        weights, "find", lambda name, folder=None: here if name == "people" else find(name, folder)
    )


@pytest.mark.long
def test_people_are_numbered_afterwards(
    api: TestClient, crossing: Path, spy: Spy, tmp_path: Path, detector: str, there: None
) -> None:
    """As for an upload that asked for it. What was drawn, and left visible by hand, stays so."""
    files = [("files", ("clip.mp4", crossing.read_bytes()))]
    answer = api.post("/api/jobs", files=files, data={"review": "true"})
    (job,) = (one["id"] for one in answer.json()["jobs"])
    store = Store(tmp_path / "jobs")
    work_on(store, job, {})
    plan = api.get(f"/api/jobs/{job}/plan").json()
    assert {track["person"] for track in plan["tracks"]} == {None}
    kept = plan["tracks"][0]
    drawn = {**plan["tracks"][1], "id": 99, "origin": "manual"}
    plan["tracks"].append(drawn)
    kept["keep"] = True
    assert api.put(f"/api/jobs/{job}/plan", json=plan).status_code == 200

    assert api.post(f"/api/jobs/{job}/people").json()["state"] == "queued"
    assert api.post(f"/api/jobs/{job}/people").status_code == 409, "it waits for a worker"
    work_on(store, job, {})
    assert api.get(f"/api/jobs/{job}").json()["state"] == "review"
    tracks = api.get(f"/api/jobs/{job}/plan").json()["tracks"]
    numbered = [one for one in tracks if one["origin"] == "detected"]
    assert {one["person"] for one in numbered} == {1, 2, None}
    assert [one["boxes"] for one in tracks if one["origin"] == "manual"] == [drawn["boxes"]]
    where = [(frame, box) for one in numbered if one["keep"] for frame, box in one["boxes"].items()]
    assert sorted(where) == sorted(kept["boxes"].items())
    assert sum(len(one["boxes"]) for one in numbered) == sum(
        len(one["boxes"]) for one in plan["tracks"] if one is not drawn
    )
    rows, written = np.concatenate(spy.points), list(everything_below(tmp_path / "jobs"))
    assert not any(trace in data for row in rows for trace in traces(row) for data in written)
    assert store.load(job).people, "a new search numbers them, too"
    assert api.post(f"/api/jobs/{job}/people").json()["state"] == "review", "nothing is left to do"


@pytest.mark.slow
def test_a_job_whose_people_are_numbered_is_what_it_was(
    api: TestClient,
    pair: Path,
    spy: Spy,
    tmp_path: Path,
    detector: str,
    there: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its result stays, and does not stay longer: also if that fails or is cancelled."""
    files = [("files", ("pair.png", pair.read_bytes()))]
    (job,) = (one["id"] for one in api.post("/api/jobs", files=files).json()["jobs"])
    store = Store(tmp_path / "jobs")
    work_on(store, job, {})
    before = api.get(f"/api/jobs/{job}").json()
    result = api.get(f"/api/jobs/{job}/result").content
    draft = {"version": 1, "author": "she", "kept": {"0": True}}
    assert api.put(f"/api/jobs/{job}/draft", json=draft).status_code == 200
    refused = api.post(f"/api/jobs/{job}/people")
    assert (refused.status_code, refused.json()["type"]) == (409, "draft")
    assert api.put(f"/api/jobs/{job}/draft", json={"version": 2, "author": "she"}).is_success

    assert api.post(f"/api/jobs/{job}/people").status_code == 202
    assert api.post(f"/api/jobs/{job}/cancel").json() == before
    with monkeypatch.context() as patch:
        patch.setattr(by_photo, "load_embedder", raising(WeightsError("altered")))
        assert api.post(f"/api/jobs/{job}/people").status_code == 202
        work_on(store, job, {})
    warning = "people could not be told apart: altered"
    assert api.get(f"/api/jobs/{job}").json() == {**before, "warnings": [warning]}
    assert api.post(f"/api/jobs/{job}/people").status_code == 202
    work_on(store, job, {})
    assert api.get(f"/api/jobs/{job}").json() == {**before, "warnings": [warning]}
    assert api.get(f"/api/jobs/{job}/result").content == result
    tracks = api.get(f"/api/jobs/{job}/plan").json()["tracks"]
    assert {one["person"] for one in tracks} == {1, 2}


def raising(error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.slow
def test_an_upload_with_wrong_photos_is_refused(
    api: TestClient, pair: Path, photo: Path, crossing: Path, tmp_path: Path
) -> None:
    assert sent(api, "keep", crossing, pair).status_code == 422
    assert sent(api, "keep", photo, pair, people="perhaps").status_code == 422
    parts = [(name, (photo.name, photo.read_bytes())) for name in ("files", "keep", "hide")]
    assert api.post("/api/jobs", files=parts).status_code == 422
    many = [("keep", (photo.name, photo.read_bytes()))] * 17
    assert api.post("/api/jobs", files=[*parts[:1], *many]).status_code == 413
    assert not list((tmp_path / "jobs" / "jobs").iterdir())
    options = {"options": json.dumps({"keep": ["/etc/passwd"]})}
    answer = api.post("/api/jobs", files=parts[:1], data=options)
    assert answer.status_code == 422, "no path on the server's disk"
