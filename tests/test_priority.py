"""No library takes the machine for itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faceveil import Options, veil_file
from faceveil.media.videos.encoders import available
from films import film, scenery

THREADS = Path("/proc/self/task")


@pytest.mark.slow
@pytest.mark.skipif(not THREADS.is_dir(), reason="priorities of threads are told on Linux only")
@pytest.mark.parametrize("encoder", ["libsvtav1", "libx264", "libx265", "libvpx-vp9"])
def test_encoders_leave_priorities_alone(tmp_path: Path, encoder: str) -> None:
    """SVT-AV1 makes threads of real time where it is started by root, as in a container."""
    if encoder not in available():
        pytest.skip(f"there is no {encoder} here")
    before = os.sched_getscheduler(0)
    clip = film(tmp_path / "a.mp4", [scenery(number, (128, 96)) for number in range(12)])
    veil_file(clip, tmp_path / "b.mkv", Options(encoder=encoder, check="off"))
    assert {os.sched_getscheduler(int(one.name)) for one in THREADS.iterdir()} == {before}
