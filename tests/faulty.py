"""A detector that does to its process what a library may do, with the pictures that ask for it.

What a picture does is said by its grey, since a detector sees no names. It is installed as a
plug-in is, so that the real command line loads it in whatever process it works in.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceveil.frames import Image
from faceveil.options import Options, Sensitivity
from faceveil.plan import Face

# None is so dark, or so pale, that its levels would be changed for the detector.
ABORT, KILL, CRASH, HANG, SLEEP, GOOD = 110, 130, 90, 150, 190, 170
NAME = "faulty"


class Faulty:
    """Finds nothing in a good picture."""

    name = NAME
    weights_sha256 = ""
    thresholds: dict[Sensitivity, float] = {"high": 0.5, "balanced": 0.5, "precise": 0.5}  # noqa: RUF012
    min_size, max_size = 10.0, 1000.0
    default_min_face = 10.0
    input_side = None

    def detect(self, images: Sequence[Image], floor: float) -> list[list[Face]]:
        for image in images:
            for what in (ABORT, KILL, CRASH, HANG, SLEEP):
                if np.mean(np.abs(image.astype(int) - what) < 4) > 0.05:  # the rest is padding
                    act(what)
        return [[] for _ in images]

    def close(self) -> None:
        pass


def act(what: int) -> int:
    """Do it, and return it if that is possible."""
    if what == ABORT:
        os.abort()
    if what == KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    if what == CRASH:
        ctypes.string_at(0)
    if what == HANG:
        ctypes.PyDLL(None).sleep(600)  # in C, with the interpreter locked
    if what == SLEEP:
        time.sleep(600)
    return what


def from_options(options: Options) -> Any:
    return Faulty()


def install(site: Path) -> dict[str, str]:
    """Lay the plug-in out as an installer does; what to add to the environment."""
    about = site / "faulty-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[faceveil.detectors]\n{NAME} = faulty:from_options\n")
    places = (str(site), str(Path(__file__).parent), os.environ.get("PYTHONPATH", ""))
    return {"PYTHONPATH": os.pathsep.join(filter(None, places))}
