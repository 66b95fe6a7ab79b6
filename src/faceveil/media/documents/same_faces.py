"""A face that is found on a page and again in the picture that lies there is one face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceveil.geometry import Box
from faceveil.media import Source
from faceveil.media.documents.matrices import inverted, moved
from faceveil.plan import Track

if TYPE_CHECKING:
    from faceveil.media.documents.document import DocumentSource
    from faceveil.media.documents.pdf_source import PdfSource

_ALIKE = 0.3
"""Overlap of the boxes of one face, as intersection over union, at least."""


def joined(source: Source, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """The tracks of a document, one for each face on all its pages and in all its pictures.

    So a face that a person leaves visible stays so wherever it is shown, and is counted once.
    For any other source they are what they were.
    """
    if source.media.kind != "document":
        return tracks
    from faceveil.media.documents.document import DocumentSource
    from faceveil.media.documents.pdf_source import PdfSource

    if isinstance(source, PdfSource):
        ways = list(_ways(source))
    elif isinstance(source, DocumentSource):
        ways = list(_collage_ways(source))
    else:
        return tracks
    by_frame: dict[int, list[int]] = {}
    for number, track in enumerate(tracks):
        by_frame.setdefault(min(track.boxes), []).append(number)
    groups = {number: [number] for number in range(len(tracks))}
    for frame, other, matrix in ways:
        for number in by_frame.get(frame, ()):
            place = Box(*moved(matrix, tracks[number].boxes[frame].as_tuple()))
            best = max(
                by_frame.get(other, ()),
                key=lambda one: tracks[one].boxes[other].iou(place),
                default=None,
            )
            if best is not None and tracks[best].boxes[other].iou(place) >= _ALIKE:
                _join(groups, number, best, tracks)
    first = sorted({id(group): min(group) for group in groups.values()}.values())
    return tuple(
        _one([tracks[member] for member in sorted(groups[number])], new)
        for new, number in enumerate(first)
    )


def _join(groups: dict[int, list[int]], one: int, other: int, tracks: Sequence[Track]) -> None:
    """Put two tracks into one group, unless it then had two boxes on a frame."""
    mine, theirs = groups[one], groups[other]
    if mine is theirs:
        return
    frames = [frame for member in (*mine, *theirs) for frame in tracks[member].boxes]
    if len(set(frames)) == len(frames):
        mine += theirs
        groups.update(dict.fromkeys(theirs, mine))


def _one(members: Sequence[Track], number: int) -> Track:
    boxes = {frame: box for member in members for frame, box in member.boxes.items()}
    seen = {frame: face for member in members for frame, face in member.seen.items()}
    return replace(members[0], id=number, boxes=boxes, seen=seen)


def _ways(source: PdfSource) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """From each frame of a page to the frames that show the same: (3, 3) from pixels to pixels."""
    from faceveil.media.documents.pdf_pieces import number_of

    parts = source.layout.parts
    pictures = {part.picture: index for index, part in enumerate(parts) if part.kind == "picture"}
    pages = {part.page: index for index, part in enumerate(parts) if part.kind == "page"}
    layers = {part.page: index for index, part in enumerate(parts) if part.kind == "layers"}
    for index, part in enumerate(parts):
        if part.kind == "other":
            continue
        if part.pieces is not None:
            for frames in (pages, layers):
                if part.page in frames:
                    yield frames[part.page], index, part.pieces.onto
            for placed in part.pieces.placed:
                if (number := number_of(placed)) in pictures:
                    onto = part.pieces.onto @ placed.whole
                    yield index, pictures[number], _into(parts[pictures[number]].size, onto)
            continue
        if part.kind not in ("page", "layers"):
            continue
        if part.kind == "layers" and part.page in pages:
            yield pages[part.page], index, np.eye(3)
        to_user = source.to_user_space(part)
        for place in source.layout.drawings[part.page].places:
            if place.picture not in pictures or abs(np.linalg.det(place.frame)) < 1e-9:
                continue
            picture = pictures[place.picture]
            yield index, picture, _into(parts[picture].size, place.frame) @ to_user


def _collage_ways(source: DocumentSource) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """The same from pictures that were put together to each of them."""
    for index, scene in enumerate(source.scenes):
        for placed, shown in zip(scene.collage.placed, scene.shown, strict=True):
            onto = scene.collage.onto @ placed.whole
            yield index, shown.frames[0], _into(shown.size, onto)


def _into(size: tuple[int, int], onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) to the pixels of a picture.

    Args:
        onto: (3, 3) from its unit square, whose second number grows downwards.
    """
    return np.diag([*map(float, size), 1.0]) @ inverted(onto)
