"""An archive among the inputs: its members are processed like files and packed again."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from faceveil.batch.find import NO_MEDIA, Passed, wanted
from faceveil.batch.places import places_of, plain_suffix
from faceveil.errors import (
    ExitCode,
    FaceVeilError,
    NoDetectorError,
    OutputError,
    UnreadableError,
    WeightsError,
)
from faceveil.i18n import say, words_of
from faceveil.media.advice import CONVERT
from faceveil.media.archives.archive import Archive, ArchiveWriter, open_archive
from faceveil.media.beside import beside_at
from faceveil.media.original import Original
from faceveil.media.part import DiskError, cannot_write, scratch_beside
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system.text import shown

HOPELESS: Final = (NoDetectorError, WeightsError, DiskError)
"""Errors that every file would meet alike."""

MemberOutcome = Report | Exception | Passed
"""The result of a member."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A member that is being processed.

    Attributes:
        number: its place among the members that are processed.
        name: in the archive; called: what its output is named after.
        path: where it was unpacked to; folder: where its output goes.
    """

    number: int
    name: str
    called: str
    path: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Packed:
    """A member that was done.

    Attributes:
        name, output: in the old archive and in the new one.
        faces: different faces covered.
    """

    name: str
    output: str
    faces: int


class EmptyError(UnreadableError):
    """The archive has no files, which is a mistake, as it is for a folder."""

    exit_code = ExitCode.USAGE

    def __init__(self) -> None:
        super().__init__(say("the archive holds no file to work on"), CONVERT)


class ArchiveJob:
    """One archive: unpacks its members when they are needed, and packs their outputs.

    Unpacked files are in a folder of their own beside the target, readable only by its owner, for
    as short a time as possible.

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
        try:
            self._scratch = scratch_beside(target)
        except OutputError:
            self._writer.abort()
            raise
        self._archive: Archive | None = None
        self._outcomes: dict[int, MemberOutcome] = {}
        self._next = 0
        self._error: Exception | None = None
        self._done: list[Report] = []
        self._warnings: list[str] = []
        self.packed: list[Packed] = []
        self.passed: list[Passed] = []
        self.codes: set[ExitCode] = set()
        self.failed = 0
        try:
            self._archive = open_archive(path, options, self._scratch)
            members, odd = self._archive.members, self._archive.left_out
            self._members = [one for one in members if wanted(str(one.name), options)]
            self._odd = [one for one in odd if wanted(one.name.replace("\\", "/"), options)]
            self._left_out = len(members) + len(odd) - len(self._members) - len(self._odd)
            self._places = places_of(self._members)
            self._name_odd(options)
        except BaseException:
            self.abort()
            raise

    def _name_odd(self, options: Options) -> None:
        """Name each entry that cannot be unpacked, with the reason, as if it had been tried."""
        for one in self._odd:
            name = shown(one.name) or "?"
            if one.passed and not options.links:  # as a link in a folder
                self.passed.append(Passed(name, words_of(one.error)))
            else:
                self._fail(name, one.error)
        if not (self._members or self._odd):
            raise EmptyError

    def _fail(self, name: str, error: Exception) -> None:
        self._warnings.append(say("{name} is left out: {reason}", name=name, reason=error))
        self.codes.add(exit_code_of(error))
        self.failed += 1

    def __len__(self) -> int:
        return len(self._members)

    def pieces(self) -> Iterator[Piece | tuple[int, Exception | Passed]]:
        """Each member, unpacked when it is needed, or the reason why it is not processed."""
        assert self._archive is not None
        for number, member in enumerate(self._members):
            if self._error:
                return
            folder, (_, called) = self._scratch / str(number), self._places[number]
            # Of its name only the suffix gets onto the disk.
            piece = Piece(
                number,
                str(member.name),
                called,
                folder / f"member{plain_suffix(called)}",
                folder / "out",
            )
            try:
                with writing():
                    piece.folder.mkdir(parents=True, mode=0o700)
                self._archive.extract(member, piece.path)
                kind = beside_at(member.name.name, piece.path)
            except FaceVeilError as error:
                yield number, error
            else:
                if kind is None:
                    yield piece
                else:
                    yield number, Passed(piece.name, NO_MEDIA if kind == "text" else "")

    def take(self, number: int, outcome: MemberOutcome) -> None:
        """Take the result of a member. Members are packed in their own order."""
        self._outcomes[number] = outcome
        if isinstance(outcome, HOPELESS):
            self._error = self._error or outcome
        while self._next in self._outcomes:
            outcome = self._outcomes.pop(self._next)
            if self._error is None:
                self._pack(self._next, outcome)
            shutil.rmtree(self._scratch / str(self._next), ignore_errors=True)
            self._next += 1

    def _pack(self, number: int, outcome: MemberOutcome) -> None:
        name = shown(str(self._members[number].name))
        if isinstance(outcome, Passed):
            self.passed.append(replace(outcome, name=name))
            return
        if isinstance(outcome, Exception):
            self._fail(name, outcome)
            return
        written = self._scratch / str(number) / "out" / outcome.output
        target = PurePosixPath(self._places[number][0], outcome.output)
        try:
            self._writer.add(target, written)
        except FaceVeilError as error:
            self._error = error
            return
        self._warnings += [say("{name}: {what}", name=name, what=one) for one in outcome.warnings]
        self._done.append(replace(outcome, regions={}))  # there may be thousands
        self.packed.append(Packed(name, str(target), outcome.tracks))
        self.codes.add(ExitCode.OK)

    @property
    def complete(self) -> bool:
        """Whether every member has its result, or the archive was given up."""
        return self._next == len(self._members) or self._error is not None

    def finish(self) -> Report | Exception:
        """Give the archive its name and return its result, or the reason why there is none."""
        try:
            if self._error:
                return self._error
            if not self._done:
                if not self.failed:
                    return EmptyError()
                return UnreadableError(
                    say(
                        "no file of the archive could be done: {warnings}", warnings=self._warnings
                    ),
                    CONVERT,
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
            notes.add(
                say(
                    "{count} hidden or excluded files of the archive left out", count=self._left_out
                )
            )
        notes |= {
            say("{name} is left out: {reason}", name=one.name, reason=one.reason)
            for one in self.passed
            if one.reason
        }
        if sidecars := sum(not one.reason for one in self.passed):
            notes.add(
                say(
                    "{count} files that accompany pictures are no media and left out",
                    count=sidecars,
                )
            )
        notes |= set(self.names_notes)
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
            settled=sum(report.settled for report in done),
            smallest_face_px=max(report.smallest_face_px for report in done),
            warnings=tuple(self._warnings),
            notes=tuple(sorted(notes)),
            dropped=tuple(sorted({what for report in done for what in report.dropped})),
            sha256_in=sha256_in,
            sha256_out=Original(self._target).sha256,
            seconds=time.monotonic() - self._started,
        )

    @property
    def stopped(self) -> bool:
        """Whether it was given up because of an error that every member would meet."""
        return self._error is not None

    @property
    def names_notes(self) -> tuple[str, ...]:
        """A note on the encoding of the names in the archive, if it was guessed."""
        return self._archive.notes if self._archive is not None else ()

    def abort(self) -> None:
        """Remove the unpacked files, and the new archive unless it has its name already."""
        if self._archive is not None:
            self._archive.close()
        self._writer.abort()
        shutil.rmtree(self._scratch, ignore_errors=True)


def exit_code_of(error: Exception) -> ExitCode:
    """The exit code of a command line if nothing else had happened."""
    return error.exit_code if isinstance(error, FaceVeilError) else ExitCode.SOME_FAILED


@contextmanager
def writing() -> Iterator[None]:
    """Turns the system's error about a folder that cannot be made into one of FaceVeil's."""
    try:
        yield
    except OSError as error:
        raise cannot_write(error) from error
