"""Jobs as folders: the record of each is a file in its folder, so that it survives a crash.

    FOLDER/jobs/ID/     job.json progress.json original plan.json draft.json result.* report.json
                        lock cancel webhook.json
    FOLDER/staging/     jobs that are being accepted; renamed into jobs/ once complete
    FOLDER/trash/       jobs on their way out
    FOLDER/changes      ids of jobs that changed, a line each, for the server to follow

Every file is written under a temporary name and renamed. A process that changes a job's record
holds its lock.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceveil.errors import OutputError, UsageError
from faceveil.i18n import ENGLISH, reason_of, say
from faceveil.plan import Kind
from faceveil.server.language import STORED, Wording
from faceveil.server.locks import locked
from faceveil.server.problems import Problem
from faceveil.system.files import write_whole

JobState = Literal[
    "queued", "analyzing", "review", "rendering", "checking", "done", "failed", "withheld"
]
WAITING: frozenset[JobState] = frozenset({"queued"})
WORKING: frozenset[JobState] = frozenset({"analyzing", "rendering", "checking"})
UNFINISHED = WAITING | WORKING
ENDED: frozenset[JobState] = frozenset({"done", "failed", "withheld"})

ORIGINAL, PLAN, REPORT, PAGE = "original", "plan.json", "report.json", "report.html"
DRAFT = "draft.json"
WEBHOOK = "webhook.json"
_RECORD, _PROGRESS, _LOCK, _CANCEL = "job.json", "progress.json", "lock", "cancel"
ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_CHANGES = "changes"


class Record(BaseModel):
    """The record of a job. Times are seconds since 1970.

    Attributes:
        name: what the client called the file; shown, never a path.
        direct: a client waits for the answer; not listed.
        review, people: stop after the analysis, for a person to review it; number the people.
        attempts: how often a worker began since the last request.
        original_until: when the original must be deleted.
        original_latest: until when that can be put off; None: not at all.
        keep_seconds, longest: how long it stays after it ended; seconds of video it may have.
        longest_fill: longest stretch of a face that is covered without being seen, in seconds.
        edited: a person changed the plan; grouping: its state once the people in it are numbered.
        added: faces that only the check found; doubts: places in the result that may show one.
        places: the pages and parts of a document on which faces are covered, and how many.
        result: file name of the result in the folder, or "".
        webhook: address to tell that it ended, or ""; language: of whoever sent the file.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    batch: str
    name: str
    kind: Kind | None = None
    state: JobState = "queued"
    options: dict[str, Any] = {}
    review: bool = False
    people: bool = False
    grouping: JobState | None = None
    direct: bool = False
    attempts: int = 0
    created: float
    ended: float | None = None
    original_until: float
    original_latest: float | None = None
    keep_seconds: float
    longest: float
    faces: int | None = None
    kept: int | None = None
    filled: int | None = None
    longest_fill: float | None = None
    added: int | None = None
    doubts: int | None = None
    edited: bool = False
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    pages: int | None = None
    pictures: int | None = None
    places: tuple[Wording, ...] = ()
    problem: Problem | None = None
    warnings: tuple[Wording, ...] = ()
    notes: tuple[Wording, ...] = ()
    dropped: tuple[Wording, ...] = ()
    result: str = ""
    webhook: str = ""
    language: str = ENGLISH

    def but(self, **changes: Any) -> Record:
        """A copy with some fields changed."""
        return self.model_copy(update=changes)


class JobProgress(BaseModel):
    """The progress of a job.

    Attributes:
        total, fps, seconds_left: None where unknown.
    """

    model_config = ConfigDict(frozen=True)

    stage: str
    done: int
    total: int | None = None
    fps: float | None = None
    seconds_left: float | None = None


