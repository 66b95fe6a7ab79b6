"""The work on one of many files, in whatever process."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faceveil.batch.apart import patience
from faceveil.batch.archive_job import Piece
from faceveil.batch.find import InputFile
from faceveil.batch.storage import Stamp, deliver, fetch, is_url
from faceveil.dataset import Marked
from faceveil.errors import FaceVeilError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.archives.archive import archive_kind
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system import beats

PHOTOS = ("keep", "hide")
"""The settings with photos of people."""
REMOTE = 6 * 3600.0
"""Seconds that a transfer from or to a store may take, because it reports no progress."""


@dataclass(frozen=True, slots=True)
class Task:
    """The job for an executor: a file, or a member of an archive."""

    job: InputFile
    folder: str
    called: str = ""
    stamp: Stamp | None = None
    piece: Piece | None = None
    bundle: int = 0
    marked: Marked | None = None


def is_archive(job: InputFile) -> bool:
    try:
        return not is_url(job.root) and archive_kind(job.path) is not None
    except FaceVeilError:
        return False


def do_task(task: Task, *, options: Options, here: Path) -> Report:
    """Process one file, in a process that may have another working folder."""
    photos = {name: tuple(here / one for one in getattr(options, name)) for name in PHOTOS}
    options = options.model_copy(update=photos)
    if task.piece is not None:
        piece = task.piece
        return _veil(here / piece.path, here / piece.folder, options, task.marked, piece.called)
    if not (is_url(task.job.root) or is_url(task.folder)):
        return _veil(here / task.job.path, here / task.folder, options, task.marked, task.called)
    beats.patient(options.time_limit or REMOTE)
    with tempfile.TemporaryDirectory(prefix="faceveil-") as scratch:
        path = Path(scratch, PurePosixPath(task.job.name).name)
        if is_url(task.job.root):
            fetch(f"{task.job.root}/{task.job.name}", path)
            if archive_kind(path) is not None:
                raise UnsupportedError(
                    say("an archive at a URL is not opened"), say("copy it here first")
                )
        else:
            path = here / task.job.path
        if not is_url(task.folder):
            return _veil(path, here / task.folder, options, task.marked, task.called)
        out = Path(scratch, "out")
        out.mkdir()
        report = _veil(path, out, options, task.marked, task.called)
        beats.patient(options.time_limit or REMOTE)
        deliver(out / report.output, f"{task.folder}/{report.output}")
        return report


def _veil(path: Path, folder: Path, options: Options, marked: Marked | None, called: str) -> Report:
    from faceveil.pipeline import marked_plan, veil_file

    beats.patient(patience(path, options))
    plan = None if marked is None else marked_plan(path, marked, options)
    return veil_file(path, folder, options, plan=plan, name=called, progress=beats.moved)
