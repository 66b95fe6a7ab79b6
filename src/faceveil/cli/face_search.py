"""Find faces in one file after the other, perhaps in another process that may have to be restarted.

The people of all files are numbered alike. What is known of them stays in the process that looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faceveil.options import Options
    from faceveil.people import Gallery
    from faceveil.pipeline import Progress
    from faceveil.plan import Plan

_galleries: list[Gallery] = []
"""The one of this process, once there is one."""


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
