"""Find the files of weights on this machine, and verify them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faceveil.errors import WeightsError
from faceveil.i18n import say
from faceveil.system.folders import cache_folder
from faceveil.weights import table
from faceveil.weights.table import WeightsFile, entry_of

ENVIRONMENT = "FACEVEIL_WEIGHTS"
"""Name of the variable with a folder to search."""

_PACKAGE_FOLDER = Path(__file__).parent.parent / "_weights"


@dataclass(frozen=True, slots=True)
class Located:
    """The place and the state of an entry's file.

    Attributes:
        path: the first place that has it, or None.
        state: "wrong" when its sha256 is not the one in the table, or it cannot be read.
    """

    entry: WeightsFile
    path: Path | None
    state: Literal["ok", "wrong", "missing"]


def own_folder() -> Path | None:
    """The user's own folder of weights, or None for a user without a home."""
    return cache_folder("weights")


def folders(folder: Path | None = None) -> Iterator[Path]:
    """The folders to search: ``folder``, FACEVEIL_WEIGHTS, the package's, the user's cache."""
    if folder is not None:
        yield folder
    if named := os.environ.get(ENVIRONMENT):
        yield Path(named).expanduser()
    yield _PACKAGE_FOLDER
    if cache := own_folder():
        yield cache


def find(name: str, folder: Path | None = None) -> Path:
    """The path of a file of weights, its sha256 verified.

    An altered file is an error even if a later folder has a good one, because somebody should
    notice.

    Args:
        folder: searched before all other places.

    Raises:
        UsageError: no weights have this name.
        WeightsError: the file is nowhere, or the first one found has another sha256.
    """
    located = verify(name, folder)
    entry = located.entry
    if located.path is None:
        raise WeightsError(
            say(
                "the weights of {name} ({file}) are not on this machine", name=name, file=entry.file
            ),
            say("Get them with: faceveil weights fetch {name}", name=name),
        )
    if located.state == "wrong":
        raise WeightsError(
            say(
                "{path} is not the file it should be, whose sha256 is {sha256}",
                path=located.path,
                sha256=entry.sha256,
            ),
            say("Delete it, then run: faceveil weights fetch {name}", name=name)
            if located.path.parent == folder
            else say("Replace it with: faceveil weights fetch {name}", name=name),
        )
    return located.path


def available(name: str, folder: Path | None = None) -> bool:
    """Whether a file of this name is in any of the folders. ``find`` compares its sha256.

    Raises:
        UsageError: no weights have this name.
    """
    return first(entry_of(name), folder) is not None


def verify(name: str, folder: Path | None = None) -> Located:
    """Look for a file of weights and compare its sha256 with the table's.

    Raises:
        UsageError: no weights have this name.
    """
    entry = entry_of(name)
    return judged(entry, first(entry, folder))


def listing(folder: Path | None = None) -> list[Located]:
    """Every entry of the table and where it is."""
    return [verify(name, folder) for name in table.TABLE]


_digests: dict[tuple[str, int, int], str] = {}


def digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal; computed once as long as the file stays the same.

    Raises:
        OSError: it cannot be read.
    """
    info = path.stat()
    key = (os.fspath(path.absolute()), info.st_mtime_ns, info.st_size)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


def first(entry: WeightsFile, folder: Path | None) -> Path | None:
    places = (inside(entry, place) for place in folders(folder))
    return next(filter(None, places), None)


def inside(entry: WeightsFile, folder: Path) -> Path | None:
    path = folder / entry.file
    try:
        return path if path.is_file() else None
    except OSError:  # a folder this user may not look into
        return None


def judged(entry: WeightsFile, path: Path | None) -> Located:
    if path is None:
        return Located(entry, None, "missing")
    try:
        good = digest(path) == entry.sha256
    except OSError:
        good = False
    return Located(entry, path, "ok" if good else "wrong")
