"""Evidence of a run: its report, a page to print, a signature."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from faceveil import weights
from faceveil.evidence.devices import device_notes
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media import Sink, Source
from faceveil.media.original import Original
from faceveil.options import Options
from faceveil.options.groups import DECISIVE
from faceveil.options.whereabouts import Whereabouts
from faceveil.plan import Plan, Track
from faceveil.report import Checked, Finding, Report, Status, TrackFacts

SIZES = (0, 16, 32, 64, 128, 256)
"""Borders of the ranges in which faces are counted, in pixels; the last is open."""

MISSED = {
    "subtitles": say("the subtitles are left out"),
    "further picture stream": say("a further picture stream is left out"),
}
"""Dropped things that a user would miss, and the warning for each. The rest are metadata."""


def make_report(
    source: Source,
    sink: Sink,
    plan: Plan,
    options: Options,
    *,
    painted: Mapping[int, Iterable[Box]],
    findings: list[Finding],
    checked: Checked,
    files: tuple[Original, Original, str] | None,
    seconds: float,
    withheld: bool = False,
    warnings: tuple[str, ...] = (),
) -> Report:
    """Make the report of one file.

    Args:
        painted: frame index -> boxes that were painted there.
        files: the input, the finished output under its temporary name, and its final name; None for
            what is only in memory.
        withheld: the output did not pass its check.
        warnings: what is known beside that of source, sink and check.

    Raises:
        UnreadableError: one of the files changed meanwhile.
    """
    # Those of a plan that was saved are plain texts by now, which nobody can translate.
    plan = replace(plan, media=replace(plan.media, parts=source.media.parts))
    settings = settings_of(options)
    warnings = (*warnings, *source.warnings, *sink.warnings)
    warnings += tuple(MISSED[what] for what in source.dropped if what in MISSED)
    if not withheld:
        certain = [finding for finding in findings if finding.certain]
        warnings += tuple(
            say("the check found {finding}", finding=finding.words) for finding in certain
        )
        warnings += _doubts([finding for finding in findings if not finding.certain], plan)
    status: Status = "failed" if withheld else "partial" if warnings else "ok"
    report = Report(
        status=status,
        media=plan.media,
        length=float((plan.pts[-1] - plan.pts[0]) * plan.time_base) if plan.pts else 0.0,
        faces=sum(len(found.seen) for found in plan.tracks),
        tracks=len(plan.hidden),
        kept=len(plan.tracks) - len(plan.hidden),
        filled=sum(found.filled for found in plan.tracks),
        frames=len(plan.pts),
        pages=plan.media.pages,
        pictures=plan.media.pictures,
        faces_by_part=plan.faces_by_part,
        copied=sink.copied,
        settled=plan.settled,
        smallest_face_px=plan.min_face,
        sizes=_sizes(plan),
        faces_over_time=tuple(_facts(track) for track in plan.tracks),
        warnings=warnings,
        notes=(
            *source.notes,
            *sink.notes,
            *device_notes((plan.detector, plan.second, *checked.detectors), options.device),
            *_unsettled(plan, options),
            *_whose(plan, options),
        ),
        dropped=source.dropped,
        findings=tuple(findings),
        check=checked,
        detector=plan.detector,
        weights_sha256=plan.weights_sha256,
        second=plan.second,
        second_sha256=_weights_of(plan.second),
        method=options.method,
        options=settings,
        options_sha256=digest(settings),
        version=version("faceveil"),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        regions={frame: tuple(boxes) for frame, boxes in painted.items()},
    )
    if files is None:
        return report
    given, finished, name = files
    report = replace(report, input=given.path.name, sha256_in=given.sha256)
    return report if withheld else replace(report, output=name, sha256_out=finished.sha256)


def _weights_of(name: str) -> str:
    """The sha256 of a detector's weights, whose name may say where it runs; "": not known."""
    kind = Whereabouts.of(name).detector
    return weights.TABLE[kind].sha256 if kind in weights.TABLE else ""


def _unsettled(plan: Plan, options: Options) -> tuple[str, ...]:
    """A note if a second network would have been asked, but is not here."""
    pair = {"yunet": "centerface", "centerface": "yunet"}
    missing = pair.get(plan.detector.partition(" ")[0])
    if not plan.media.still or plan.second or options.second_detector != "auto" or not missing:
        return ()
    return (
        say(
            "the weights of {missing} are not here, so {name} decided alone: at the same "
            "sensitivity it misses more faces, above all small ones, and covers more that is none; "
            "`faceveil weights fetch` brings them",
            missing=missing,
            name=plan.detector,
        ),
    )


def _whose(plan: Plan, options: Options) -> tuple[str, ...]:
    """Notes if photos decided who stays visible, or somebody who said whose a face is."""
    moved = sum(track.keep and track.why == "moved" for track in plan.tracks)
    said = say("faces visible only because somebody put them with a person: {count}", count=moved)
    return (*_by_photo(plan, options), *((said,) if moved else ()))


def _by_photo(plan: Plan, options: Options) -> tuple[str, ...]:
    judged = [track for track in plan.tracks if track.why not in ("", "moved")]
    told = any(track.why in ("reference", "stranger") for track in judged)
    if not (told or options.keep or options.hide):
        return ()
    visible = sum(track.keep for track in judged)
    known = sum(track.why in ("reference", "stranger") and not track.keep for track in judged)
    return (
        say(
            "photos of a person decided which faces are covered: left visible {visible}, "
            "covered {known}, covered because it could not be told who it is {unsure}",
            visible=visible,
            known=known,
            unsure=len(judged) - visible - known,
        ),
    )


def _doubts(doubts: list[Finding], plan: Plan) -> tuple[str, ...]:
    """The one warning of all doubts of the check; the report has a finding for each."""
    if not doubts:
        return ()
    first = max(doubts, key=lambda one: one.score or 0.0)
    where = first.detail
    if plan.media.kind != "image":
        where = say("{where} (frame {frame})", where=where, frame=first.frame)
        if first.part:
            where = say("{where} ({part})", where=first.detail, part=first.part)
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
        why=track.why,
        person=track.person,
    )
