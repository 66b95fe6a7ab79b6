"""Evidence of a run: its report, a page to print, a signature."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media import Sink, Source
from faceveil.media.original import Original
from faceveil.options import DECISIVE, Options
from faceveil.plan import Plan, Track
from faceveil.report import Checked, Finding, Report, Status, TrackFacts

SIZES = (0, 16, 32, 64, 128, 256)
"""Borders of the ranges in which faces are counted, in pixels; the last is open."""

MISSED = {
    "subtitles": say("the subtitles are left out"),
    "further picture stream": say("a further picture stream is left out"),
}
"""Dropped things that a user would miss, and the warning for each. The rest are metadata."""


# Settings that decide where and how fast the work is done, not its result.
def make_report(
    source: Source,
    sink: Sink,
    plan: Plan,
    options: Options,
    *,
    painted: Mapping[int, tuple[Box, ...]],
    findings: list[Finding],
    checked: Checked,
    files: tuple[Original, Original, str],
    seconds: float,
    warnings: tuple[str, ...] = (),
) -> Report:
    """Make the report of one file.

    Args:
        painted: frame index -> boxes that were painted there.
        files: the input, the finished output under its temporary name, and its final name, which
            is "" for one that is withheld.
        warnings: what is known beside that of source, sink and check.

    Raises:
        UnreadableError: one of the files changed meanwhile.
    """
    given, finished, name = files
    settings = settings_of(options)
    warnings = (*warnings, *source.warnings, *sink.warnings)
    warnings += tuple(MISSED[what] for what in source.dropped if what in MISSED)
    if name:
        certain = [finding for finding in findings if finding.kind != "doubt"]
        warnings += tuple(
            say("the check found {finding}", finding=finding.words) for finding in certain
        )
        warnings += _doubts([finding for finding in findings if finding.kind == "doubt"], plan)
    status: Status = "failed" if not name else "partial" if warnings else "ok"
    return Report(
        status=status,
        input=given.path.name,
        output=name,
        media=plan.media,
        length=float((plan.pts[-1] - plan.pts[0]) * plan.time_base) if plan.pts else 0.0,
        faces=sum(len(found.seen) for found in plan.tracks),
        tracks=len(plan.hidden),
        kept=len(plan.tracks) - len(plan.hidden),
        filled=sum(found.filled for found in plan.tracks),
        frames=len(plan.pts),
        copied=sink.copied,
        smallest_face_px=plan.min_face,
        sizes=_sizes(plan),
        faces_over_time=tuple(_facts(track) for track in plan.tracks),
        warnings=warnings,
        notes=(*source.notes, *sink.notes),
        dropped=source.dropped,
        findings=tuple(findings),
        check=checked,
        sha256_in=given.sha256,
        sha256_out=finished.sha256 if name else "",
        detector=plan.detector,
        weights_sha256=plan.weights_sha256,
        method=options.method,
        options=settings,
        options_sha256=digest(settings),
        version=version("faceveil"),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        regions=painted,
    )


def _doubts(doubts: list[Finding], plan: Plan) -> tuple[str, ...]:
    """The one warning of all doubts of the check; the report has a finding for each."""
    if not doubts:
        return ()
    first = max(doubts, key=lambda one: one.score or 0.0)
    where = first.detail
    if plan.media.kind != "image":
        where = say("{where} (frame {frame})", where=where, frame=first.frame)
        if first.frame is not None and first.frame < len(plan.media.parts):
            where = say("{where} ({part})", where=first.detail, part=plan.media.parts[first.frame])
    if len(doubts) == 1:
        return (
            say("the check is not sure of one place, look at it yourself: {where}", where=where),
        )
    return (
        say(
            "the check is not sure of {count} places, look at them yourself: {where}",
            count=len(doubts),
            where=where,
        ),
    )


def settings_of(options: Options) -> dict[str, Any]:
    """The settings that influence the output, as JSON; no path is among them."""
    return options.model_dump(mode="json", include=set(DECISIVE))


def digest(settings: Mapping[str, Any]) -> str:
    """The sha256 of settings: of their JSON with sorted keys and no spaces."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _sizes(plan: Plan) -> dict[str, int]:
    sizes = [_facts(track).largest_px for track in plan.hidden]
    ranges = pairwise((*SIZES, math.inf))
    return {
        f"{low}-{high}" if high < math.inf else f"{low}+": sum(low <= one < high for one in sizes)
        for low, high in ranges
    }


def _facts(track: Track) -> TrackFacts:
    boxes = [face.box for face in track.seen.values()] or list(track.boxes.values())
    sizes = [box.size for box in boxes]
    return TrackFacts(
        id=track.id,
        first=min(track.boxes, default=-1),
        last=max(track.boxes, default=-1),
        seen=len(track.seen),
        filled=track.filled,
        smallest_px=round(min(sizes, default=0.0), 1),
        largest_px=round(max(sizes, default=0.0), 1),
        score=round(max((face.score for face in track.seen.values()), default=0.0), 4),
        origin=track.origin,
        kept=track.keep,
    )
