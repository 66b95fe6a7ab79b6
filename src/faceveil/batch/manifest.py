"""The manifest: a line for each finished file, so that a second run can skip it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from faceveil.batch.find import InputFile
from faceveil.batch.storage import Place, Stamp, deliver, fetch, is_url, place_of, sha256_of
from faceveil.errors import OutputError, UsageError
from faceveil.evidence import digest, settings_of
from faceveil.i18n import reason_of, say
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system.closing import Closing
from faceveil.system.files import open_own
from faceveil.system.text import as_json

_EVERY = 30.0
"""Seconds between two deliveries of a manifest at a URL."""
_BEGIN = b'{"input": "'


class ManifestEntry(NamedTuple):
    """The line of one file.

    Attributes:
        stamp, sha256: of the input.
        options: hash of the options it was done with.
        output: its path below the output folder, or below the input's own.
        output_stamp, output_sha256: of the output.
        failed: how many members of an archive were left out because they could not be done.
    """

    stamp: Stamp
    sha256: str
    options: str
    output: str
    output_stamp: Stamp
    output_sha256: str
    status: str
    faces: int
    failed: int = 0


def options_hash(options: Options, plans: str = "") -> str:
    """The hash of all settings that an output depends on.

    Args:
        plans: hash of the source of the boxes, if it is not a detector.
    """
    from importlib.metadata import version

    said: dict[str, Any] = {
        "version": version("faceveil"),
        "plans": plans,
        "settings": settings_of(options),
    }
    if options.keep or options.hide:
        photos = {"keep": options.keep, "hide": options.hide}
        said["photos"] = {name: [_contents(path) for path in some] for name, some in photos.items()}
    return digest(said)


def _contents(path: Path) -> str:
    """The hash of a photo; "" if it cannot be read, which is said where it is used."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


class Manifest(Closing):
    """One JSON object per line and one line per file; the last line of a file counts.

    Every line is handed to the system before the next file begins, so a crash loses at most the
    files in progress. Only its owner can read it, because it holds names of files.

    Args:
        path: the file, or its URL; a new one unless ``resume`` is set. At a URL it is updated every
            half a minute, so a crash loses the lines since then.
        options: those of this run.
        resume: continue from the lines of the file.
        plans: see `options_hash`.

    Raises:
        UsageError: the file holds something else.
        OutputError: it cannot be written.
    """

    def __init__(
        self, path: Path | str, options: Options, *, resume: bool = False, plans: str = ""
    ) -> None:
        self._options = options_hash(options, plans)
        self._url, self._delivered = "", time.monotonic()
        if is_url(str(path)):
            self._url = place_of(str(path)).root
            # The folder holds nothing else, and is removed with this object.
            self._scratch = tempfile.TemporaryDirectory(prefix="faceveil-")
            path = Path(self._scratch.name, "manifest.jsonl")
            folder, _, name = self._url.rpartition("/")
            if place_of(folder).stamp(name):
                fetch(self._url, path)
        self._path = path = Path(path)
        whole, self._entries = _read(path)
        self.resume = resume
        if not resume:
            whole, self._entries = 0, {}
        try:
            self._file = os.fdopen(open_own(path, keep=True), "w", encoding="utf-8")
            if path.is_file():
                self._file.truncate(whole)  # without a line that was torn off
                self._file.seek(whole)
        except OSError as error:
            raise OutputError(
                say("cannot write {path}: {reason}", path=path, reason=reason_of(error))
            ) from error

    def finished(self, job: InputFile, out: str | None) -> ManifestEntry | None:
        """The entry of a file that need not be done again, or None.

        It has to be done again if the file or the options changed, if it failed, or if its output
        is missing or was changed.
        """
        entry = self._entries.get(job.name)
        if entry is None or entry.options != self._options or entry.status == "failed":
            return None
        source, target = place_of(job.root), place_of(out or job.root)
        if not _same(source, job.name, entry.stamp, entry.sha256):
            return None
        if not _same(target, entry.output, entry.output_stamp, entry.output_sha256):
            return None
        return entry

    def record(
        self,
        job: InputFile,
        stamp: Stamp | None,
        out: str | None,
        outcome: Report | Exception,
        failed: int = 0,
    ) -> None:
        """Write the line of a file.

        Args:
            stamp: of the input, taken before it was worked on.
            out: the output folder, if there is one.
            failed: how many members of an archive could not be done.
        """
        report = outcome if isinstance(outcome, Report) else Report(status="failed")
        output = str(job.folder / report.output) if report.output else ""
        # It was written by another process, perhaps on another machine.
        written = place_of(out or job.root).stamp(output, fresh=True) if output else None
        line = {
            "input": job.name,
            "size": stamp.size if stamp else 0,
            "changed": stamp.changed if stamp else "",
            "sha256": report.sha256_in,
            "options": self._options,
            "output": output,
            "output_size": written.size if written else 0,
            "output_changed": written.changed if written else "",
            "output_sha256": report.sha256_out,
            "status": report.status,
            "faces": report.tracks,
            "failed": failed,
            "seconds": round(report.seconds, 3),
        }
        self._file.write(as_json(line) + "\n")
        self._file.flush()
        if self._url and time.monotonic() - self._delivered > _EVERY:
            deliver(self._path, self._url)
            self._delivered = time.monotonic()

    def close(self) -> None:
        """Close the file, and upload it if it is at a URL."""
        self._file.close()
        if self._url:
            try:
                deliver(self._path, self._url)
            finally:
                self._scratch.cleanup()


def outputs_in(path: Path) -> dict[str, Stamp]:
    """The outputs of earlier runs, by name below their output folder; {} for other files."""
    try:
        return {entry.output: entry.output_stamp for entry in _read(path)[1].values()}
    except UsageError:
        return {}


def is_manifest(path: Path) -> bool:
    """Whether a file is one of ours, or empty."""
    try:
        _read(path)
    except UsageError:
        return False
    return path.is_file()


def _same(place: Place, name: str, stamp: Stamp, sha256: str) -> bool:
    """Whether the file is the same: by size and time, without reading it; otherwise by its hash."""
    now = place.stamp(name)
    if now is None or now.size != stamp.size:
        return False
    return (now == stamp and bool(now.changed)) or sha256_of(place, name) == sha256


def _read(path: Path) -> tuple[int, dict[str, ManifestEntry]]:
    """Bytes of whole lines, and the last entry of each file."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return 0, {}
    except OSError as error:
        raise UsageError(
            say("{name} cannot be read: {reason}", name=path, reason=reason_of(error))
        ) from error
    entries: dict[str, ManifestEntry] = {}
    whole = 0
    for line in lines:
        if not line.endswith(b"\n") and line.startswith(_BEGIN[: len(line)]):
            return whole, entries  # torn off in the middle of writing
        try:
            name, entry = _entry(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            break
        entries[name] = entry
        whole += len(line)
    else:
        return whole, entries
    raise UsageError(say("{path} is no manifest of FaceVeil and is left as it is", path=path))


def _entry(line: Mapping[str, Any]) -> tuple[str, ManifestEntry]:
    return str(line["input"]), ManifestEntry(
        Stamp(int(line["size"]), str(line["changed"])),
        str(line["sha256"]),
        str(line["options"]),
        str(line["output"]),
        Stamp(int(line["output_size"]), str(line["output_changed"])),
        str(line["output_sha256"]),
        str(line["status"]),
        int(line["faces"]),
        int(line.get("failed", 0)),
    )
