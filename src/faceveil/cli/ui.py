"""The output of the command line: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from faceveil.cli import interrupts
from faceveil.errors import ExitCode, FaceVeilError, OutputError
from faceveil.i18n import reason_of, say, spoken, translated, words_of
from faceveil.system.text import shown

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from faceveil.batch import Counts, Inputs
    from faceveil.pipeline import Progress

_EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal to draw a bar on."""
_SOON = 1.0
"""Seconds of work after which a bar is drawn. To load what draws it takes as long as a tenth of a
photo, and one that is gone at once tells nothing."""


class UI:
    """The voice of one run of one verb. On stderr it speaks the user's language.

    Attributes:
        debug: show tracebacks.
        exit_code: what the process will end with.
    """

    def __init__(self, *, debug: bool = False) -> None:
        self.debug = debug
        self.exit_code = ExitCode.OK
        self.language = spoken(os.environ)

    def said(self, words: str) -> str:
        """A message as the user reads it."""
        return translated(words, self.language)

    def result(self, line: str) -> None:
        """One line of what was asked for, on stdout. Programs that read it know it in English."""
        print(shown(self.told(line)), flush=True)

    def told(self, words: str) -> str:
        """A message as the reader of stdout reads it."""
        return self.said(words) if sys.stdout.isatty() else words

    def note(self, line: str) -> None:
        """One line about the run, on stderr."""
        self._tell(self.said(line))

    def _tell(self, line: str) -> None:
        # It contains names, and a terminal obeys the characters in them.
        print(f"faceveil: {shown(line)}", file=sys.stderr, flush=True)

    def warn(self, line: str) -> None:
        self.note(say("warning: {what}", what=line))

    def second_choice(self, folder: Path | None = None) -> bool:
        """Say so if the best detector's weights are missing and another one is used.

        Args:
            folder: with weights, searched before all other places.

        Returns:
            Whether any detector can be used.
        """
        from faceveil.detect import AUTO, first_there
        from faceveil.errors import WeightsError

        best, *_ = AUTO
        try:
            name = first_there(folder)
        except WeightsError:
            return False
        costs = {
            "centerface": say("about twice as slow, finds fewer small faces"),
            "mediapipe": say("finds large faces only"),
        }
        if name != best:
            self.note(
                say(
                    "{name} is used, because the weights of {best} are missing: {cost}",
                    name=name,
                    best=best,
                    cost=costs[name],
                )
            )
        return True

    def error(self, error: Exception, name: str = "") -> ExitCode:
        """Print an error and the file it is about; return its exit code.

        Raises:
            KeyboardInterrupt: the run was interrupted, and that is what went wrong.
        """
        if interrupts.came():
            raise KeyboardInterrupt from error
        if self.debug:
            import traceback

            for line in "".join(traceback.format_exception(error)).splitlines():
                print(shown(line), file=sys.stderr, flush=True)
        words = describe(error)
        self.note(say("{name}: {what}", name=name, what=words) if name else words)
        if isinstance(error, FaceVeilError):
            if error.advice:
                self.note(error.advice)
            return error.exit_code
        if not isinstance(error, OSError) and not self.debug:
            self.note(say("this is a fault of FaceVeil; --debug shows where it is"))
        return ExitCode.SOME_FAILED

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn an exception inside into one clear line and an exit code."""
        try:
            try:
                yield
            except BrokenPipeError:
                raise
            except Exception as error:
                self.exit_code = self.error(error)
        except KeyboardInterrupt:
            self.note(say("interrupted"))
            self.exit_code = ExitCode.INTERRUPTED

    @contextmanager
    def progress(self, name: str) -> Iterator[Progress]:
        """A bar while one file is worked on, or a line now and then if stderr is no terminal."""
        if not sys.stderr.isatty():
            yield self._lines(name)
            return
        started = time.monotonic()
        tasks: dict[str, Any] = {}
        with ExitStack() as stack:
            bars: Bars | None = None

            def advance(stage: str, done: int, total: int | None) -> None:
                nonlocal bars
                if bars is None:
                    if time.monotonic() - started < _SOON:
                        return
                    bars = stack.enter_context(_bars())
                if stage not in tasks:
                    told = shown(self.said(say("{name}: {what}", name=name, what=_stage(stage))))
                    tasks[stage] = bars.add_task(told, of="", total=None)
                of = "" if total is None else f"/{total}"
                bars.update(tasks[stage], completed=done, total=total, of=of)

            yield advance

    @contextmanager
    def batch(self, inputs: Inputs) -> Iterator[Callable[[Counts], None]]:
        """One bar for many files, with files a second, faces and failures; a table at the end.

        Args:
            inputs: what else was found, for the table.
        """
        from faceveil.batch import Counts

        started = time.monotonic()
        last = [Counts()]
        if sys.stderr.isatty():
            with self._batch_bar(last) as watch:
                yield watch
        else:
            said = started

            def lines(counts: Counts) -> None:
                nonlocal said
                last[0] = counts
                if time.monotonic() - said >= _EVERY:
                    said = time.monotonic()
                    so_far = _pace(counts, said - started)
                    self.note(
                        say(
                            "{done} of {files} files: {pace}",
                            done=counts.done,
                            files=counts.files,
                            pace=so_far,
                        )
                    )

            yield lines
        counts = replace(last[0], aside=last[0].aside + len(inputs.passed))
        counts.failed += len(inputs.failed)
        self._summary(counts, time.monotonic() - started)

    @contextmanager
    def _batch_bar(self, last: list[Counts]) -> Iterator[Callable[[Counts], None]]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TimeRemainingColumn(),
        )
        started = time.monotonic()
        with Bars(
            *columns,
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        ) as bars:
            task = bars.add_task("", total=None, told="")

            def watch(counts: Counts) -> None:
                last[0] = counts
                told = self.said(_pace(counts, time.monotonic() - started))
                bars.update(task, completed=counts.done, total=counts.files, told=told)

            yield watch

    def _summary(self, counts: Counts, seconds: float) -> None:
        figures = [
            (say("files"), f"{counts.done}"),
            (say("done earlier"), f"{counts.skipped}"),
            (say("with warnings"), f"{counts.partial}"),
            (say("failed"), f"{counts.failed}"),
            (say("faces covered"), f"{counts.faces}"),
            (say("seconds"), f"{seconds:.1f}"),
            (say("files a second"), f"{_rate(counts, seconds):.1f}"),
        ]
        if counts.aside:
            figures.append((say("passed over"), f"{counts.aside}"))
        rows = [(self.said(name), value) for name, value in figures]
        if not sys.stderr.isatty():
            told = [self.said(say("{name}: {what}", name=name, what=value)) for name, value in rows]
            self._tell(self.said(say(", ")).join(told))
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for row in rows:
            table.add_row(*row)
        Console(stderr=True).print(table)

    @contextmanager
    def status(self) -> Iterator[Callable[[str], None]]:
        """A line that is overwritten, or a new line now and then if stderr is no terminal."""
        last, wide = time.monotonic(), 0

        def show(line: str) -> None:
            nonlocal last, wide
            if sys.stderr.isatty():
                line = shown(self.said(line))
                print(f"\r{line:{wide}}", end="", file=sys.stderr, flush=True)
                wide = len(line)
            elif time.monotonic() - last >= _EVERY:
                last = time.monotonic()
                self.note(line)

        try:
            yield show
        finally:
            if wide:
                print(file=sys.stderr, flush=True)

    def _lines(self, name: str) -> Progress:
        last = time.monotonic()

        def advance(stage: str, done: int, total: int | None) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _EVERY:
                last = now
                far = f"{self.said(_stage(stage))} {done}"
                far += "" if total is None else f"/{total}"
                self.note(say("{name}: {what}", name=name, what=far))

        return advance


def _bars() -> Bars:
    """An empty set of bars, one for each stage of the work on a file."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}{task.fields[of]}"),
        TimeRemainingColumn(),
        # Results printed meanwhile go above the bar, unless they are read by another program.
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )


