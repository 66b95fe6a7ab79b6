"""The folder in which a program may keep files of its own."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_NAME = "faceveil"


def cache_folder(inner: str) -> Path | None:
    """A folder in the user's own cache, or None for a user without a home. It need not be there.

    XDG_CACHE_HOME names the cache on every system.
    """
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named, _NAME, inner)
    try:
        cache = platformdirs.user_cache_path(_NAME, appauthor=False, opinion=False)
    except RuntimeError:
        return None
    # Some versions hand out "~" as it is when it means nothing.
    return cache / inner if cache.is_absolute() else None
