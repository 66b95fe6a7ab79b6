"""Print the result of each file of a run as soon as it is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from faceveil.cli.remarks import Remarks, places
from faceveil.cli.ui import UI, count, describe
from faceveil.errors import (
    ExitCode,
    NoDetectorError,
    WeightsError,
    WithheldError,
)
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.batch import InputFile, Inputs, Passed
    from faceveil.batch.archive_job import Packed
    from faceveil.cli.verbs_evidence import Evidence
    from faceveil.report import Report

MOST_NAMED = 50
"""The largest number of skipped files that the terminal names. The report names all."""


class Outcomes:
    """The results of all files; one that fails is named and does not stop the others.

    Args:
        evidence: where reports are saved, or None.
        strict: a file that was done with warnings counts as failed.
    """

    def __init__(self, ui: UI, evidence: Evidence | None = None, *, strict: bool = False) -> None:
        self.ui = ui
        self.strict = strict
        self.evidence = evidence
        self.remarks = Remarks()
        self._codes: set[ExitCode] = set()

    @property
    def exit_code(self) -> ExitCode:
        """The code that all files have in common; otherwise the one for "some failed"."""
        (code, *others) = self._codes
        return ExitCode.SOME_FAILED if others else code

    def done(self, *, partial: bool = False) -> None:
        self._codes.add(ExitCode.SOME_FAILED if partial and self.strict else ExitCode.OK)

    def add(self, codes: Iterable[ExitCode]) -> None:
        """Add the exit codes of the members of an archive."""
        self._codes |= set(codes)

    def found(self, inputs: Inputs) -> None:
        """Name or count everything among the inputs that is not processed."""
        named = 0
        for one in inputs.passed:
            named += bool(one.reason)
            self.passed(one, quiet=named > MOST_NAMED)
        if named > MOST_NAMED:
            self.ui.note(
                say(
                    "and {count} more passed over; --report names them all",
                    count=named - MOST_NAMED,
                )
            )
        for job, error in inputs.failed:
            self.failed(job, error)
        if inputs.hidden:
            self.ui.note(
                say(
                    "{count} hidden files and folders passed over; --hidden takes them",
                    count=inputs.hidden,
                )
            )
        self.sidecars(inputs.passed)

    def passed(self, one: Passed, *, quiet: bool = False) -> None:
        """Name or count a file that is skipped, which is no failure."""
        if one.reason and not quiet:
            self.ui.note(say("{name} passed over: {reason}", name=one.name, reason=one.reason))
        if self.evidence:
            from faceveil.report import Report

            reason = one.reason or say("it accompanies pictures and is none")
            name = PurePath(one.name).name
            self.evidence.add(Report(status="skipped", input=name, notes=(reason,)))

    def sidecars(self, passed: Sequence[Passed]) -> None:
        """Print one line for all files that accompany pictures."""
        if number := sum(not one.reason for one in passed):
            self.ui.note(
                say("files that accompany pictures and are no media: {count}", count=number)
            )

    def veiled(
        self,
        path: Path | InputFile,
        folder: Path | str,
        report: Report,
        packed: Sequence[Packed] = (),
        told: Collection[str] = (),
    ) -> None:
        """Print the result of an obscured file in ``folder``, except for notes that were printed
        already.
        """
        from faceveil.batch.storage import is_url

        self.done(partial=report.status == "partial")
        target = f"{folder}/{report.output}" if isinstance(folder, str) else folder / report.output
        faces = count(report.tracks, "face")
        self.ui.result(_covered(f"{path}", f"{target}", faces, places(report)))
        for member in packed:
            names = f"{path}/{member.name}", f"{target}/{member.output}"
            self.ui.result(_covered(*names, count(member.faces, "face")))
        for warning in report.warnings:
            self.ui.warn(say("{name}: {what}", name=path, what=warning))
        self.remarks.add(report, told)
        if self.evidence:
            self.evidence.add(report, None if is_url(str(target)) else Path(target))

    def failed(
        self, path: Path | InputFile | str, error: Exception, codes: Iterable[ExitCode] = ()
    ) -> None:
        """Print the error of a file that failed.

        Args:
            codes: in place of the error's own, those of the members of an archive.

        Raises:
            NoDetectorError, WeightsError: the error itself, because every other file would fail,
                too.
        """
        if isinstance(error, NoDetectorError | WeightsError):
            raise error
        from faceveil.report import Report

        code = self.ui.error(error, str(path))
        self._codes |= set(codes) or {code}
        report = error.report if isinstance(error, WithheldError) else None
        name = PurePath(str(path)).name
        failed = Report(status="failed", input=name, warnings=(describe(error),))
        if self.evidence:
            self.evidence.add(report or failed)


def _covered(before: str, after: str, faces: str, places: str = "") -> str:
    return say(
        "{before} -> {after}: {faces} covered{places}",
        before=before,
        after=after,
        faces=faces,
        places=places,
    )
