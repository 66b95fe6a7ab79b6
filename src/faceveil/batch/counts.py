"""The progress and the results of a run over many files."""

from __future__ import annotations

from dataclasses import dataclass

from faceveil.batch.archive_job import MemberOutcome, Packed
from faceveil.batch.find import InputFile, Passed
from faceveil.batch.manifest import ManifestEntry
from faceveil.errors import ExitCode
from faceveil.report import Report


@dataclass
class Counts:
    """The progress of a run. A file of an archive counts like any other.

    Attributes:
        files: how many there are, as far as is known yet.
        done: how many are finished, of which ``failed`` failed and ``partial`` have warnings.
        skipped: how many of them an earlier run had finished.
        faces: different faces covered in them.
        aside: files that are no picture or video and were not expected to be one; in no other
            number.
    """

    files: int = 0
    done: int = 0
    failed: int = 0
    partial: int = 0
    skipped: int = 0
    faces: int = 0
    aside: int = 0

    def add(self, outcome: MemberOutcome) -> None:
        if isinstance(outcome, Passed):
            self.files -= 1
            self.aside += 1
            return
        self.done += 1
        if isinstance(outcome, Exception):
            self.failed += 1
            return
        self.partial += outcome.status == "partial"
        self.faces += outcome.tracks

    def skip(self, entry: ManifestEntry) -> None:
        self.done += 1
        self.skipped += 1
        self.failed += entry.failed
        self.partial += entry.status == "partial"
        self.faces += entry.faces


@dataclass(frozen=True, slots=True)
class Done:
    """The result of one input.

    Attributes:
        outcome: the report, or the error; None: an earlier run had finished it.
        folder: where the output lies.
        partial: there were warnings, now or in the earlier run.
        codes: the exit codes for a command line; for an archive, one for each of its members.
        packed, passed: for an archive, the members that were processed and that were skipped.
        notes: further remarks.
    """

    job: InputFile
    outcome: Report | Exception | None
    folder: str
    partial: bool = False
    codes: frozenset[ExitCode] = frozenset({ExitCode.OK})
    packed: tuple[Packed, ...] = ()
    passed: tuple[Passed, ...] = ()
    notes: tuple[str, ...] = ()
