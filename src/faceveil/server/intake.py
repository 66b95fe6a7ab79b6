"""Make jobs from uploaded files. Faulty files are refused before any work begins."""

from __future__ import annotations

import base64
import hashlib
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import IO, Any

from faceveil.errors import (
    FaceVeilError,
    InputError,
    LimitError,
    OutputError,
    UnreadableError,
    UnsupportedError,
)
from faceveil.i18n import say
from faceveil.media import ARCHIVES, DOCUMENTS, IMAGES, VIDEOS, kind_of
from faceveil.media.advice import COMPLETE
from faceveil.media.archives.archive import open_archive
from faceveil.media.documents.recognize import (
    COMPOUND,
    compound_refusal,
    flat_refusal,
    is_flat,
    unknown_refusal,
)
from faceveil.options import Options
from faceveil.server.client_names import display_name
from faceveil.server.job_index import JobIndex
from faceveil.server.language import asked_for
from faceveil.server.problems import ProblemError, problem_of
from faceveil.server.references import Photos, put
from faceveil.server.schemas import Refused
from faceveil.server.settings import Service
from faceveil.server.spool import keep
from faceveil.server.store import ORIGINAL, Record, Store, new_id

RETRY_SECONDS = 30

_Staged = tuple[Path, str]
"""The folder of a future job, and its displayed name."""


@dataclass(frozen=True)
class Upload:
    """A file that is being uploaded.

    Attributes:
        name: as the client sent it.
        file: its bytes, not under any name.
    """

    name: str
    file: IO[bytes]


