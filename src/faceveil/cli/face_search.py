"""Find faces in one file after the other, perhaps in another process that may have to be restarted.

The people of all files are numbered alike. What is known of them stays in the process that looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faceveil.errors import UsageError
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.options import Options
    from faceveil.people import Gallery
    from faceveil.pipeline import Progress
    from faceveil.plan import Plan

_galleries: list[Gallery] = []
"""The one of this process, once there is one."""


def require_photos(options: Options, boxes: Path | None = None) -> None:
    """Look at the photos of people before any file is worked on.

    Raises:
        UsageError: they do not show one person, or the boxes come from elsewhere.
        WeightsError: the face network's weights are not here.
    """
    if not (options.keep or options.hide or options.people):
        return
    if boxes is not None:
        raise UsageError(
            say("--keep, --hide and --people are for faces that are found here: no --boxes-from")
        )
    from faceveil.people import load_embedder, photos_of

    load_embedder(options)
    if options.keep or options.hide:
        photos_of(options)


@dataclass
class FaceSearch:
    """The work on each file. Sent to the process that does it, without what that knows of people.

    Attributes:
        people: the highest number that a person has so far. A process that starts anew knows
            nobody, and nobody may get a number that is taken.
    """

    options: Options
    people: int = 0

    def __call__(self, path: Path, progress: Progress) -> Plan:
        from faceveil.pipeline import analyze_file

        return analyze_file(path, self.options, progress=progress, gallery=self._gallery())

    def _gallery(self) -> Gallery | None:
        if not self.options.people:
            return None
        if not _galleries:
            from faceveil.people import Gallery

            _galleries.append(Gallery(self.people))
        return _galleries[0]

    def add(self, plan: Plan) -> None:
        """Note the numbers that a file's people got."""
        self.people = max([self.people, *(track.person or 0 for track in plan.tracks)])
