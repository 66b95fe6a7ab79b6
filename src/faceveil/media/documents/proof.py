"""Proof that nothing of a painted picture is left in a document."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from faceveil.errors import FaceVeilError, OutputError
from faceveil.i18n import say
from faceveil.media.documents.nodes import Nest, Still, leaves
from faceveil.media.documents.package import open_package
from faceveil.media.pictures.image import ImageSource

if TYPE_CHECKING:
    from faceveil.options import Options

_SAMPLE = 48
"""Bytes from the middle of a picture file that no other file has."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture as it was before it was painted.

    Attributes:
        stored: sha256 of its file; ``shown``: of the pixels of each frame that was painted.
        size: of the picture.
        sample: bytes out of the middle of its file.
    """

    stored: str
    shown: frozenset[str]
    size: tuple[int, int]
    sample: bytes = b""

    @classmethod
    def of(cls, data: bytes, source: ImageSource, frames: Collection[int]) -> Self:
        middle = len(data) // 2
        return cls(
            hashlib.sha256(data).hexdigest(),
            pixels_of(source, frames),
            (source.media.width, source.media.height),
            data[middle : middle + _SAMPLE] if len(data) > 16 * _SAMPLE else b"",
        )


def pixels_of(source: ImageSource, frames: Collection[int]) -> frozenset[str]:
    """The sha256 of the pixels of these frames; less where they cannot be decoded."""
    found = set()
    with suppress(FaceVeilError):
        for frame in source.sample(frames):
            found.add(hashlib.sha256(frame.image.tobytes()).hexdigest())
    return frozenset(found)


def require_gone(path: Path, painted: Sequence[Painted], options: Options) -> None:
    """Open a written document again, and look for the pictures that were painted in it.

    Raises:
        OutputError: one is left, whole or in part, in whatever place.
    """
    if not painted:
        return
    stored = {one.stored for one in painted}
    shown = frozenset().union(*(one.shown for one in painted))
    sizes = {one.size for one in painted}
    samples = [one.sample for one in painted if len(set(one.sample)) > 8]
    package, _ = open_package(path, options)
    with package:
        for leaf in leaves(Nest("", package.inner, package.built)):
            if isinstance(leaf, Still) and (
                leaf.sha256 in stored or _shows(leaf, shown, sizes, options)
            ):
                raise _left(leaf.name)
        for name, data in package.kept():
            if any(sample in data for sample in samples):
                raise _left(name)


def _shows(
    leaf: Still, shown: frozenset[str], sizes: set[tuple[int, int]], options: Options
) -> bool:
    with suppress(FaceVeilError), ImageSource(leaf.read(), leaf.kind, options) as source:
        if (source.media.width, source.media.height) in sizes:
            every = range(source.media.frames or 1)
            return not shown.isdisjoint(pixels_of(source, every))
    return False


def _left(name: str) -> OutputError:
    return OutputError(
        say(
            "a picture that was painted is left in another place of the document ({name})",
            name=name,
        ),
        say("If you edited the plan, cover the face in that picture, too."),
    )
