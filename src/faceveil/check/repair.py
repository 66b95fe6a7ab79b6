"""Add the faces that the check found in an output to the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from faceveil.check import look_closely
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import Face, Plan, Track
from faceveil.report import Finding
from faceveil.track import link, separate, timeline

# A face that was missed where the check looked may be visible for this many seconds before and
# after: the check of a video looks once a second.
AROUND = 1.0


def repaired(
    path: Path | None,
    plan: Plan,
    painted: Mapping[int, Iterable[Box]],
    findings: Sequence[Finding],
    options: Options,
) -> Plan | None:
    """The plan, with the faces that the check found in its output added, marked as such.

    In a video the neighbourhood of each is searched too, frame by frame.

    Args:
        path: the output in which they were found; None for a picture in memory.
        painted: frame index -> boxes that were painted there.

    Returns:
        None if covering more would not help.
    """
    faces = [one for one in findings if one.kind == "face"]
    if not faces or len(faces) < len(findings):
        return None
    found: dict[int, list[Face]] = {}
    for one in faces:
        if one.frame is not None and one.box is not None and one.score is not None:
            found.setdefault(one.frame, []).append(Face(one.box, one.score))
    if plan.media.still or path is None:
        tracks = separate(found)
    else:
        tracks = _over_time(path, plan, painted, found, options)
    first = 1 + max((track.id for track in plan.tracks), default=-1)
    new = (
        replace(track, id=number, origin="checked") for number, track in enumerate(tracks, first)
    )
    return replace(plan, tracks=(*plan.tracks, *new)) if tracks else None


def _over_time(
    path: Path,
    plan: Plan,
    painted: Mapping[int, Iterable[Box]],
    found: Mapping[int, list[Face]],
    options: Options,
) -> tuple[Track, ...]:
    near = {index for frame in found for index in _around(plan, frame)}
    looks = {index: [*found.get(index, ())] for index in near}
    for index, faces in look_closely(path, plan, painted, near, options).items():
        looks[index] += faces
    return link(
        looks,
        timeline(plan.pts, plan.time_base),
        width=plan.media.width,
        height=plan.media.height,
        # Whatever starts a track here was certain enough for the check; the rest continues one.
        strong=min(face.score for faces in found.values() for face in faces),
        weak=0.0,
        options=options,
        cuts=plan.cuts,
    )


def _around(plan: Plan, frame: int) -> Iterator[int]:
    """The frames of the same scene within `AROUND` seconds."""
    reach = AROUND / plan.time_base
    start = max((cut for cut in plan.cuts if cut <= frame), default=0)
    end = min((cut for cut in plan.cuts if cut > frame), default=len(plan.pts))
    for index in range(start, end):
        if abs(plan.pts[index] - plan.pts[frame]) <= reach:
            yield index
