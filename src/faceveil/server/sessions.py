"""Sessions of browsers: each has a random cookie that expires."""

from __future__ import annotations

import secrets
import time

SECONDS = 24 * 3600
"""Time that a browser stays let in: as long as the longest lifetime of a result."""
_MOST = 1000


class Sessions:
    """Random ids, each valid for a day. They do not reveal the token."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def begin(self) -> str:
        """The id of a new session. If there are too many, the oldest ends."""
        now = time.monotonic()
        for session, until in list(self._until.items()):  # oldest first
            if until > now and len(self._until) < _MOST:
                break
            del self._until[session]
        session = secrets.token_urlsafe(32)
        self._until[session] = now + SECONDS
        return session

    def holds(self, session: str) -> bool:
        """Whether an id belongs to a session that has not ended."""
        # Ids are random and long, so the time of a look-up does not help a guess.
        return self._until.get(session, 0.0) > time.monotonic()
