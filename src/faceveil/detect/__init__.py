"""Find faces. A detector is a function from pictures to faces and knows nothing else of the
program.
"""

from faceveil.detect.load import (
    AUTO,
    BUILT_IN,
    ENTRY_POINTS,
    at_once,
    load_detector,
    load_opinion,
    load_second,
    resolve,
    threshold,
    which,
)
from faceveil.detect.opinion import SURE
from faceveil.detect.protocols import Detector, SinglePass

__all__ = [
    "AUTO",
    "BUILT_IN",
    "ENTRY_POINTS",
    "SURE",
    "Detector",
    "SinglePass",
    "at_once",
    "load_detector",
    "load_opinion",
    "load_second",
    "resolve",
    "threshold",
    "which",
]
