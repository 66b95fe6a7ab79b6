"""Faces over time: from detections to the boxes to cover.

Pure functions, no I/O. A face often appears before the detector first sees it. So a track reaches
back before its first hit, continues after its last, and covers the gaps between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from faceveil.by_frame import ByFrame
from faceveil.faces import Faces
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import Face, Track
from faceveil.track.cuts import THUMBNAIL, CutFinder, cuts_among, is_cut

__all__ = ["THUMBNAIL", "CutFinder", "cuts_among", "is_cut", "link", "separate", "timeline"]

DEFAULT_STEP = 0.04
"""Seconds between frames of a source that gives no usable times."""


def separate(found: Mapping[int, Sequence[Face]]) -> tuple[Track, ...]:
    """A track for each face of stills, which have nothing to do with each other.

    Args:
        found: number of the still -> faces there.
    """
    faces = [(index, face) for index in sorted(found) for face in found[index]]
    return tuple(
        Track(number, {index: face.box}, {index: face})
        for number, (index, face) in enumerate(faces)
    )


def timeline(pts: Sequence[int], time_base: Fraction | float) -> list[float]:
    """Seconds of each frame, strictly increasing whatever the container claims.

    Args:
        pts: presentation times in display order; broken files repeat or reverse some.
        time_base: seconds per unit of ``pts``.

    Returns:
        One time per frame. A step that is not positive is replaced by the median step.
    """
    steps = np.diff(np.asarray(pts, dtype=np.float64)) * float(time_base)
    good = steps[steps > 0]
    steps = np.where(steps > 0, steps, np.median(good) if good.size else DEFAULT_STEP)
    return [0.0, *np.cumsum(steps).tolist()] if len(pts) else []


def link(
    detections: Mapping[int, Sequence[Face]],
    times: Sequence[float],
    *,
    width: int,
    height: int,
    strong: float,
    weak: float,
    options: Options,
    cuts: Sequence[int] = (),
    whole: Collection[int] | None = None,
) -> tuple[Track, ...]:
    """Join the faces of single frames into tracks that leave no gap.

    Args:
        detections: frame index -> faces found there, for every frame in which the detector ran;
            a frame in which it ran and found nothing has an empty entry. Run it on the first
            frame of every scene at least.
        times: seconds of every frame of the video, strictly increasing (see ``timeline``).
        width, height: size of the picture in pixels.
        strong: a face with this score is covered on its own.
        weak: a face with this score is covered if it continues the track of a strong one.
        options: ``bridge_seconds`` and ``extend_seconds`` are used.
        cuts: frame indices at which a new scene begins. No track crosses one.
        whole: the frames that were looked at as a whole, if not all were: only in these does a
            missing detection mean something.

    Returns:
        The tracks in order of first appearance, numbered from 0. ``boxes`` holds every frame from
        the first to the last that is covered, each box inside the picture. In ``seen`` boxes of
        one face found twice in the same frame are one.

    Raises:
        ValueError: times do not increase, or a detection lies in a frame that does not exist.
    """
    # Photos have no use for these.
    from faceveil.track.chain import chains
    from faceveil.track.duplicates import merge_duplicates
    from faceveil.track.fill import cover
    from faceveil.track.scene import Hits, Scene

    if any(not a < b for a, b in pairwise(times)):
        raise ValueError("frame times must increase")
    if any(not 0 <= frame < len(times) for frame in detections):
        raise ValueError(f"detections outside the {len(times)} frames of the video")
    found: list[tuple[ByFrame[Box], ByFrame[Face]]] = []
    for first, end in _scenes(cuts, len(times)):
        seen = [frame for frame in sorted(detections) if first <= frame < end]
        ran = seen if whole is None else [frame for frame in seen if frame in whole]
        scene = Scene(times, first, end, ran)
        parts = [
            merge_duplicates(Faces.of(detections[frame]), width, height, strong, weak)
            for frame in seen
        ]
        faces = Faces.concatenate(parts)
        frames = np.repeat(np.array(seen, np.int64), [len(part) for part in parts])
        hits = Hits(faces, frames, np.asarray(times)[frames], faces.scores >= strong)
        for chain in chains(hits, scene, options):
            boxes = cover(chain, hits, scene, width, height, options)
            found.append((boxes, ByFrame(frames[chain], faces[chain])))
    found.sort(key=lambda item: (min(item[0]), min(item[1]), item[1][min(item[1])].box.as_tuple()))
    return tuple(Track(number, boxes, seen) for number, (boxes, seen) in enumerate(found))


def _scenes(cuts: Sequence[int], frames: int) -> Iterator[tuple[int, int]]:
    """Half-open frame ranges between the cuts."""
    inner = {cut for cut in cuts if 0 < cut < frames}
    return pairwise([0, *sorted(inner), frames]) if frames else iter(())
