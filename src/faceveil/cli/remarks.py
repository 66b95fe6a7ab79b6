"""Remarks that a user may want to read and would not look up in a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.cli.ui import UI
    from faceveil.report import Report


class Remarks:
    """Notes and removed things, each printed once at the end, however many files have it."""

    def __init__(self) -> None:
        self._files = 0
        self._notes: Counter[str] = Counter()
        self._removed: dict[str, None] = {}

    def add(self, report: Report, told: Collection[str] = ()) -> None:
        """Add the remarks of a file, except for notes that were printed already."""
        self._files += 1
        self._notes.update(set(report.notes) - set(told))
        self._removed.update(dict.fromkeys(report.dropped))

    def tell(self, ui: UI) -> None:
        """Print the remarks: a line for each note, and one for everything that was removed."""
        for note, files in sorted(self._notes.items()):
            many = self._files > 1
            ui.note(
                say("note: {note} ({files} files)", note=note, files=files)
                if many
                else say("note: {note}", note=note)
            )
        if self._removed:
            ui.note(say("removed: {what}", what=list(self._removed)))
