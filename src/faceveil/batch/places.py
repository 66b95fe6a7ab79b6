"""The places of the members of an old archive in a new one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from faceveil.media.archives.entries import Member
from faceveil.media.names import LONGEST, clashing, key_of, told_apart
from faceveil.system.files import length

_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def places_of(members: Sequence[Member]) -> list[tuple[PurePosixPath, str]]:
    """For each member its folder in the new archive, and the name for its output."""
    places = [(_portable(one.name.parent), _portable_part(one.name.name)) for one in members]
    folders = defaultdict[str, list[tuple[int, str]]](list)
    for number, (folder, name) in enumerate(places):
        folders[key_of(folder)].append((number, name))
    for names in folders.values():
        again = Counter[str]()
        for number in sorted(clashing(names)):
            folder, name = places[number]
            places[number] = folder, told_apart(name, again[name])
            again[name] += 1
    return places


def _portable(folder: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(*map(_portable_part, folder.parts))


def _portable_part(part: str) -> str:
    """A name that every system can unpack; for example not that of a device on Windows."""
    name = _FORBIDDEN.sub("_", part)
    if name.endswith((".", " ")):
        name += "_"
    name = f"_{name}" if _DEVICE.match(name) else name
    return name if length(name) <= LONGEST else told_apart(name)


def plain_suffix(name: str) -> str:
    """A suffix that a file may have on any disk, or none."""
    suffix = PurePosixPath(name).suffix
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 8 else ""
