"""An archive among the inputs: its members are worked on like files and packed again."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from faceveil.batch.find import wanted
from faceveil.errors import FaceVeilError, UnreadableError, UsageError, WeightsError
from faceveil.media.archive import Archive, ArchiveWriter, open_archive
from faceveil.media.entries import Member
from faceveil.media.original import Original
from faceveil.options import Options
from faceveil.report import Report

HOPELESS: Final = (UsageError, WeightsError)
"""What goes wrong with every file alike."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A member on its way.

    Attributes:
        number: its place among the members that are worked on.
        name: in the archive.
        path: where it was unpacked to; folder: where its output goes.
    """

    number: int
    name: str
    path: Path
    folder: Path


class Bundle:
    """One archive: unpacks its members as they are asked for, and packs what came of them.

    Everything unpacked lies in a folder of its own beside the target, for its owner's eyes alone,
    and no longer than it is needed.

    Args:
        path: the archive.
        target: the zip to write.

    Raises:
        InputError: it cannot be read, or is not safe to unpack; see `open_archive`.
        OutputError: the target's folder cannot be written to.
        UsageError: the target is the archive itself.
    """

    def __init__(self, path: Path, target: Path, options: Options) -> None:
        self._started = time.monotonic()
        self._path, self._target = path, target
        self._original = Original(path)
        self._writer = ArchiveWriter(target, path)
        self._scratch = Path(
            tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:100]}.", suffix=".part")
        )
        self._archive: Archive | None = None
        self._members: list[Member] = []
        self._outcomes: dict[int, Report | Exception] = {}
        self._next = 0
        self._error: Exception | None = None
        self._done: list[Report] = []
        self._warnings: list[str] = []
        try:
            self._archive = open_archive(path, options, self._scratch)
            members = self._archive.members
            self._members = [one for one in members if wanted(str(one.name), options)]
            if not self._members:
                raise UnreadableError("the archive holds no file to work on")
            self._left_out = len(members) - len(self._members)
        except BaseException:
            self.abort()
            raise

    def __len__(self) -> int:
        return len(self._members)

    def pieces(self) -> Iterator[Piece | tuple[int, Exception]]:
        """Each member, unpacked when it is asked for; or why it cannot be."""
        assert self._archive is not None
        for number, member in enumerate(self._members):
            if self._error:
                return
            folder = self._scratch / str(number)
            (folder / "out").mkdir(parents=True, mode=0o700)
            piece = Piece(number, str(member.name), folder / member.name.name, folder / "out")
            try:
                self._archive.extract(member, piece.path)
            except FaceVeilError as error:
                yield number, error
            else:
                yield piece

    def take(self, number: int, outcome: Report | Exception) -> None:
        """What came of a member. Members are packed in their own order."""
        self._outcomes[number] = outcome
        if isinstance(outcome, HOPELESS):
            self._error = self._error or outcome
        while self._next in self._outcomes:
            outcome = self._outcomes.pop(self._next)
            if self._error is None:
                self._pack(self._next, outcome)
            shutil.rmtree(self._scratch / str(self._next), ignore_errors=True)
            self._next += 1

    def _pack(self, number: int, outcome: Report | Exception) -> None:
        name = self._members[number].name
        if isinstance(outcome, Exception):
            self._warnings.append(f"{name} is left out: {outcome}")
            return
        written = self._scratch / str(number) / "out" / outcome.output
        try:
            self._writer.add(PurePosixPath(name.parent, outcome.output), written)
        except FaceVeilError as error:
            self._error = error
            return
        self._warnings += [f"{name}: {warning}" for warning in outcome.warnings]
        self._done.append(replace(outcome, regions={}))  # there may be thousands

    @property
    def complete(self) -> bool:
        """Whether every member is accounted for, or none will help any more."""
        return self._next == len(self._members) or self._error is not None

    def finish(self) -> Report | Exception:
        """Give the archive its name and tell about it, or say why it cannot be had."""
        try:
            if self._error:
                return self._error
            if not self._done:
                return UnreadableError(
                    "no file of the archive could be done: " + "; ".join(self._warnings)
                )
            given = self._original.sha256  # or it changed
            self._writer.commit()
            return self._report(given)
        except FaceVeilError as error:
            return error
        finally:
            self.abort()

    def _report(self, sha256_in: str) -> Report:
        done, last = self._done, self._done[-1]
        notes = {note for report in done for note in report.notes}
        if self._left_out:
            notes.add(f"{self._left_out} hidden or excluded files of the archive left out")
        return replace(
            last,
            status="partial" if self._warnings else "ok",
            input=self._path.name,
            output=self._target.name,
            faces=sum(report.faces for report in done),
            tracks=sum(report.tracks for report in done),
            kept=sum(report.kept for report in done),
            filled=sum(report.filled for report in done),
            frames=sum(report.frames for report in done),
            media=None,
            length=0.0,
            sizes=sum((Counter(report.sizes) for report in done), Counter()),
            faces_over_time=(),
            findings=tuple(one for report in done for one in report.findings),
            check=None,
            smallest_face_px=max(report.smallest_face_px for report in done),
            warnings=tuple(self._warnings),
            notes=tuple(sorted(notes)),
            dropped=tuple(sorted({what for report in done for what in report.dropped})),
            sha256_in=sha256_in,
            sha256_out=Original(self._target).sha256,
            seconds=time.monotonic() - self._started,
        )

    def abort(self) -> None:
        """Remove what is unpacked, and what is written unless it has its name."""
        if self._archive is not None:
            self._archive.close()
        self._writer.abort()
        shutil.rmtree(self._scratch, ignore_errors=True)
