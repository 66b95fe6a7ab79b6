"""Recordings of the page's camera: what came back obscured, in files of the server.

So neither a reload of the page nor a crash of the browser loses them, and they end as results do:
when somebody deletes them, or when their time is over. Nothing else ends them: where there is no
more room, one more is refused, and those in the making end and are kept.

    FOLDER/recordings/ID/    recording.json film.mp4 part.mp4
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from faceveil.errors import FaceVeilError, OutputError
from faceveil.i18n import say
from faceveil.live.footage import FILM, Footage, facts_of, gather
from faceveil.server.problems import ProblemError
from faceveil.server.settings import Service
from faceveil.server.store import ID, Store, delete, new_id
from faceveil.server.sweep import Deadlines
from faceveil.system.files import write_whole

_FACTS = "recording.json"


class Kept(BaseModel):
    """A recording as it is kept. Times are seconds since 1970.

    Attributes:
        ended: when the last part ended.
        broken: nobody ended it: the page was left or reloaded, or the connection broke.
        keep_seconds: how long it stays after it ended.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    begun: float
    ended: float
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    frames: int = 0
    broken: bool = True
    keep_seconds: float


class Recordings:
    """The recordings of a server, those in the making included."""

    def __init__(self, store: Store, service: Service) -> None:
        self._store = store
        self._keep = service.keep_result_hours * 3600
        self._longest = service.max_minutes * 60
        self._most = service.max_recordings
        self.most_bytes = service.max_recordings_bytes
        self._open: dict[str, Footage] = {}
        self._lock = threading.RLock()
        # Two that join the same parts would destroy them.
        self._ends = threading.Lock()
        self._clock = Deadlines()

    def all(self) -> list[tuple[Kept, bool]]:
        """All of them, oldest first, and of each whether it is being made."""
        with self._lock:
            found = [self._as_it_is(one) for one in self._there()]
            found.sort(key=lambda one: one.begun)
            return [(one, one.id in self._open) for one in found]

    def begin(self, recording: str = "") -> tuple[str, Footage]:
        """Begin a recording, or go on with one.

        Returns:
            Its id, and what takes its frames.

        Raises:
            ProblemError: 404, there is none of that id, or it was deleted; 409, it is being made;
                507, there are as many as may be kept, or they take all of their room.
            OutputError, OSError: nothing can be written.
        """
        with self._lock:
            if recording in self._open:
                raise ProblemError(
                    409, "busy", say("this recording is being made"), say("End it there first.")
                )
            now = time.time()
            if recording:
                kept = self.kept(recording)
                self._ask_for_room()
                # Those for which there was no room come first, and are not written over.
                gather(self._store.recordings / kept.id)
            else:
                self._ask_for_room(another=True)
                kept = Kept(id=new_id(), begun=now, ended=now, keep_seconds=self._keep)
                (self._store.recordings / kept.id).mkdir(mode=0o700)
            self._save(kept.model_copy(update={"broken": True, "ended": now}))
            footage = Footage(self._store.recordings / kept.id, self._longest, self._roomy)
            self._open[kept.id] = footage
            return kept.id, footage

    def end(self, recording: str, *, broken: bool = False) -> None:
        """End the part that is being made, and make one film of all parts.

        Args:
            broken: nobody asked for it.

        Raises:
            OutputError, OSError: the disk is full; the parts stay.
        """
        with self._ends:
            with self._lock:
                footage = self._open.get(recording)
            if footage is None:
                return
            try:
                footage.close()
                self._conclude(recording, time.time(), broken=broken)
            finally:
                with self._lock:
                    self._open.pop(recording, None)

    def film(self, recording: str) -> Path:
        """The film of a recording that is not being made.

        Raises:
            LookupError: there is none.
        """
        film = self._folder(recording) / FILM
        with self._lock:
            if recording in self._open or not film.exists():
                raise LookupError(recording)
        return film

    def size(self, recording: str = "") -> int:
        """Bytes of a recording, or of all of them."""
        folders = [self._folder(recording)] if recording else self._there()
        return sum(map(_bytes_in, folders))

    def kept(self, recording: str) -> Kept:
        """The facts about a recording. Raises LookupError."""
        return self._load(self._folder(recording))

    def discard(self, recording: str) -> None:
        """Delete all of a recording, also while it is made. Raises LookupError."""
        folder = self._folder(recording)
        if not folder.is_dir():
            raise LookupError(recording)
        with self._lock:
            if (footage := self._open.pop(recording, None)) is not None:
                footage.close()
            out = self._store.trash / f"{recording}.{secrets.token_hex(4)}"
            try:
                folder.rename(out)
            except OSError:
                out = folder
            delete(out)

    def mend(self) -> None:
        """Make films of what a server that was killed has recorded."""
        for folder in self._there():
            # A full disk: parts stay until it is gone on with, or there is room at the next start.
            with suppress(OSError, FaceVeilError):
                parts = [part.stat().st_mtime for part in folder.glob("part*")]
                if parts and folder.name not in self._open:
                    self._conclude(folder.name, max(parts), broken=True)

    def delete_due(self) -> None:
        """Delete those whose time is over. Raises OSError if something could not be deleted."""
        failed: list[OSError] = []
        for folder in self._there():
            with self._lock:
                if folder.name in self._open:
                    continue
                kept = self._as_it_is(folder)
                until = kept.ended + kept.keep_seconds
                if not self._clock.over((kept.id, FILM), until, kept.keep_seconds):
                    continue
                try:
                    self.discard(kept.id)
                except LookupError:
                    continue
                except OSError as error:
                    failed.append(error)
        self._clock.keep([folder.name for folder in self._there()])
        if failed:
            raise failed[0]

    def close(self) -> None:
        """End all that are being made, as at the end of the server."""
        for recording in list(self._open):
            with suppress(OSError, FaceVeilError):
                self.end(recording, broken=True)

    def _ask_for_room(self, *, another: bool = False) -> None:
        if another and len(list(self._there())) >= self._most:
            full = say("{count} recordings are kept, and no more may be", count=self._most)
            raise ProblemError(507, "recordings-full", full, _advice())
        if self.size() >= self.most_bytes:
            raise ProblemError(507, "recordings-full", _taken(), _advice())

    def _roomy(self) -> bool:
        # While one is joined, it lies there twice.
        if not self._ends.acquire(blocking=False):
            return True
        try:
            return self.size() < self.most_bytes
        finally:
            self._ends.release()

    def _conclude(self, recording: str, ended: float, *, broken: bool) -> None:
        folder = self._store.recordings / recording
        try:
            if not gather(folder):
                shutil.rmtree(folder, ignore_errors=True)  # not a single frame
                return
        except (OSError, OutputError):
            if folder.exists():
                raise
            return  # discarded meanwhile
        facts = facts_of(folder / FILM)
        with self._lock, suppress(LookupError):
            kept = self._load(folder).model_copy(update={"ended": ended, "broken": broken})
            if facts is not None:
                kept = kept.model_copy(update=asdict(facts))
            self._save(kept)

    def _there(self) -> Iterator[Path]:
        with suppress(OSError):
            there = [path for path in self._store.recordings.iterdir() if path.is_dir()]
            yield from [path for path in there if ID.fullmatch(path.name)]

    def _folder(self, recording: str) -> Path:
        return self._store.recordings / self._store.path(recording).name

    def _as_it_is(self, folder: Path) -> Kept:
        try:
            kept = self._load(folder)
        except LookupError:  # its facts are lost; it is deleted when all others of its age are
            with suppress(OSError):
                changed = folder.stat().st_mtime
                return Kept(id=folder.name, begun=changed, ended=changed, keep_seconds=self._keep)
            return Kept(id=folder.name, begun=0.0, ended=0.0, keep_seconds=self._keep)
        if (footage := self._open.get(kept.id)) is not None:
            return kept.model_copy(update={"seconds": footage.seconds})
        return kept

    def _load(self, folder: Path) -> Kept:
        try:
            return Kept.model_validate_json((folder / _FACTS).read_bytes())
        except (OSError, ValidationError) as error:
            raise LookupError(folder.name) from error

    def _save(self, kept: Kept) -> None:
        try:
            write_whole(self._store.recordings / kept.id / _FACTS, kept.model_dump_json())
        except FileNotFoundError as error:  # discarded meanwhile
            raise LookupError(kept.id) from error


def over(why: Literal["long", "room"]) -> ProblemError:
    """The notice that a recording has ended by itself."""
    if why == "room":
        return ProblemError(507, "recording-ended", _taken(), _advice())
    told = say("the recording is as long as one may be")
    return ProblemError(507, "recording-ended", told, say("Save it, and begin another one."))


def _taken() -> str:
    return say("all recordings together are as large as they may be")


def _advice() -> str:
    return say("Save those that you want to keep, and delete some.")


def _bytes_in(folder: Path) -> int:
    """Bytes of all its files, but those that replace another, or were deleted meanwhile."""
    total = 0
    with suppress(OSError):
        for path in folder.iterdir():
            if not path.name.startswith("."):
                with suppress(OSError):
                    total += path.stat().st_size
    return total