def _stage(name: str) -> str:
    """A stage of the work as a person reads it."""
    return {"analyze": say("analyze"), "render": say("render"), "check": say("check")}.get(
        name, name
    )


def _rate(counts: Counts, seconds: float) -> float:
    return (counts.done - counts.skipped) / seconds if seconds else 0.0


def _pace(counts: Counts, seconds: float) -> str:
    rate = _rate(counts, seconds)
    return say(
        "{rate:.1f} a second, {faces} faces, {failed} failed",
        rate=rate,
        faces=counts.faces,
        failed=counts.failed,
    )


def describe(error: Exception) -> str:
    """The error in one line; in its own words if FaceVeil or the system raised it on purpose."""
    words = words_of(error)
    if isinstance(error, FaceVeilError):
        return words
    if isinstance(error, OSError) and error.strerror:
        reason = reason_of(error)
        return say("{name}: {what}", name=error.filename, what=reason) if error.filename else reason
    return say("{name}: {what}", name=type(error).__name__, what=words)


@contextmanager
def private_file(path: Path | None) -> Iterator[IO[str] | None]:
    """Open a side output for writing, readable by its owner alone; None passes through.

    Plans and reports say where people's faces are.

    Raises:
        OutputError: the file cannot be made.
    """
    from faceveil.system.files import open_own

    if path is None:
        yield None
        return
    try:
        handle = open_own(path)
    except OSError as error:
        raise OutputError(
            say("cannot write {path}: {reason}", path=path, reason=reason_of(error))
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yield file


def count(number: int, noun: Literal["face", "file", "page", "picture", "input"]) -> str:
    """ "1 face", "2 faces"."""
    if number == 1:
        one = {
            "file": say("1 file"),
            "page": say("1 page"),
            "picture": say("1 picture"),
            "input": say("1 input"),
        }
        return one.get(noun, say("1 face"))
    several = {
        "file": say("{n} files", n=number),
        "page": say("{n} pages", n=number),
        "picture": say("{n} pictures", n=number),
        "input": say("{n} inputs", n=number),
    }
    return several.get(noun, say("{n} faces", n=number))
