"""The whole run on one page: open, analyze, (review,) render, check.

    open_source --> analyze --> Plan --> (review by a person) --> render --> check --> Report

A picture is a video with one frame. A source is read twice, because the frame before the detector
wakes up is the one that leaks: only a plan of the whole file can reach back.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from faceveil import check, media
from faceveil.detect import Detector, load_detector, threshold
from faceveil.errors import UsageError, WithheldError
from faceveil.media.memory import MemorySink, MemorySource
from faceveil.options import Options
from faceveil.paint import HOLD_SECONDS, Held, Painter, in_skip_zone, whole
from faceveil.region import Target
from faceveil.report import Report
from faceveil.scan import scan
from faceveil.stages import ahead, behind
from faceveil.track import link, timeline
from faceveil.types import Box, Image, Plan, Track

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, the frames done and their number, or None where it is not known."""

DEFAULTS = Options()


def veil_file(
    path: Path,
    out: Path | None = None,
    options: Options = DEFAULTS,
    *,
    plan: Plan | None = None,
    progress: Progress | None = None,
) -> Report:
    """Find and obscure every face of a file, check the result and give it its name.

    Args:
        path: a picture or a video. It is never changed.
        out: the file to write, or an existing folder to write it into. None: ``x.veiled.jpg``
            beside ``x.jpg``.
        plan: what to cover, in place of an analysis.

    Raises:
        InputError: the file cannot be read.
        WeightsError: the detector's weights are missing or altered.
        WithheldError: the check found something; nothing was written. Carries the report.
        UsageError: the options make no sense, or the output would replace the input.
    """
    started = time.monotonic()
    step = progress or _silent
    with media.open_source(path, options) as source:
        target = output_path(path, out, source)
        plan = plan or analyze(source, options, progress=step)
        with media.open_sink(target, source, options) as sink:
            painted = render(source, plan, options, sink, progress=step)
            finished = sink.finish()
            warnings = (*source.warnings, *sink.warnings)
            step("check", 0, None)
            findings = check.inspect(finished, plan, painted, options)
            report = Report(
                status="failed" if findings else "partial" if warnings else "ok",
                input=path.name,
                output="" if findings else target.name,
                faces=sum(len(found.seen) for found in plan.tracks),
                tracks=len(plan.hidden),
                kept=len(plan.tracks) - len(plan.hidden),
                filled=sum(found.filled for found in plan.tracks),
                frames=len(plan.pts),
                smallest_face_px=plan.min_face,
                warnings=warnings,
                notes=(*source.notes, *sink.notes),
                dropped=source.dropped,
                findings=tuple(findings),
                sha256_in=_sha256(path),
                sha256_out="" if findings else _sha256(finished),
                detector=plan.detector,
                weights_sha256=plan.weights_sha256,
                method=options.method,
                version=version("faceveil"),
                regions=painted,
            )
            if findings:
                raise WithheldError(
                    f"the check found {_in_words(len(findings))}; the output was withheld",
                    "see --report for what and where; a lower --confidence or --min-face finds "
                    "more faces",
                    report=replace(report, seconds=time.monotonic() - started),
                )
            sink.commit()
    return replace(report, seconds=time.monotonic() - started)


def veil_image(image: Image, options: Options = DEFAULTS) -> Image:
    """Obscure every face of a picture in memory.

    Args:
        image: (H, W, 3) uint8 BGR; left as it is.

    Returns:
        A new array of the same shape.
    """
    with MemorySource([image]) as source, MemorySink() as sink:
        render(source, analyze(source, options), options, sink)
        return sink.images[0]


def analyze_file(
    path: Path, options: Options = DEFAULTS, *, progress: Progress | None = None
) -> Plan:
    """Find every face of a file, without writing one. Raises as `veil_file` does."""
    with media.open_source(path, options) as source:
        return analyze(source, options, progress=progress)


