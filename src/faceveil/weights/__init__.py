"""Weights of the detectors: the table of files, where they are, and how to download them.

Every file is identified by its sha256, so any source will do, and an altered file is never used.
``fetch`` is the only function of FaceVeil that opens a socket without being given an address.
"""

from typing import TYPE_CHECKING

from faceveil.system.late import late
from faceveil.weights.search import (
    ENVIRONMENT,
    Located,
    available,
    digest,
    find,
    folders,
    listing,
    own_folder,
    verify,
)
from faceveil.weights.table import TABLE, WeightsFile

if TYPE_CHECKING:
    from faceveil.weights.download import FetchEvent, fetch

__all__ = [
    "ENVIRONMENT",
    "TABLE",
    "FetchEvent",
    "Located",
    "WeightsFile",
    "available",
    "digest",
    "fetch",
    "find",
    "folders",
    "listing",
    "own_folder",
    "verify",
]

__getattr__ = late(__name__, dict.fromkeys(("FetchEvent", "fetch"), "download"))