class Store:
    """The folder of all jobs.

    Raises:
        UsageError: the folder belongs to somebody else, or holds other things.
        OutputError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.jobs, self.staging, self.recordings, self.trash = (
            self.folder / name for name in ("jobs", "staging", "recordings", "trash")
        )
        try:
            self._claim()
        except OSError as error:
            raise OutputError(
                say("the folder for jobs cannot be used: {reason}", reason=reason_of(error)),
                say("name another one with --folder"),
            ) from error

    def _claim(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        changes = self.folder / _CHANGES
        if self.folder.stat().st_uid != os.geteuid():
            raise UsageError(say("the folder for jobs belongs to somebody else"))
        if not changes.exists() and any(self.folder.iterdir()):
            raise UsageError(
                say("the folder for jobs holds other files"),
                say("name a new or empty one with --folder"),
            )
        self.folder.chmod(0o700)
        self.mend()

    def mend(self) -> None:
        """Make the parts of the folder that are missing."""
        self.changes.touch(0o600)
        for folder in (self.jobs, self.staging, self.recordings, self.trash):
            folder.mkdir(mode=0o700, exist_ok=True)

    def path(self, job: str, name: str = "") -> Path:
        """A job's folder, or a file in it.

        Raises:
            LookupError: no such id can be.
        """
        if not ID.fullmatch(job):
            raise LookupError(job)
        return self.jobs / job / name

    def ids(self) -> list[str]:
        """The ids of all jobs, in no order. Other things in the folder are ignored."""
        return [path.name for path in self.jobs.iterdir() if ID.fullmatch(path.name)]

    def load(self, job: str) -> Record:
        """Read the record of a job.

        Raises:
            LookupError: there is no such job.
        """
        try:
            return Record.model_validate_json(self.path(job, _RECORD).read_bytes())
        except (OSError, ValidationError) as error:
            raise LookupError(job) from error

    def is_broken(self, job: str) -> bool:
        """Whether the job exists, but its record cannot be read."""
        try:
            Record.model_validate_json(self.path(job, _RECORD).read_bytes())
        except ValidationError:
            return True
        except FileNotFoundError:
            return self.path(job).is_dir()
        except OSError:  # a disk that is unreachable for the moment
            return False
        return False

    def records(self) -> Iterator[Record]:
        """All jobs that can be read, in no order."""
        for job in self.ids():
            with suppress(LookupError):
                yield self.load(job)

    def save(self, record: Record) -> Record:
        """Save a changed record and return it. Call with the job's lock held.

        Raises:
            LookupError: the job is gone.
        """
        self.write(record.id, _RECORD, record.model_dump_json(context=STORED))
        return record

    def write(self, job: str, name: str, text: str) -> None:
        """Put a file into a job's folder in one step.

        Raises:
            LookupError: the job is gone.
        """
        try:
            write_whole(self.path(job, name), text)
        except FileNotFoundError as error:
            raise LookupError(job) from error
        self.note(job)

    def note(self, job: str) -> None:
        """Add a job to `changes` for those who follow them.

        If that fails, they see the change when they look at all jobs.
        """
        with suppress(OSError), self.changes.open("ab", buffering=0) as file:
            file.write(f"{job}\n".encode())

    @property
    def changes(self) -> Path:
        return self.folder / _CHANGES

    def progress(self, job: str) -> JobProgress | None:
        """The progress of a job while it is worked on."""
        try:
            return JobProgress.model_validate_json(self.path(job, _PROGRESS).read_bytes())
        except (OSError, ValidationError):
            return None

    def save_progress(self, job: str, progress: JobProgress) -> None:
        """Raises LookupError if the job is gone."""
        self.write(job, _PROGRESS, progress.model_dump_json())

    def has(self, job: str, name: str) -> bool:
        """Whether a file is there."""
        return bool(name) and self.path(job, name).exists()

    def drop(self, job: str, *names: str) -> None:
        """Delete files of a job, those that are there."""
        for name in names:
            self.path(job, name).unlink(missing_ok=True)
        self.note(job)

    def drop_original(self, job: str) -> None:
        """Delete the original and everything made for correcting it, including half-written files.

        Raises:
            OSError: something could not be deleted; all else was.
        """
        folder = self.path(job)
        keep = {_RECORD, _LOCK, REPORT, PAGE, WEBHOOK}
        failed = None
        with suppress(FileNotFoundError):
            # The original first: it is what matters most.
            for path in sorted(folder.iterdir(), key=lambda path: path.name != ORIGINAL):
                if path.name in keep or path.name.startswith("result."):
                    continue
                try:
                    if path.is_dir() and not path.is_symlink():
                        shutil.rmtree(path)
                    else:
                        path.unlink(missing_ok=True)
                except OSError as error:
                    failed = error
        self.note(job)
        if failed is not None:
            raise failed

    def tidy(self, job: str) -> None:
        """Delete half-written files of a run, and outputs that did not pass the check."""
        for part in self.path(job).glob(".*"):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)
        self.drop(job, _PROGRESS)

    def lock(self, job: str, wait: float = 0.0) -> AbstractContextManager[None]:
        """The right to change a job. Raises `HeldError`, or FileNotFoundError if it is gone."""
        return locked(self.path(job, _LOCK), wait)

    def ask_to_stop(self, job: str) -> None:
        """Ask the worker to stop its job."""
        with suppress(FileNotFoundError):
            self.path(job, _CANCEL).touch()

    def stop_asked(self, job: str) -> bool:
        """Whether the job was asked to stop, or is gone."""
        return self.has(job, _CANCEL) or not self.path(job).exists()

    def forget_stop(self, job: str) -> None:
        self.path(job, _CANCEL).unlink(missing_ok=True)

    def stage(self) -> Path:
        """A new folder for a job that is being accepted. Pass it to `publish`, or delete it."""
        folder = self.staging / new_id()
        folder.mkdir(mode=0o700)
        return folder

    def publish(self, staged: Path, record: Record) -> None:
        """Make a staged folder a job, in one step."""
        write_whole(staged / _RECORD, record.model_dump_json(context=STORED))
        staged.rename(self.path(record.id))
        self.note(record.id)

    def discard(self, job: str) -> None:
        """Delete all of a job. A worker that has it finds nothing and stops."""
        out = self.trash / f"{job}.{secrets.token_hex(4)}"
        try:
            self.path(job).rename(out)
        except FileNotFoundError:
            if self.path(job).exists():  # the folder for deleted jobs is missing
                delete(self.path(job))
        except OSError:  # even a folder's name may need room on a full disk
            delete(self.path(job))
        self.note(job)
        empty(self.trash)


def empty(folder: Path) -> None:
    """Delete everything in a folder, even while others add to it.

    Raises:
        OSError: something could not be deleted; all else was.
    """
    failed = None
    for path in folder.iterdir():
        try:
            delete(path)
        except OSError as error:
            failed = error
    if failed is not None:
        raise failed


def delete(path: Path) -> None:
    """Delete a folder or file, even while others add to it."""
    for last in (False, False, False, False, True):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            pass
        except OSError:
            if last:
                raise
        if not os.path.lexists(path):
            return
        time.sleep(0.01)


def new_id() -> str:
    """A name that nobody can guess."""
    return secrets.token_urlsafe(16)
