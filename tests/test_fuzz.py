"""Damaged and hostile input ends in words, never in a crash, a hang or a traceback.

More of the same: FACEVEIL_FUZZ=5000 python -m pytest tests/test_fuzz.py
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from faceveil.errors import FaceVeilError
from faceveil.geometry import Box
from faceveil.media import open_source, sniff
from faceveil.media.memory import MemorySink, MemorySource
from faceveil.options import Options
from faceveil.pipeline import render
from faceveil.plan import Face, Media, Plan, Track
from tiers import daily
from videos import VP9, X264, compose

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("fuzz.py")
ROUNDS = int(os.environ.get("FACEVEIL_FUZZ", "0"))

STILLS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "gif": ("GIF", {"save_all": True}),
    "webp": ("WEBP", {"save_all": True}),
    "lossless-webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "bmp": ("BMP", {}),
    "avif": ("AVIF", {}),
    "jp2": ("JPEG2000", {}),
    "apng": ("PNG", {"save_all": True}),
}
CLIPS = {
    "mp4": ("libx264", X264),
    "mkv": ("libx264", X264),
    "webm": ("libvpx-vp9", VP9),
    "avi": ("mpeg4", {}),
    "mpg": ("mpeg2video", {}),
    "mov": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
}


def still(kind: str, path: Path) -> Path:
    """A small picture with metadata, or a small animation."""
    format, settings = STILLS[kind]
    rows, columns = np.mgrid[0:40, 0:48].astype(np.uint8)
    made = [
        Pillow.fromarray(np.dstack([rows * 5, columns * 5, rows + columns + n])) for n in range(3)
    ]
    more: dict[str, Any] = {"append_images": made[1:]} if settings.get("save_all") else {}
    if format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        exif = made[0].getexif()
        exif[0x0112], exif[0x010E] = 6, "somebody"
        more["exif"] = exif.tobytes()
    made[0].save(path, format, **settings, **more)
    return path


def clip(kind: str, path: Path) -> Path:
    codec, settings = CLIPS[kind]
    muxer = {"mkv": "matroska", "mpg": "mpeg"}.get(kind, kind)
    return compose(path, codec=codec, settings=settings, muxer=muxer, times=range(12))


def fuzz(target: str, rounds: int, seeds: list[Path], folder: Path, seed: int = 1) -> None:
    """Read damaged variants of files in another process, which may crash."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), target, str(seed), str(ROUNDS or rounds), *map(str, seeds)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600 + ROUNDS,
    )
    assert done.returncode == 0, f"{done.stderr[-3000:]}\nthe file is kept in {folder}"
    assert "done" in done.stdout
    assert not list(folder.glob("fuzz-*"))


@pytest.mark.parametrize("kind", daily(STILLS, every=4))
def test_damaged_pictures(kind: str, tmp_path: Path) -> None:
    if kind == "avif":
        pytest.importorskip("PIL._avif", reason="this Pillow has no AVIF")
    fuzz("media", 150, [still(kind, tmp_path / "seed")], tmp_path)


@pytest.mark.parametrize("kind", daily(CLIPS, every=3))
def test_damaged_videos(kind: str, tmp_path: Path) -> None:
    fuzz("media", 40, [clip(kind, tmp_path / "seed")], tmp_path)


def test_damaged_odd_pictures(data: Path, tmp_path: Path) -> None:
    odd = [path for path in sorted((data / "formats").iterdir()) if path.is_file()]
    small = [path for path in odd if path.stat().st_size < 300_000]
    assert len(small) > 20
    fuzz("media", 4 * len(small), small, tmp_path)


def test_damaged_plans(tmp_path: Path) -> None:
    box = Box(1.0, 2.0, 30.0, 40.0)
    track = Track(3, {0: box, 1: box}, {0: Face(box, 0.9, ((1.0, 1.0),) * 5)})
    plan = Plan(Media("video", "mp4", 64, 48, 2), (track,), pts=(0, 40), cuts=(1,))
    (tmp_path / "seed").write_text(plan.to_json())
    fuzz("plan", 2000, [tmp_path / "seed"], tmp_path)


@pytest.mark.parametrize("kind", daily(["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"], "zip", "tar"))
def test_damaged_archives(kind: str, tmp_path: Path) -> None:
    seed = tmp_path / f"seed.{kind}"
    picture = still("png", tmp_path / "a.png").read_bytes()
    members = {"a.png": picture, "deep/er/b.png": picture[:200], "Größe.txt": b"text" * 50}
    if kind == "zip":
        with zipfile.ZipFile(seed, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in members.items():
                packed.writestr(name, content)
    else:
        mode: Any = "w" + kind.removeprefix("tar").replace(".", ":")
        with tarfile.open(seed, mode) as tape:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tape.addfile(entry, io.BytesIO(content))
    fuzz("archive", 400, [seed], tmp_path)


def test_the_fuzzer_notices(tmp_path: Path) -> None:
    """A crash, a hang and an exception of another kind all fail the test, and keep the file."""
    (tmp_path / "seed").write_bytes(b"x")
    for fault, words in (
        ("raise KeyError('odd')", "KeyError"),
        ("import ctypes; ctypes.string_at(0)", "Segmentation fault"),
        (
            "fuzz.faulthandler.dump_traceback_later(0.2, exit=True); import time; time.sleep(9)",
            "Timeout",
        ),
    ):
        code = f"import fuzz, sys\ndef bad(data):\n {fault}\n"
        code += "fuzz.TARGETS['media'] = bad; fuzz.faulthandler.enable(); fuzz.main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "media", "1", "1", str(tmp_path / "seed")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(SCRIPT.parent), *sys.path])},
        )
        assert done.returncode != 0
        assert words in done.stderr
        (kept,) = tmp_path.glob("fuzz-*")
        kept.unlink()


@given(st.binary(max_size=64))
def test_any_bytes_are_told_apart(data: bytes) -> None:
    kind = sniff(data)
    assert kind is None or kind.isalnum()
    try:
        open_source(data, Options()).close()
    except FaceVeilError:
        pass
    else:
        assert kind is not None


# All that a plan may say: what goes beyond is refused, see `test_garbage.py`.
numbers = st.floats(-5e5, 5e5, allow_nan=False)
boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    numbers, numbers, st.floats(1.0, 5e5), st.floats(1.0, 5e5),
)  # fmt: skip
tracks = st.builds(
    Track,
    st.integers(-100_000_000, 100_000_000),
    st.dictionaries(st.integers(0, 2), boxes, max_size=3),
    origin=st.sampled_from(["detected", "checked", "manual", "zone"]),
    keep=st.booleans(),
)


@given(st.lists(tracks, max_size=6), st.sampled_from(["box", "ellipse"]), st.booleans())
def test_any_plan_can_be_painted(drawn: list[Track], shape: str, show: bool) -> None:
    pictures = [np.full((48, 64, 3), 90 + n, np.uint8) for n in range(3)]
    options = Options(shape=shape, show_boxes=show, feather=0.2)  # type: ignore[arg-type]
    with MemorySource(pictures) as source, MemorySink() as sink:
        plan = Plan(source.media, tuple(drawn), pts=(0, 1, 2))
        painted = render(source, Plan.from_json(plan.to_json()), options, sink)
    wanted = {
        index for track in plan.hidden for index, box in track.boxes.items() if box.clipped(64, 48)
    }
    assert wanted <= painted.keys()
