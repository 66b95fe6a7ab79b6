"""The notes and warnings that sources and sinks collect for the report."""

from __future__ import annotations


class Noting:
    """Notes and warnings, each once, in the order in which they came."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._warnings: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self._warnings)
