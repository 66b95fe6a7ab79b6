"""Pictures and files in memory, the keywords of the library, and runs that are cancelled."""

from __future__ import annotations

import io
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

import faceveil
import offices
import papers
from faceveil import Box, Face, Options, Plan, in_memory
from faceveil.frames import Image
from faceveil.media.colour import Space
from faceveil.media.media_types import type_of
from films import film
from test_pipeline import FACE, MISSED, Script, Scripted, script  # noqa: F401  (a fixture)

SIZE = (160, 120)
INSIDE = np.s_[45:85, 35:65]


def noise(*shape: int) -> Image:
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("result", "meant"),
    [
        ("a.JFIF", "image/jpeg"),
        ("a.m4v", "video/mp4"),
        ("a.odg", "application/vnd.oasis.opendocument.graphics"),
        ("a.dotx", "application/vnd.openxmlformats-officedocument.wordprocessingml.template"),
        ("a.heic", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_media_types(result: str, meant: str) -> None:
    assert type_of(result) == meant


@pytest.fixture
def one_face(script: Script) -> None:  # noqa: F811
    script(Scripted([Face(FACE, 0.9)]))


def differs(a: Any, b: Any) -> bool:
    return bool((np.asarray(a)[INSIDE] != np.asarray(b)[INSIDE]).mean() > 0.3)


@pytest.mark.usefixtures("one_face")
class TestPictures:
    @pytest.mark.parametrize("more", [(), (1,), (3,), (4,)])
    @pytest.mark.parametrize("order", ["BGR", "RGB"])
    def test_an_array_comes_back_as_it_was_handed_over(
        self, more: tuple[int, ...], order: Any
    ) -> None:
        image = noise(*SIZE, *more)
        if more == (4,):
            image[..., 3] = 255
        before = image.copy()
        veiled = faceveil.veil_image(image, order=order)
        assert (veiled.shape, veiled.dtype) == (image.shape, image.dtype)
        assert np.array_equal(image, before)
        assert differs(veiled, image)
        assert np.array_equal(veiled[:10], image[:10])

    def test_the_order_is_that_of_the_colours(self) -> None:
        """The same picture in both orders is painted in the same colours."""
        image = noise(*SIZE, 3)
        turned = np.ascontiguousarray(image[..., ::-1])
        veiled = faceveil.veil_image(image)
        assert np.array_equal(faceveil.veil_image(turned, order="RGB")[..., ::-1], veiled)
        assert not np.array_equal(faceveil.veil_image(turned)[..., ::-1], veiled)

    @pytest.mark.parametrize(
        ("mode", "result"),
        [("L", "L"), ("1", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA"),
         ("CMYK", "RGB"), ("YCbCr", "RGB")],
    )  # fmt: skip
    def test_a_picture_of_pillow_comes_back_as_one(self, mode: str, result: str) -> None:
        picture = PIL.Image.fromarray(noise(*SIZE, 3)).convert(mode)
        veiled = faceveil.veil_image(picture)
        assert (veiled.mode, veiled.size, dict(veiled.info)) == (result, picture.size, {})
        assert differs(veiled, picture.convert(result))

    def test_a_palette_that_can_be_seen_through_keeps_its_opacity(self) -> None:
        picture = PIL.Image.fromarray(noise(*SIZE, 3)).convert("P")
        picture.info["transparency"] = 0
        assert faceveil.veil_image(picture).mode == "RGBA"

    def test_a_picture_that_its_metadata_turns_is_looked_at_upright(self) -> None:
        upright = PIL.Image.fromarray(noise(*SIZE, 3))
        exif = PIL.Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "Maker"
        data = io.BytesIO()
        upright.transpose(PIL.Image.Transpose.ROTATE_90).save(data, "PNG", exif=exif)
        with PIL.Image.open(data) as lying:
            veiled = faceveil.veil_image(lying)
        assert (veiled.size, dict(veiled.info)) == (upright.size, {})
        assert differs(veiled, upright)
        assert np.array_equal(np.asarray(veiled)[:10], np.asarray(upright)[:10])

    def test_the_colours_of_a_profile_become_those_of_srgb(self) -> None:
        picture = PIL.Image.new("RGB", SIZE[::-1], (200, 30, 30))
        lab = ImageCms.createProfile("sRGB")
        picture.info["icc_profile"] = ImageCms.ImageCmsProfile(lab).tobytes()
        veiled = faceveil.veil_image(picture)
        assert "icc_profile" not in veiled.info
        assert np.abs(np.asarray(veiled, int)[0, 0] - (200, 30, 30)).max() <= 1
        picture.info["icc_profile"] = b"broken"
        assert faceveil.veil_image(picture).getpixel((0, 0)) == (200, 30, 30)

    @pytest.mark.parametrize(("mode", "seen_through"), [("L", False), ("LA", True), ("P", False)])
    def test_so_do_greys_and_those_of_a_palette(self, mode: str, seen_through: bool) -> None:
        """Linear light: a grey of 50 looks like one of 123."""
        picture = PIL.Image.new("L", SIZE[::-1], 50).convert(mode)
        primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
        linear = Space(primaries, np.linspace(0, 1, 256), formula=(1.0,))
        picture.info["icc_profile"] = linear.icc(grey=mode != "P")
        values = np.asarray(faceveil.veil_image(picture)).reshape(SIZE[0], SIZE[1], -1)[0, 0]
        assert abs(int(values[0]) - 123) <= 2
        assert not seen_through or values[-1] == 255

    def test_inks_are_seen_as_their_profile_means_them(self) -> None:
        profile = Path("/usr/share/color/icc/ghostscript/default_cmyk.icc")
        if not profile.exists():
            pytest.skip("no profile of inks here")
        picture = PIL.Image.new("CMYK", SIZE[::-1], (255, 0, 0, 0))
        plain = np.asarray(faceveil.veil_image(picture), int)[0, 0]
        picture.info["icc_profile"] = profile.read_bytes()
        meant = np.asarray(faceveil.veil_image(picture), int)[0, 0]
        assert plain.tolist() == [0, 255, 255]
        assert np.abs(plain - meant).max() > 40  # no ink is as pure as that

    @pytest.mark.parametrize(
        "wrong",
        [noise(*SIZE, 2), noise(*SIZE, 3).astype(np.uint16), np.zeros((0, 4, 3), np.uint8),
         PIL.Image.new("F", (9, 9)), PIL.Image.new("I;16", (9, 9)), "photo.jpg", b"photo"],
        ids=lambda wrong: getattr(wrong, "mode", None) or type(wrong).__name__,
    )  # fmt: skip
    def test_anything_else_is_refused(self, wrong: Any) -> None:
        with pytest.raises(faceveil.UnsupportedError):
            faceveil.veil_image(wrong)

    def test_a_report_on_demand(self) -> None:
        image = noise(*SIZE, 3)
        veiled, report = faceveil.veil_image(image, report=True)
        assert np.array_equal(veiled, faceveil.veil_image(image))
        assert (report.status, report.faces, report.tracks) == ("ok", 1, 1)
        assert (report.input, report.output, report.sha256_in) == ("", "", "")
        assert report.check is not None
        assert (report.check.mode, report.check.frames) == ("sample", 1)
        (cover,) = report.regions[0]
        assert cover.intersection(FACE) == FACE.area
        assert report.to_json()
        _, unchecked = faceveil.veil_image(image, report=True, check="off")
        assert unchecked.check is not None
        assert unchecked.check.mode == "off"

    def test_faces_are_found_in_any_of_them(self) -> None:
        image = noise(*SIZE, 3)
        faces = faceveil.find_faces(image)
        assert isinstance(faces, faceveil.Faces)
        assert (faces.boxes.shape, faces.scores.tolist()) == ((1, 4), [0.9])
        assert faces[0].box == FACE
        assert faceveil.find_faces(PIL.Image.fromarray(image)) == faces
        assert faceveil.find_faces(image[..., 0], order="RGB", cover_zones=("0,0,9,9",)) == faces
        assert len(faceveil.find_faces(image, confidence=0.95)) == 0


class TestTheCheckOfAPicture:
    def test_a_face_that_it_finds_is_covered_too(self, script: Script) -> None:  # noqa: F811
        script(Scripted([Face(FACE, 0.9)], again=[MISSED]))
        _, report = faceveil.veil_image(noise(*SIZE, 3), report=True)
        assert (report.status, report.tracks) == ("ok", 2)
        assert report.check is not None
        assert (report.check.repairs, report.check.added) == (1, 1)

    def test_or_the_picture_is_withheld(self, script: Script) -> None:  # noqa: F811
        script(Scripted([Face(FACE, 0.9)], again=[MISSED]))
        with pytest.raises(faceveil.WithheldError) as caught:
            faceveil.veil_image(noise(*SIZE, 3), on_fail="withhold")
        assert caught.value.report is not None
        assert (caught.value.report.status, caught.value.place) == ("failed", None)
        _, report = faceveil.veil_image(noise(*SIZE, 3), on_fail="warn", report=True)
        assert report.status == "partial"


def png(image: Image) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The folders of temporary files, empty before the test and after it."""
    places = [tmp_path / "memory", tmp_path / "temporary"]
    for place in places:
        place.mkdir()
    monkeypatch.setattr(in_memory, "_IN_MEMORY", places[0])
    monkeypatch.setattr(tempfile, "tempdir", str(places[1]))
    yield places
    assert not [path for place in places for path in place.iterdir()]


@pytest.mark.usefixtures("one_face")
class TestBytes:
    @pytest.mark.usefixtures("nowhere")
    def test_a_photo(self, tmp_path: Path) -> None:
        image = noise(*SIZE, 3)
        veiled = faceveil.veil_bytes(png(image))
        assert (veiled.media_type, veiled.report.status, veiled.report.tracks) == (
            "image/png",
            "ok",
            1,
        )
        assert (veiled.report.input, veiled.report.output) == ("", "")
        (tmp_path / "photo.png").write_bytes(png(image))
        faceveil.veil_file(tmp_path / "photo.png", tmp_path / "safe.png")
        assert veiled.data == (tmp_path / "safe.png").read_bytes()

    def test_it_lies_in_memory_for_its_owner_alone(self, nowhere: list[Path]) -> None:
        seen: list[tuple[int, int]] = []

        def look(*_: object) -> None:
            for number, place in enumerate(nowhere):
                seen.extend((number, path.stat().st_mode & 0o777) for path in place.iterdir())

        faceveil.veil_bytes(png(noise(*SIZE, 3)), progress=look)
        assert set(seen) == {(0, 0o700)}

    @pytest.mark.usefixtures("nowhere")
    def test_a_video_and_a_document(self, tmp_path: Path) -> None:
        film(tmp_path / "clip.mp4", [noise(*SIZE, 3)] * 3)
        papers.paper("docx", [noise(*SIZE, 3)], tmp_path / "letter.docx")
        types = []
        for name in ("clip.mp4", "letter.docx"):
            data = (tmp_path / name).read_bytes()
            veiled = faceveil.veil_bytes(data, check="off")
            types.append(veiled.media_type)
            assert veiled.report.tracks == 1
            assert veiled.data[:4] == data[:4]
        assert types == [
            "video/mp4",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ]

    @pytest.mark.parametrize(
        ("data", "error"),
        [(b"", faceveil.UnreadableError), (b"words", faceveil.UnreadableError),
         (b"PK\5\6" + bytes(18), faceveil.UnsupportedError)],
    )  # fmt: skip
    @pytest.mark.usefixtures("nowhere")
    def test_what_cannot_be_read(self, data: bytes, error: type[Exception]) -> None:
        with pytest.raises(error):
            faceveil.veil_bytes(data)

    def test_nothing_is_kept_of_what_is_withheld(
        self,
        nowhere: list[Path],
        script: Script,  # noqa: F811
    ) -> None:
        script(Scripted([Face(FACE, 0.9)], again=[MISSED]))
        with pytest.raises(faceveil.WithheldError) as caught:
            faceveil.veil_bytes(png(noise(*SIZE, 3)), on_fail="withhold")
        assert caught.value.place is None
        assert caught.value.report is not None
        assert str(nowhere[0]) not in f"{caught.value} {caught.value.advice}"


class TestSettings:
    @pytest.mark.usefixtures("one_face")
    def test_they_are_keywords_of_every_function(self, tmp_path: Path) -> None:
        photo = tmp_path / "photo.png"
        photo.write_bytes(png(noise(*SIZE, 3)))
        weak = Options(method="pixelate", cells=5)
        plan = faceveil.analyze_file(photo, min_face=20)
        for report in (
            faceveil.veil_file(photo, None, weak, preset="strict"),
            faceveil.render_file(photo, plan, preset="strict"),
            faceveil.veil_bytes(photo.read_bytes(), preset="strict").report,
            faceveil.veil_image(noise(*SIZE, 3), weak, preset="strict", report=True)[1],
        ):
            assert (report.method, report.options["cells"]) == ("solid", 3)

    def test_others_stay_as_they_are(self) -> None:
        first = Options(method="pixelate", cells=5, quality=80)
        assert first.but() is first
        assert first.but(quality=70) == Options(method="pixelate", cells=5, quality=70)
        assert first.but(preset="strict") == Options(preset="strict", quality=80)
        assert first.but(preset="light", cells=4) == Options(preset="light", cells=4, quality=80)

    @pytest.mark.parametrize(
        ("settings", "words"),
        [({"cells": 65}, "cells: Input should be less than or equal to 64"),
         ({"cells": 20}, "20 cells leave a face recognizable"),
         ({"unheard_of": 1}, "unheard_of: "), ({"method": "none"}, "method: ")],
    )  # fmt: skip
    def test_wrong_ones_are_errors_of_usage(self, settings: dict[str, Any], words: str) -> None:
        for call in (
            lambda: Options(**settings),
            lambda: Options().but(**settings),
            lambda: faceveil.veil_image(noise(9, 9, 3), **settings),
            lambda: faceveil.veil_bytes(b"", **settings),
            lambda: faceveil.find_faces(noise(9, 9, 3), **settings),
            lambda: faceveil.veil_file("no.jpg", **settings),
        ):
            with pytest.raises(faceveil.UsageError, match=words):
                call()


class TestADetectorOfOnesOwn:
    @pytest.fixture
    def module(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """A module where Python finds it."""
        (tmp_path / "corner_module.py").write_text(
            textwrap.dedent("""
                from faceveil import Box, Face

                class Corners:
                    name, weights_sha256 = "corners", ""
                    thresholds = {"high": 0.5, "balanced": 0.5, "precise": 0.5}
                    min_size, max_size, default_min_face = 40.0, 1000.0, 40.0
                    input_side = None

                    def detect(self, images, floor):
                        return [[Face(Box(0, 0, 50, 50), 1.0)] for image in images]

                    def close(self):
                        pass

                def factory(options):
                    return Corners()
            """),
            encoding="utf-8",
        )
        monkeypatch.syspath_prepend(tmp_path)
        yield "corner_module:factory"
        sys.modules.pop("corner_module", None)

    def test_is_named_by_its_module(self, module: str) -> None:
        own: dict[str, Any] = {"detector": module, "second_detector": "none", "check": "off"}
        veiled, report = faceveil.veil_image(noise(*SIZE, 3), report=True, **own)
        assert report.detector.split()[0] == "corners"
        assert any(box.intersection(Box(0, 0, 50, 50)) == 2500 for box in report.regions[0])
        assert len(faceveil.find_faces(veiled, **own)) > 0

    @pytest.mark.parametrize("name", ["nowhere_at_all:factory", "corner_module:other", ":"])
    def test_one_that_is_not_there(self, name: str, module: str) -> None:
        with pytest.raises(faceveil.NoDetectorError):
            faceveil.find_faces(noise(9, 9, 3), detector=name)

    def test_clients_of_a_service_cannot_name_a_module(self, module: str) -> None:
        """Python would import it, and call what they name."""
        actions = pytest.importorskip("faceveil.server.actions", reason="no extra server")
        from faceveil.server.problems import ProblemError

        for name in ("detector", "second_detector"):
            with pytest.raises(ProblemError, match="only those who run the service"):
                actions.options_of({name: "os:system"}, {})
        assert actions.options_of({}, {"detector": module})["detector"] == module


def _stop_at(stage: str) -> Callable[[str, int, int | None], None]:
    def progress(now: str, done: int, total: int | None) -> None:
        if now == stage:
            raise faceveil.Cancelled

    return progress


@pytest.mark.usefixtures("one_face", "nowhere")
@pytest.mark.parametrize("stage", ["analyze", "render", "check"])
@pytest.mark.parametrize("name", ["photo.png", "clip.mp4", "letter.docx", "film.pptx"])
def test_a_cancelled_run_leaves_nothing(stage: str, name: str, tmp_path: Path) -> None:
    picture, path = noise(*SIZE, 3), tmp_path / "in" / name
    path.parent.mkdir()
    if name.endswith(".png"):
        path.write_bytes(png(picture))
    elif name.endswith(".mp4"):
        film(path, [picture] * 4)
    elif name.endswith(".docx"):
        papers.paper("docx", [picture], path)
    else:
        data = film(tmp_path / "inner.mp4", [picture] * 4).read_bytes()
        path.write_bytes(offices.document("pptx", {"ppt/media/media1.mp4": data}))
    for run in (
        lambda: faceveil.veil_file(path, progress=_stop_at(stage)),
        lambda: faceveil.veil_bytes(path.read_bytes(), progress=_stop_at(stage)),
    ):
        with pytest.raises(faceveil.Cancelled, match="cancelled") as caught:
            run()
        assert isinstance(caught.value, faceveil.FaceVeilError)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("one_face")
def test_a_cancelled_analysis_makes_no_plan(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(png(noise(*SIZE, 3)))
    with pytest.raises(faceveil.Cancelled):
        faceveil.analyze_file(tmp_path / "photo.png", progress=_stop_at("analyze"))
    assert isinstance(faceveil.analyze_file(tmp_path / "photo.png"), Plan)
