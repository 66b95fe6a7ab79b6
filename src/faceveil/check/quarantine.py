"""Where an output goes that did not pass the check.

It may show a face, so it lies where only its owner can look, under a name that no viewer, backup
rule or further run takes for a finished file, and not for ever. It stays on the volume it was
meant for: moving it elsewhere would put a copy where nobody expects one.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from faceveil.errors import WithheldError
from faceveil.report import Report

FOLDER = ".faceveil-withheld"
"""Name of the folder, beside the target; hidden, so that a run over the parent passes it over."""
KEEP_DAYS = 7
"""What is older is removed when the next output is withheld there."""


def withhold(finished: Path, target: Path, report: Report) -> WithheldError:
    """Put a finished file aside, with its report beside it.

    Args:
        finished: its temporary name; on the same volume as ``target``.

    Returns:
        The error to raise, which says where it lies. Where it cannot be put aside it stays where
        it is, for its sink to remove.
    """
    count = len(report.findings)
    folder = target.parent / FOLDER
    place: Path | None = folder / target.name
    advice = "it could not be put aside, so it is gone; a lower --confidence finds more faces"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        _expire(folder)
        _write(_report_of(folder, target), report.to_json() + "\n")
        finished.replace(folder / target.name)
        advice = f"it lies in {folder} with its report, may show a face, and is for you alone"
    except OSError:
        place = None
        release(target)
    return WithheldError(
        f"the check found {'one thing' if count == 1 else f'{count} things'}, "
        "so the output was withheld",
        advice,
        report=report,
        place=place,
    )


def release(target: Path) -> None:
    """Remove what was withheld for this target before: a good one has taken its place."""
    folder = target.parent / FOLDER
    with suppress(OSError):
        for path in (folder / target.name, _report_of(folder, target)):
            path.unlink(missing_ok=True)
        folder.rmdir()  # unless others are in it


def _report_of(folder: Path, target: Path) -> Path:
    return folder / f"{target.name}.report.json"


def _expire(folder: Path) -> None:
    oldest = time.time() - KEEP_DAYS * 24 * 3600
    for path in folder.iterdir():
        with suppress(OSError):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
