"""Pauses before the next try."""

from __future__ import annotations

FIRST = 0.5
"""Seconds before the first try; twice as long before each further one."""


class Backoff:
    """Pauses that double up to a limit.

    Args:
        limit: longest pause in seconds; 0: no further try at all.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._pause = FIRST

    def next(self) -> float | None:
        """Seconds to wait, or None to give up."""
        if not self._limit:
            return None
        pause, self._pause = min(self._pause, self._limit), self._pause * 2
        return pause

    def reset(self) -> None:
        """Start with the shortest pause next time, after a success."""
        self._pause = FIRST
