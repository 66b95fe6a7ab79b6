"""Leave one person visible, or hide only one, as photos of that person say; number the people.

What is computed from a face stays in the memory of this run and is in none of its results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from faceveil.detect.views import Stretched
from faceveil.people.chip import aligned
from faceveil.people.embedder import Embedder, Points, embed_both, load_embedder
from faceveil.people.gallery import Gallery
from faceveil.people.judge import Compared, Label, Mode, cut, decide, distances, limit_of, near
from faceveil.people.photos import photos_of
from faceveil.people.stretches import Stretch, looks_by_frame, stretches
from faceveil.system import beats
from faceveil.track import timeline

if TYPE_CHECKING:
    from faceveil.media import Source
    from faceveil.options import Options
    from faceveil.plan import Plan, Track, Why
    from faceveil.system.beats import Progress


def recognized(
    plan: Plan,
    source: Source,
    options: Options,
    *,
    gallery: Gallery | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> Plan:
    """The plan with the faces marked that stay visible, and with people numbered, as the options
    ask for. Reads the source once more.

    Where they ask for neither, nothing is loaded and the plan is returned as it is.

    Args:
        gallery: the people of other files, to be numbered alike.
        embedder: in place of dlib's network.
        progress: called for each frame that is read.

    Raises:
        UsageError: a photo does not show one face, or they show several people.
        WeightsError: the network's weights are missing or altered.
    """
    by_photo = bool(options.keep or options.hide)
    if not (by_photo or options.people):
        return plan
    network = embedder or load_embedder(options)
    photos = photos_of(options, network) if by_photo else None
    times, still = timeline(plan.pts, plan.time_base), source.media.still
    parts = stretches(plan.tracks, times, still, plan.cuts)
    seen = _looked_at(parts, source, plan, network, progress)
    numbers: Sequence[int | None] = [None] * len(parts)
    if options.people:
        numbers = (gallery or Gallery()).number(
            [
                (part.frames, np.array(list(looks.values())))
                for part, looks in zip(parts, seen, strict=True)
            ]
        )
    if photos is None:
        made = _numbered(parts, numbers, seen, times, still)
    else:
        mode: Mode = "keep" if options.keep else "hide"
        judged = [
            Compared(part, _distances(looks, photos), number)
            for part, looks, number in zip(parts, seen, numbers, strict=True)
        ]
        made = decide(judged, times, mode, limit_of(photos), still)
    tracks = [one for track in plan.tracks for one in made.get(track.id, [track])]
    tracks.sort(key=lambda track: min(track.boxes, default=-1))
    return replace(
        plan, tracks=tuple(replace(track, id=number) for number, track in enumerate(tracks))
    )


def _looked_at(
    parts: Sequence[Stretch],
    source: Source,
    plan: Plan,
    network: Embedder,
    progress: Progress | None,
) -> list[dict[int, Points]]:
    """Of each stretch, frame -> what a look at it there gives."""
    wanted = looks_by_frame(parts)
    found: list[dict[int, Points]] = [{} for _ in parts]
    last = max(wanted, default=-1)
    for frame in source.skim():
        if frame.index > last:
            break
        beats.moved()
        if progress is not None:
            progress("analyze", frame.index + 1, last + 1)
        # A frame that is not the planned one says nothing: whoever is on it is not known.
        if frame.index not in wanted or frame.damaged or frame.pts != plan.pts[frame.index]:
            continue
        numbers = wanted[frame.index]
        faces = [parts[number].track.seen[frame.index] for number in numbers]
        view = frame if frame.aspect == 1 else Stretched(frame, frame.aspect)
        shares = view.shares if isinstance(view, Stretched) else 1
        chips = [aligned(view.image, np.array(face.landmarks) * shares) for face in faces]
        for number, point in zip(numbers, embed_both(network, chips), strict=True):
            found[number][frame.index] = point
    return found


def _distances(looks: dict[int, Points], photos: Points) -> dict[int, float]:
    if not looks:
        return {}
    far = distances(np.array(list(looks.values())), photos)
    return dict(zip(looks, far.tolist(), strict=True))


def _numbered(
    parts: Sequence[Stretch],
    numbers: Sequence[int | None],
    seen: Sequence[dict[int, Points]],
    times: Sequence[float],
    still: bool,
) -> dict[int, list[Track]]:
    """The parts of each track by its id, each with the number of its person.

    On the page a click on a person makes all of its parts visible, so a number reaches no farther
    than a look speaks.
    """
    labels: dict[int, dict[int, Label]] = {}
    tracks: dict[int, Track] = {}
    for part, number, looks in zip(parts, numbers, seen, strict=True):
        tracks[part.track.id] = part.track
        mine, looked = labels.setdefault(part.track.id, {}), sorted(looks)
        for frame in part.frames:
            sure = number is not None and (still or near(looked, frame, times))
            why: Why = "" if sure else part.why or "unsure"
            if part.track.why in ("reference", "stranger"):  # photos have said more
                why = part.track.why
            mine[frame] = Label(part.track.keep, why, number if sure else None)
    return {number: list(cut(tracks[number], mine)) for number, mine in labels.items()}
