"""Flags that cannot do anything with what was given are named, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commands import faceveil as run
from faceveil.cli.idle import idle_flags
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


@pytest.mark.slow
def test_it_is_told_of_a_photo_which_is_done_all_the_same(photo: Path, detector: str) -> None:
    done = run("veil", photo, "--encoder", "libx265", "--check", "off")
    assert done.returncode == 0
    assert "without effect, as no input is a video: --encoder" in done.stderr
    done = run("veil", photo, "-o", photo.with_name("o.jpg"), "--check", "off")
    assert "without effect" not in done.stderr