class Intake:
    """Accepts uploads.

    Args:
        options: for the limits of archives.
        hub: knows how many jobs wait.
    """

    def __init__(self, store: Store, service: Service, options: Options, hub: JobIndex) -> None:
        self._store = store
        self._service = service
        self._options = options
        self._hub = hub
        self._one_at_a_time = Lock()

    def require_room(self, jobs: int = 1) -> None:
        """Raise ProblemError with 429 if so many more jobs would be too many."""
        if self._hub.count() + jobs > self._service.max_queue:
            raise ProblemError(
                429,
                "queue-full",
                say("too many jobs are waiting"),
                say("Try again in a while."),
                headers={"Retry-After": str(RETRY_SECONDS)},
            )

    def accept(
        self,
        uploads: Iterable[Upload],
        options: dict[str, Any],
        *,
        review: bool = False,
        direct: bool = False,
        key: str | None = None,
        webhook: str = "",
        photos: Photos = (),
        people: bool = False,
    ) -> tuple[str, list[Record], list[Refused]]:
        """Make jobs of files, and of all files in archives.

        Args:
            key: of the client; what was accepted with it before is not made again.
            webhook: address to tell when each ends, or "".
            photos: of the person to keep or to hide.
            people: number the people.

        Returns:
            The id of the batch, its jobs, and the refused files.

        Raises:
            ProblemError, OutputError, OSError: the queue is full, or the disk; nothing was accepted
                and nothing is left.
        """
        batch = new_id() if key is None else _batch_of(key)
        staged, refused = list[_Staged](), list[Refused]()
        now = time.time()
        try:
            for upload in uploads:
                name = display_name(upload.name)
                try:
                    self._stage(upload.file, name, staged, refused, packed=not direct)
                except OutputError:  # a fault of the disk, not of this file
                    raise
                except FaceVeilError as error:
                    refused.append(Refused(name=name, problem=problem_of(error)))
            put(photos, [folder for folder, _ in staged])
            made = partial(
                Record,
                batch=batch,
                options=options,
                review=review,
                direct=direct,
                original_until=now + self._service.keep_original_minutes * 60,
                original_latest=now + self._service.keep_reviewed_minutes * 60,
                keep_seconds=self._service.keep_result_hours * 3600,
                longest=self._service.max_minutes * 60,
                webhook=webhook,
                people=people,
                language=asked_for(),
            )
            records = self._publish(staged, made, now, None if key is None else batch)
        finally:
            _delete(staged)  # folders that became jobs were moved away
        return batch, records, refused

    def _publish(
        self,
        staged: list[_Staged],
        made: Callable[..., Record],
        now: float,
        batch: str | None,
    ) -> list[Record]:
        """Make jobs of all staged folders, or of none if there are too many.

        Args:
            batch: if there are jobs of this one, it is they.
        """
        if len(staged) > self._service.max_files:
            raise ProblemError(
                413,
                "limit",
                say("the upload holds more than {most} files", most=self._service.max_files),
                say("Send fewer at a time."),
            )
        records: list[Record] = []
        with self._one_at_a_time:
            there = [one for one in self._store.records() if one.batch == batch] if batch else []
            if there:
                return sorted(there, key=lambda record: record.created)
            self.require_room(len(staged))
            try:
                for number, (folder, name) in enumerate(staged):
                    record = made(id=new_id(), name=name, created=now + number * 1e-6)
                    self._store.publish(folder, record)
                    records.append(record)
                    self._hub.expect(record.id)
            except BaseException:
                for record in records:
                    self._store.discard(record.id)
                    self._hub.forget(record.id)
                raise
        return records

    def _stage(
        self,
        file: IO[bytes],
        name: str,
        staged: list[_Staged],
        refused: list[Refused],
        *,
        packed: bool,
    ) -> None:
        """Stage a folder for each job that the file gives.

        Args:
            packed: accept archives.
        """
        kind = _kind(file)
        if kind in ARCHIVES and not packed:
            raise UnsupportedError(
                say("archives are not handled here"), say("Send them to POST /api/jobs.")
            )
        folder = self._store.stage()
        staged.append((folder, name))
        keep(file, folder / ORIGINAL)
        if kind not in ARCHIVES:
            return
        inside, unfit = list[_Staged](), list[Refused]()
        try:
            self._expand(folder / ORIGINAL, folder, inside, unfit)
        except BaseException:
            _delete(inside)
            raise
        finally:
            # The archive itself is no longer needed.
            staged.remove((folder, name))
            _delete([(folder, name)])
        staged += inside
        refused += unfit

    def _expand(
        self, path: Path, scratch: Path, staged: list[_Staged], refused: list[Refused]
    ) -> None:
        with open_archive(path, self._options, scratch) as archive:
            members = [one for one in archive.members if not _is_clutter(one.name)]
            if len(members) > self._service.max_files:
                raise LimitError(
                    say("the archive holds more than {most} files", most=self._service.max_files),
                    say("Pack fewer into one."),
                )
            self.require_room(len(members))
            for one in archive.left_out:
                name = display_name(one.name)
                refused.append(Refused(name=name, problem=problem_of(one.error)))
            for member in members:
                folder = self._store.stage()
                name = display_name(str(member.name))
                staged.append((folder, name))
                try:
                    archive.extract(member, folder / ORIGINAL)
                    with (folder / ORIGINAL).open("rb") as file:
                        _kind(file)
                except InputError as error:
                    refused.append(Refused(name=name, problem=problem_of(error)))
                    _delete([staged.pop()])


def _batch_of(key: str) -> str:
    """The id of the batch for a client's key."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:16]).decode()[:22]


def _delete(staged: Iterable[_Staged]) -> None:
    for folder, _ in staged:
        shutil.rmtree(folder, ignore_errors=True)


def _is_clutter(name: PurePosixPath) -> bool:
    """Whether file managers left this in an archive: hidden files, macOS's metadata copies."""
    return any(part.startswith(".") for part in name.parts) or name.parts[0] == "__MACOSX"


def _kind(file: IO[bytes]) -> str:
    """The kind of a file, from its first bytes.

    Raises:
        UnreadableError: it is empty, or of no kind known here.
        UnsupportedError: it is of a kind that is not handled.
    """
    head, kind = kind_of(file)
    if not head:
        raise UnreadableError(say("the file is empty"), COMPLETE)
    if kind is None:
        if head.startswith(COMPOUND):
            raise compound_refusal(file)
        if is_flat(head):
            raise flat_refusal()
        raise unknown_refusal(head)
    if kind not in IMAGES | VIDEOS | DOCUMENTS | ARCHIVES:
        raise UnsupportedError(
            say("such files ({kind}) are not handled", kind=kind),
            say("Send photos, videos, documents, or a zip of them."),
        )
    return kind
