"""A worker that has done hundreds of jobs needs no more memory than one that has done a few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from faceveil.frames import Image
from servers import running, wait_for, zipped

pytestmark = pytest.mark.long

JOBS, EACH = 500, 50
MOST = {200: 1.1, JOBS: 1.15}
"""Memory after so many jobs, beside that after a few."""
SETTLED = 2
"""Batches after which everything that is loaded once has been."""


@pytest.mark.usefixtures("detector")
def test_memory_is_flat_over_many_jobs(
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
        for _ in range(JOBS // EACH):
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
        for jobs, most in MOST.items():
            assert sizes[jobs // EACH - 1] < most * sizes[SETTLED - 1]
