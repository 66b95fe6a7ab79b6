"""Does memory grow? Obscures mixed inputs, good and broken, for a given time in one process.

    python benchmarks/soak.py FOLDER [--minutes 60]

Prints a line a minute, and at the end how much memory the process holds beside what it held once
every file had been worked on twice, which is when caches are full. Ends with 1 if it grew by more
than a tenth and 50 MB, if the number of threads or of open files did, or if anything but one of our
own errors came up.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

import faceveil
from faceveil.errors import FaceVeilError

LARGEST = 20_000_000
"""Files of more bytes than this are left out, so that there are many rounds."""
SHARE, BYTES = 1.1, 50_000_000


def held() -> tuple[int, int, int]:
    """Bytes of memory, threads and open files of this process."""
    gc.collect()
    process = psutil.Process()
    memory = process.memory_full_info().uss
    return memory, process.num_threads(), process.num_fds() if hasattr(process, "num_fds") else 0


def work(path: Path, folder: Path) -> str:
    """Obscure a file and say what came of it, in a word."""
    try:
        return faceveil.veil_file(path, folder).status
    except FaceVeilError as error:
        return type(error).__name__
    finally:
        for made in folder.rglob("*"):
            if made.is_file():
                made.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args()
    files = [path for path in sorted(asked.folder.rglob("*")) if path.is_file()]
    files = [path for path in files if path.stat().st_size <= LARGEST]
    end = time.monotonic() + asked.minutes * 60
    said, rounds, began = time.monotonic(), 0, (0, 0, 0)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        while time.monotonic() < end or rounds < 3:
            for path in files:
                outcomes[work(path, Path(place))] += 1
                if time.monotonic() - said >= 60:
                    said = time.monotonic()
                    print(f"{sum(outcomes.values())} files, {held()[0] / 1e6:.0f} MB", flush=True)
            rounds += 1
            if rounds == 2:
                began = held()
    now = held()
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    for name, before, after in zip(("memory", "threads", "files"), began, now, strict=True):
        print(f"{name}: {before} after 2 rounds, {after} after {rounds}")
    grew = now[0] > max(began[0] * SHARE, began[0] + BYTES)
    return int(grew or now[1] > began[1] + 2 or now[2] > began[2] + 2)


if __name__ == "__main__":
    sys.exit(main())
