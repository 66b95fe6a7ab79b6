"""Weights of the detectors: the table of files, where they are, and how to download them.

Every file is identified by its sha256, so any source will do, and an altered file is never used.
``fetch`` is the only function of FaceVeil that opens a socket.
"""

from faceveil.weights.download import FetchEvent, fetch
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
