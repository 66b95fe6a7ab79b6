"""Names of obscured files, such that no two inputs ever share one.

An output's name depends only on its input's name and on the suffix of the output's format. If
another input's output could have the same name, or if it would be too long, it gets a few
characters of the hash of the input's name. So the same input gets the same name in every run, even
if other runs work beside it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable
from pathlib import PurePath
from typing import Final, TypeVar

from faceveil.media.kinds import SUFFIXES
from faceveil.system.files import length, shortened

J = TypeVar("J", bound=Hashable)

LONGEST: Final = 255
"""Bytes of UTF-8 that the name of a file may have in all usual file systems."""
MARK: Final = ".veiled"
_SIGNS: Final = 10
_SUFFIXES: Final = frozenset(suffix for spelled in SUFFIXES.values() for suffix in spelled)


def veiled_name(name: str, suffix: str) -> str:
    """The name of the obscured version of a file: ``x.veiled.jpg`` for ``x.jpg``.

    A name that would be too long for a file system is cut, see `told_apart`.
    """
    whole = _whole(name, suffix)
    if length(whole) <= LONGEST:
        return whole
    tail = f"{_hash(name)}{MARK}{suffix}"
    return shortened(PurePath(name).stem, LONGEST - length(tail)) + tail


def told_apart(name: str, again: int = 0) -> str:
    """A unique other name for an input: ``x~1a2b3c.jpg`` for ``x.jpg``.

    Args:
        again: its number among several of the very same name, as an archive may hold them.
    """
    path = PurePath(name)
    tail = _hash(f"{name}{'/' * again}") + path.suffix
    return shortened(path.stem, LONGEST - length(tail)) + tail


def key_of(name: object) -> str:
    """A key that is equal for names that some file systems cannot tell apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(name)).casefold())


def clashing(names: Iterable[tuple[J, str]], beside: Collection[str] = ()) -> set[J]:
    """The inputs that need another name in the folder of their outputs.

    The format of an output is known only when its input is read, so all possible names count. Of
    several inputs with one possible name, the first keeps it: those with a picture's suffix before
    others, then by name.

    Args:
        names: each input, and the name that its output's is made from.
        beside: names of inputs in that folder, which must not be overwritten.
    """
    full, stems, others, found = set[str](), set[str](), set[str](), set[J]()
    kept = {key_of(PurePath(name).stem.removesuffix(MARK)) for name in beside if is_marked(name)}
    for item, name in sorted(names, key=lambda pair: (_order(pair[1]), str(pair[0]))):
        # An output is named after the stem if it keeps the suffix, otherwise after the whole name.
        suffix = PurePath(name).suffix
        whole, stem, other = key_of(name), key_of(PurePath(name).stem), key_of(_dashed(name))
        if (
            whole in full
            or other in others | stems
            or (suffix and stem in others)
            or {stem, other} & kept
        ):
            found.add(item)
            continue
        full.add(whole)
        others.add(other)
        if suffix:
            stems.add(stem)
    return found


def is_shortened(name: str, suffix: str) -> bool:
    """Whether the name of the output for an input had to be cut."""
    return length(_whole(name, suffix)) > LONGEST


def is_marked(name: str) -> bool:
    """Whether a name is one that an output of FaceVeil could have."""
    return PurePath(name).stem.endswith(MARK)


def originals(outputs: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """For each name that an output could have: the names beside it that could be its input."""
    possible = defaultdict[str, list[str]](list)
    for name in names:
        for known in (name, told_apart(name)):
            possible[PurePath(known).stem].append(name)
            possible[_dashed(known)].append(name)
    found = {}
    for output in outputs:
        stem, suffix = PurePath(output).stem.removesuffix(MARK), PurePath(output).suffix
        mine = dict.fromkeys(possible.get(stem, ()))
        long = (name for name in names if length(name) > LONGEST // 2)
        mine |= dict.fromkeys(name for name in long if veiled_name(name, suffix) == output)
        found[output] = [name for name in mine if name != output]
    return found


def _whole(name: str, suffix: str) -> str:
    path = PurePath(name)
    same = path.suffix.lower() == suffix.lower()
    return f"{path.stem if same else _dashed(name)}{MARK}{suffix}"


def _dashed(name: str) -> str:
    # x.heic and x.jpg may lie side by side and must not become one file.
    path = PurePath(name)
    return path.stem + path.suffix.replace(".", "-")


def _hash(name: str) -> str:
    return "~" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_SIGNS]


def _order(name: str) -> tuple[bool, str]:
    return PurePath(name).suffix.lower() not in _SUFFIXES, name
