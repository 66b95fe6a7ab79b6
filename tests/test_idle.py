"""Flags that cannot do anything with what was given are named, and change nothing."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from commands import faceveil as run
from faceveil.batch import find_inputs
from faceveil.cli.idle import idle_beside, idle_flags, idle_for_inputs, idle_in_live
from faceveil.options import Options
from faceveil.plan import Kind, Media

FLAGS: dict[str, Any] = {
    "encoder": "libx265",
    "bridge_seconds": 2.0,
    "quality": 50,
    "jpeg": "encode",
    "min_face": 20.0,
}


def media(kind: Kind, *films: str) -> Media:
    return Media(kind, "", 8, 8, films=films)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([media("image")], ["--encoder", "--bridge-seconds"]),
        ([media("image"), media("animation")], ["--encoder"]),
        ([media("video")], ["--quality", "--jpeg"]),
        ([media("image"), media("video")], []),
        ([media("document", "a.mp4")], []),
        ([media("document")], ["--encoder", "--bridge-seconds"]),
        ([media("image"), None], []),
        ([], []),
    ],
)
def test_what_nothing_has_a_use_for_is_named(given: list[Media | None], named: list[str]) -> None:
    notes = " ".join(idle_flags(Options(**FLAGS), given))
    assert [
        flag for flag in ("--encoder", "--bridge-seconds", "--quality", "--jpeg") if flag in notes
    ] == named
    assert not list(idle_flags(Options(), given))


def test_what_only_documents_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEVEIL_PASSWORD", raising=False)
    options = Options(password="x", invalidate_signatures=True)
    told = "without effect, as no input is a document: --password; --invalidate-signatures"
    assert [*idle_flags(options, [media("image")])] == [told]
    assert [*idle_flags(options, [media("image"), media("document")])] == []
    monkeypatch.setenv("FACEVEIL_PASSWORD", "x")  # meant for whatever comes
    assert [*idle_flags(options, [media("image")])] == [told.replace("--password; ", "")]


CHOICE: dict[str, Any] = {"include": ("*.jpg",), "links": True, "names_in": "gbk"}


def test_what_chooses_among_files_is_named_if_there_is_no_choice(tmp_path: Path) -> None:
    file, packed = tmp_path / "a" / "x.jpg", tmp_path / "x.zip"
    file.parent.mkdir()
    file.write_bytes(b"\xff\xd8\xff")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(file, "x.jpg")
    options, told = Options(**CHOICE), "without effect, as no input is a folder or an archive: "
    for inputs, named in (
        ([file], [f"{told}--include; --links; --names-in"]),
        ([file, packed], []),
        ([file.parent], []),
    ):
        found = find_inputs(inputs, options)
        assert [*idle_for_inputs(options, found, many=True)] == named
        assert not list(idle_for_inputs(Options(), found))


def test_what_is_for_many_files_or_for_one_is_named() -> None:
    options = Options(jobs=2, time_limit=9, parts=4)
    assert [*idle_for_inputs(options)] == [
        "without effect, as there is only one file: --time-limit; --jobs"
    ]
    (note,) = idle_for_inputs(options, many=True)
    assert note.endswith(": --parts")


@pytest.mark.parametrize(
    ("settings", "searched", "named"),
    [
        ({"method": "solid", "cells": 4}, True, ["--cells"]),
        ({"method": "pixelate", "cells": 4}, True, []),
        ({"preset": "light", "method": "solid"}, True, []),
        ({"preset": "strict"}, True, []),
        ({"gaussian_passes": 2}, True, ["--gaussian-passes"]),
        ({"method": "gaussian", "gaussian_passes": 2}, True, []),
        ({"check": "off", "on_fail": "warn", "min_face": 9.0}, True, ["--on-fail"]),
        ({"check": "off", "min_face": 9.0, "device": "auto"}, False, ["--min-face", "--device"]),
        ({"min_face": 9.0, "on_fail": "warn"}, False, []),
    ],
)
def test_what_does_nothing_beside_the_others_is_named(
    settings: dict[str, Any], searched: bool, named: list[str]
) -> None:
    told = [word for note in idle_beside(Options(**settings), searched=searched)
            for word in note.replace(";", "").split(": ")[1].split()]  # fmt: skip
    assert told == named


@pytest.mark.parametrize(
    ("source", "sinks", "named"),
    [
        ("camera", [], ["--loop"]),
        ("/dev/video3", [], ["--loop"]),
        ("rtsp://host/x", ["page"], ["--camera-fps", "--loop"]),
        ("x.mp4", ["page"], ["--camera-fps", "--reconnect"]),
        ("x.mp4", ["udp://host:1"], ["--camera-fps"]),
    ],
)
def test_what_a_source_has_no_use_for_is_named(
    source: str, sinks: list[str], named: list[str]
) -> None:
    options = Options(loop=True, camera_fps=9, reconnect=1, names_in="gbk", max_pages=1)
    first, second = idle_in_live(options, source, sinks)
    assert first == "without effect in live: --max-pages; --names-in"
    assert second == f"without effect with this source: {'; '.join(named)}"
    assert not list(idle_in_live(Options(), source, sinks))


@pytest.mark.slow
def test_every_verb_tells(photo: Path, detector: str) -> None:
    plan = photo.with_name("plan.json")
    wide = ("--exclude", "*.png", "--time-limit", "99")
    for verb, *more in (
        ("detect", "--plan", plan, *wide, "--password", "x", "--weak-share", "0.4"),
        ("check", *wide, "--json"),
        ("render", plan, "-o", photo.with_name("o.jpg"), "--time-limit", "99", "--audio", "drop"),
    ):
        done = run(verb, photo, *more)
        assert done.returncode in (0, 5), done.stderr
        told = done.stderr.count("without effect")
        assert told == {"detect": 4, "check": 2, "render": 2}[verb], done.stderr


@pytest.mark.slow
def test_it_is_told_of_a_photo_which_is_done_all_the_same(photo: Path, detector: str) -> None:
    done = run("veil", photo, "--encoder", "libx265", "--check", "off")
    assert done.returncode == 0
    assert "without effect, as no input is a video: --encoder" in done.stderr
    done = run("veil", photo, "-o", photo.with_name("o.jpg"), "--check", "off")
    assert "without effect" not in done.stderr
