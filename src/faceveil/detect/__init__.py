"""Find faces. A detector is a function from pictures to faces and knows nothing else of the
program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceveil.detect.choice import AUTO, BUILT_IN, ENTRY_POINTS, first_there, resolve, which
from faceveil.system.late import late

if TYPE_CHECKING:
    from faceveil.detect.load import (
        at_once,
        level,
        load_detector,
        load_judged,
        load_opinion,
        load_second,
        threshold,
    )
    from faceveil.detect.opinion import UNSURE
    from faceveil.detect.protocols import Consulting, Detector, SinglePass

__all__ = [
    "AUTO",
    "BUILT_IN",
    "ENTRY_POINTS",
    "UNSURE",
    "Consulting",
    "Detector",
    "SinglePass",
    "at_once",
    "first_there",
    "level",
    "load_detector",
    "load_judged",
    "load_opinion",
    "load_second",
    "resolve",
    "threshold",
    "which",
]

# To name a detector takes neither numpy nor OpenCV, which these modules load.
__getattr__ = late(
    __name__,
    {
        **dict.fromkeys(__all__, "load"),
        "UNSURE": "opinion",
        **dict.fromkeys(("Consulting", "Detector", "SinglePass"), "protocols"),
    },
)
