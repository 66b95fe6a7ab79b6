"""The names of detectors in plans and reports: they tell where each of them works."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

_NAME: Final = re.compile(
    r"(?P<detector>.+?)(?: on (?P<device>\w+)(?: \((?:"
    r"(?P<failed>\w+) failed|(?P<missing>\w+) is not there|(?P<any>no accelerator there))\))?)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A detector and the device that does its work. ``str`` makes its name, `of` reads that.

    Attributes:
        detector: what it is called itself.
        device: where it works; "": on the processor, and nothing else was asked for by name.
        failed: the device that did the work until it failed; "": none.
        missing: the device that was asked for and is not there, or "auto"; "": none.
    """

    detector: str
    device: str = ""
    failed: str = ""
    missing: str = ""

    def __str__(self) -> str:
        if self.failed:
            trouble = f" ({self.failed} failed)"
        elif self.missing:
            what = "no accelerator" if self.missing == "auto" else f"{self.missing} is not"
            trouble = f" ({what} there)"
        else:
            trouble = ""
        return f"{self.detector} on {self.device}{trouble}" if self.device else self.detector

    @classmethod
    def of(cls, name: str) -> Self:
        """The detector that a plan or a report calls by this name."""
        found = _NAME.fullmatch(name)
        if found is None:
            return cls(name)
        missing = "auto" if found["any"] else found["missing"] or ""
        return cls(found["detector"], found["device"] or "", found["failed"] or "", missing)

    @property
    def on_processor(self) -> bool:
        """Whether the processor does the work, asked to or not."""
        return self.device in ("", "cpu")


def worst(names: Iterable[str]) -> str:
    """Of the names of one detector in several processes the one that tells of most trouble."""
    placed = [Whereabouts.of(name) for name in names]
    return str(max(placed, key=lambda one: (one.failed != "", one.missing != "")))
