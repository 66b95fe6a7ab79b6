"""Names of files as clients send and get them. None of them is ever a path on this machine."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

from faceveil.media import veiled_name
from faceveil.media.names import key_of

LONGEST = 240
"""The longest name in bytes: the limit of file systems, minus room for additions."""
_RESERVED = '<>:"|?*'
"""Characters that Windows does not allow in names."""


def display_name(given: str) -> str:
    """The relative path that a client's file name is, made harmless; "file" if nothing is left."""
    parts = [_part(part) for part in given.replace("\\", "/").split("/")]
    kept = [part for part in parts if part]
    return "/".join(kept[-8:]) or "file"


def base_name(name: str) -> str:
    """The last part of a display name."""
    return name.rpartition("/")[2]


def stem_of(name: str) -> str:
    """The last part of a display name, without its suffix."""
    return PurePosixPath(base_name(name)).stem


def result_name(name: str, result: str) -> str:
    """The name of the obscured version of a file, without folders: ``x.veiled.jpg``."""
    return base_name(result_path(name, result))


def result_path(name: str, result: str) -> str:
    """The same with its folders, for an archive of many."""
    path = PurePosixPath(name)
    return path.with_name(veiled_name(path.name, PurePosixPath(result).suffix)).as_posix()


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number if it is in use already; it is in use from now on."""
    path, number = PurePosixPath(name), 1
    while (key := key_of(PurePosixPath(name))) in taken:
        number += 1
        name = path.with_name(f"{path.stem}-{number}{path.suffix}").as_posix()
    taken.add(key)
    return name


def attachment(name: str) -> str:
    """A Content-Disposition header for a file to save (RFC 6266, RFC 8187)."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _part(text: str) -> str:
    """One part of a path, without anything that could lead elsewhere, hide the file, or reverse the
    text.
    """
    text = unicodedata.normalize("NFC", text)
    kept = "".join(
        "_" if char in _RESERVED else " " if unicodedata.category(char) == "Zs" else char
        for char in text
        if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    kept = kept.strip(" .") if set(kept) <= {".", " "} else kept.strip().rstrip(".")
    if len(kept.encode()) <= LONGEST:
        return kept
    stem, dot, suffix = kept.rpartition(".")
    suffix = dot + suffix if stem and len(suffix) <= 10 else ""
    return kept.encode()[: LONGEST - len(suffix.encode())].decode(errors="ignore") + suffix
