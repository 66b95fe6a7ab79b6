"""A worker that has done hundreds of jobs needs no more memory than one that has done a few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from faceveil.frames import Image
from servers import running, wait_for, zipped

pytestmark = pytest.mark.slow

EACH = 50
SETTLED = 2
"""Batches after which everything that is loaded once has been."""


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(
    ("jobs", "most"), [(200, 1.1), pytest.param(500, 1.15, marks=pytest.mark.long)]
)
def test_memory_is_flat_over_many_jobs(
    jobs: int,
    most: float,
    tmp_path: Path,
    astronaut: Image,
    record_property: Callable[[str, object], None],
) -> None:
    small = cv2.resize(astronaut, (192, 192), interpolation=cv2.INTER_AREA)
    picture = cv2.imencode(".jpg", small)[1].tobytes()
    batch = zipped({f"{number}.jpg": picture for number in range(EACH)})
    worker_mb, server_mb = [], []
    with running(tmp_path / "jobs") as server:
        (worker,) = wait_for(server.workers)
        for _ in range(jobs // EACH):
            accepted = server.upload({"batch.zip": batch})
            assert len(accepted["jobs"]) == EACH
            assert {job["state"] for job in server.wait_all()} == {"done"}
            worker_mb.append(worker.memory_info().rss / 2**20)
            server.api.delete(f"/api/batches/{accepted['batch']}")
            (parent,) = worker.parents()[:1]
            server_mb.append(parent.memory_info().rss / 2**20)
        assert server.workers() == [worker]
    for name, sizes in (("worker", worker_mb), ("server", server_mb)):
        print(f"{name}: {' '.join(f'{size:.0f}' for size in sizes)} MB after each {EACH} jobs")
        record_property(f"{name}_mb", [round(size) for size in sizes])
        assert sizes[-1] < most * sizes[SETTLED - 1]
