"""A private folder for outputs that did not pass the check.

Such an output may show a face. So only its owner can read the folder, no viewer, backup rule or
later run takes its name for a finished file, and it is deleted after a while. It stays on the
volume that it was meant for, because moving it would leave a copy where nobody expects one.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faceveil.errors import WithheldError
from faceveil.i18n import say
from faceveil.report import Report
from faceveil.system.files import write_whole

FOLDER = ".faceveil-withheld"
"""Name of the folder, beside the target; hidden, so that a run over the parent skips it."""
KEEP_DAYS = 7
"""Outputs older than this are removed when the next one is withheld in the same folder."""
_REPORT = ".report.json"
_BY_HANDLE = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd
"""Whether files can be named in a folder that is open, whatever its name leads to by now."""


def withhold(finished: Path, target: Path, report: Report) -> WithheldError:
    """Put a finished file aside, with its report beside it.

    Args:
        finished: its temporary name; on the same volume as ``target``.

    Returns:
        The error to raise, which says where it lies. If it cannot be put aside, it stays where it
        is, and its sink removes it.
    """
    count = sum(finding.certain for finding in report.findings)
    folder = target.parent / FOLDER
    place: Path | None = folder / target.name
    advice = say("it could not be put aside, so it is gone; a lower --confidence finds more faces")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with _opened(folder) as (inside, at):
            if _BY_HANDLE:
                os.fchmod(at, 0o700)  # type: ignore[arg-type]
            _expire(inside, at)
            write_whole(inside / (target.name + _REPORT), report.to_json() + "\n", folder=at)
            os.replace(finished, inside / target.name, dst_dir_fd=at)
        advice = say(
            "it lies in {folder} with its report, may show a face, and is for you alone",
            folder=folder,
        )
    except OSError:
        place = None
        release(target)
    return WithheldError(
        say("the check found one thing, so the output was withheld")
        if count == 1
        else say("the check found {count} things, so the output was withheld", count=count),
        advice,
        report=report,
        place=place,
    )


def release(target: Path) -> None:
    """Remove what was withheld for this target before: a good one has taken its place."""
    folder = target.parent / FOLDER
    with suppress(OSError):
        with _opened(folder) as (inside, at):
            for name in (target.name, target.name + _REPORT):
                with suppress(FileNotFoundError):
                    os.unlink(inside / name, dir_fd=at)
        folder.rmdir()  # unless others are in it


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Path, int | None]]:
    """The folder as a path, and the handle of the open folder that the path starts from.

    Where others may write, one of them may replace the folder by a link at any time, so that files
    elsewhere are deleted, or outputs are written where others can read them.

    Raises:
        OSError: it is a link, or somebody else's.
    """
    if not _BY_HANDLE:
        if folder.is_symlink():
            raise PermissionError
        yield folder, None
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            raise PermissionError
        yield Path(), handle
    finally:
        os.close(handle)


def _expire(inside: Path, at: int | None) -> None:
    """Remove old files that were withheld here: those with a report, and the reports."""
    oldest = time.time() - KEEP_DAYS * 24 * 3600
    names = set(os.listdir(inside if at is None else at))  # noqa: PTH208
    reports = {name for name in names if name.endswith(_REPORT)}
    for name in reports | (names & {name.removesuffix(_REPORT) for name in reports}):
        with suppress(OSError):
            found = os.stat(inside / name, dir_fd=at, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and found.st_mtime < oldest:
                os.unlink(inside / name, dir_fd=at)