def render_file(
    path: Path,
    plan: Plan,
    out: Path | None = None,
    options: Options = DEFAULTS,
    *,
    progress: Progress | None = None,
) -> Report:
    """Obscure what a plan says, after a person has looked at it. Raises as `veil_file` does."""
    return veil_file(path, out, options, plan=plan, progress=progress)


def analyze(
    source: media.Source,
    options: Options = DEFAULTS,
    *,
    detector: Detector | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Read a source once, find its faces and link them over time.

    Args:
        detector: in place of the one the options name; it is not closed.
    """
    kind, width, height = source.media.kind, source.media.width, source.media.height
    detector = detector or load_detector(options, kind)
    strong = threshold(detector, options)
    weak = strong if kind == "image" else strong * options.weak_share
    step = progress or _silent
    seen = scan(
        source, detector, weak, strong, lambda done, _: step("analyze", done, source.media.frames)
    )
    if kind == "image":
        tracks = tuple(Track(i, {0: face.box}, {0: face}) for i, face in enumerate(seen.found[0]))
    else:
        tracks = link(
            seen.found,
            timeline(seen.pts, source.time_base),
            width=width,
            height=height,
            strong=strong,
            weak=weak,
            options=options,
            cuts=seen.cuts,
        )
    return Plan(
        media=replace(source.media, frames=len(seen.pts)),
        tracks=tuple(_kept(track, options) for track in tracks),
        detector=detector.name,
        weights_sha256=detector.weights_sha256,
        min_face=detector.smallest_face(width, height),
        time_base=source.time_base,
        pts=tuple(seen.pts),
        cuts=seen.cuts,
    )


def render(
    source: media.Source,
    plan: Plan,
    options: Options,
    sink: media.Sink,
    *,
    progress: Progress | None = None,
) -> Mapping[int, tuple[Box, ...]]:
    """Read a source a second time and write it with everything covered that the plan says.

    Returns:
        What was painted: frame index -> boxes.

    Raises:
        UsageError: the plan was made for another picture.
    """
    size = (source.media.width, source.media.height)
    if size != (plan.media.width, plan.media.height):
        raise UsageError(
            f"the plan is for {plan.media.width}x{plan.media.height}, not {size[0]}x{size[1]}",
            "make a new plan from this file",
        )
    step = progress or _silent
    painter = Painter(options)
    targets = _targets(plan, options)
    cuts, held = set(plan.cuts), Held(HOLD_SECONDS / plan.time_base)
    painted = {}
    stream = ahead(source.frames())
    try:
        with behind(sink.write) as write:
            for frame in stream:
                wanted = [whole(size)] if frame.damaged else targets.get(frame.index, [])
                codes = held.at(frame.pts, frame.index in cuts)
                if covers := painter.paint(frame, size, wanted, codes):
                    painted[frame.index] = covers
                write(frame)
                step("render", frame.index + 1, len(plan.pts))
    finally:
        stream.close()
    return painted


def output_path(path: Path, out: Path | None, source: media.Source) -> Path:
    """Where the obscured version of a file goes."""
    if out is not None and not out.is_dir():
        return out
    suffix = media.output_suffix(source.media, path.name)
    stem = path.stem
    if suffix.lower() != path.suffix.lower():
        # x.heic and x.jpg may lie side by side and must not become one file.
        stem += path.suffix.replace(".", "-")
    return (out or path.parent) / f"{stem}.veiled{suffix}"


def _targets(plan: Plan, options: Options) -> dict[int, list[Target]]:
    """What to cover in each frame."""
    targets: dict[int, list[Target]] = {}
    for found in plan.hidden:
        for index, box in found.boxes.items():
            seen = found.seen.get(index)
            target = Target(found.id, box, seen.roll if seen else 0.0)
            targets.setdefault(index, []).append(target)
    return targets


def _kept(track: Track, options: Options) -> Track:
    """A track that stays inside a zone in which faces are left visible is kept."""
    inside = all(in_skip_zone(box, options) for box in track.boxes.values())
    return replace(track, keep=True) if track.boxes and inside else track


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_words(count: int) -> str:
    return "one thing" if count == 1 else f"{count} things"


def _silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""
