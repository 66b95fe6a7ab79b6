"""Remarks that a user may want to read and would not look up in a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from faceveil.cli.ui import count
from faceveil.i18n import listed, say

if TYPE_CHECKING:
    from faceveil.cli.ui import UI
    from faceveil.plan import Media, Plan
    from faceveil.report import Report

_MOST_PARTS = 6
"""The largest number of pages and parts that the line of a document names."""


def places(of: Report | Plan) -> str:
    """The length of a document and the places of faces in it; "" for anything else."""
    media, found = of.media, of.faces_by_part
    pages, pictures = (media.pages, media.pictures) if media else (0, 0)
    sizes = [count(pages, "page")] * bool(pages) + [count(pictures, "picture")] * bool(pictures)
    named: list[str] = [
        say("{name}: {what}", name=place, what=faces) for place, faces in found.items()
    ]
    named[_MOST_PARTS:] = ["..."] * (len(named) > _MOST_PARTS)
    said = [listed(some) for some in (sizes, named) if some]
    return say(" ({what})", what=said) if said else ""


def found_in(name: str, plan: Plan) -> str:
    """The line of a file in which faces were looked for."""
    return say(
        "{name}: {faces} of {size:.0f} px or more, by {detector}{places}",
        name=name,
        faces=count(len(plan.tracks), "face"),
        size=plan.min_face,
        detector=plan.detector,
        places=places(plan),
    )


class Remarks:
    """Notes and removed things, each printed once at the end, however many files have it.

    Attributes:
        media: what each of the files is.
    """

    def __init__(self) -> None:
        self._files = 0
        self._notes: Counter[str] = Counter()
        self._removed: dict[str, None] = {}
        self.media: list[Media | None] = []

    def add(self, report: Report, told: Collection[str] = ()) -> None:
        """Add the remarks of a file, except for notes that were printed already."""
        self._files += 1
        self.media.append(report.media)
        self._notes.update(set(report.notes) - set(told))
        self._removed.update(dict.fromkeys(report.dropped))

    def tell(self, ui: UI) -> None:
        """Print the remarks: a line for each note, and one for everything that was removed."""
        for note, files in sorted(self._notes.items()):
            many = self._files > 1
            ui.note(
                say("note: {note} ({files})", note=note, files=count(files, "file"))
                if many
                else say("note: {note}", note=note)
            )
        if self._removed:
            ui.note(say("removed: {what}", what=list(self._removed)))
