"""Files beside the outputs: reports for programs, a page for people, signatures."""

from __future__ import annotations

import getpass
import os
import warnings
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from faceveil.cli.ui import UI, private_file
from faceveil.errors import FaceVeilError, OutputError, UsageError
from faceveil.i18n import reason_of, say, spoken
from faceveil.system.text import shown

if TYPE_CHECKING:
    from faceveil.options import Options
    from faceveil.report import Report

PICTURES, FRAMES = 400, 12
"""Small pictures on a page, and of one video, at most."""


class Evidence:
    """Saves the reports of a run line by line, and at its end the page and the signatures.

    Args:
        lines: the file for reports, one JSON object a line, or None.
        page: the file for the page, or None.
        key: a private key to sign both with, or None.
        files: how many files there will be.

    Raises:
        UsageError: the key cannot be used, there is nothing to sign, or both files are one.
    """

    def __init__(
        self,
        lines: Path | None,
        page: Path | None,
        key: Path | None,
        options: Options,
        files: int = 1,
    ) -> None:
        self._saved = [path for path in (lines, page) if path is not None]
        if len({path.absolute() for path in self._saved}) < len(self._saved):
            raise UsageError(say("--report and --report-html name one and the same file"))
        if key is not None and not self._saved:
            raise UsageError(say("--sign needs something to sign: --report or --report-html"))
        self._key = None
        if key is not None:
            from faceveil.evidence.sign import load_key

            self._key = load_key(key, lambda: _passphrase(key))
        self._lines_path, self._page_path = lines, page
        self._options = options
        self._frames = min(FRAMES, PICTURES // max(1, files))
        self._room = PICTURES
        self._entries: list[tuple[Report, list[bytes]]] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._lines = stack.enter_context(private_file(self._lines_path))
            self._page = stack.enter_context(private_file(self._page_path))
            self._stack = stack.pop_all()
        return self

    def add(self, report: Report, output: Path | None = None) -> None:
        """Save the report of a file, and small pictures of its output, if there is one."""
        if self._lines is not None:
            with _written(self._lines_path):
                print(report.to_json(), file=self._lines, flush=True)
        if self._page is not None:
            from dataclasses import replace

            # The page does not say where in which frame: a crowd's boxes would fill the memory.
            self._entries.append((replace(report, regions={}), self._pictures(output)))

    def _pictures(self, output: Path | None) -> list[bytes]:
        if output is None or not self._room:
            return []
        from faceveil.evidence.sheet import contact_sheet

        most = min(self._room, max(1, self._frames))
        try:
            pictures = contact_sheet(output, self._options, most)
        except (FaceVeilError, OSError):  # gone, or of no kind that is read; the report stands
            return []
        self._room -= len(pictures)
        return pictures

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _written(self._page_path or self._lines_path), self._stack:
            if self._page is not None:
                from faceveil.evidence.html import page

                self._page.write(page(self._entries, spoken(os.environ)))
        if self._key is not None and error is None:
            from faceveil.evidence.sign import sign_file

            for path in self._saved:
                sign_file(path, self._key)


@contextmanager
def _written(path: Path | None) -> Generator[None, None, None]:
    """Name the file that could not be written to its end.

    Raises:
        OutputError: the disk is full, for example.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            say("cannot write {path}: {reason}", path=path, reason=reason_of(error))
        ) from error


def _passphrase(key: Path) -> str:
    """The passphrase of a key, typed unseen.

    Raises:
        UsageError: there is no terminal to type it on.
    """
    prompt = UI().said(say("passphrase of {path}: ", path=key))
    try:
        with warnings.catch_warnings():
            # It would be read from stdin, and shown.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(shown(prompt))
    except (getpass.GetPassWarning, EOFError) as error:
        raise UsageError(
            say("{path} needs its passphrase, and there is no terminal to type it on", path=key),
            say("make a key without one: ssh-keygen -t ed25519 -N '' -f KEY"),
        ) from error
