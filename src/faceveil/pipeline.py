"""The whole run on one page: open, analyze, (review,) render, check.

    open_source --> analyze --> Plan --> (review by a person) --> render --> check --> Report

A picture is a video with one frame. A source is read twice, because a face often appears a few
frames before the detector first sees it: only a plan of the whole file can cover those frames.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceveil import check, media
from faceveil.by_frame import Boxes
from faceveil.check import quarantine
from faceveil.check.repair import repaired
from faceveil.detect import UNSURE, Detector, at_once, load_detector, load_opinion, threshold
from faceveil.detect.load import load_judged, opened_beside, second_of
from faceveil.detect.runtime import give_back_store
from faceveil.evidence import make_report
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media.documents.films import veil_films, with_films
from faceveil.media.documents.same_faces import joined
from faceveil.media.original import Original, belongs, other_file
from faceveil.media.place import output_path
from faceveil.obscure import doubts_of, load_obscurer
from faceveil.obscure.painter import HOLD_SECONDS, Held, Painter, Targets, whole
from faceveil.options import Options
from faceveil.plan import Plan
from faceveil.report import Report
from faceveil.scan import Scan, scan
from faceveil.system import beats
from faceveil.system.beats import Progress as Progress
from faceveil.system.stages import Executor, ahead, behind, depth_for
from faceveil.track import link, separate, timeline
from faceveil.track.settle import settle, zoned

if TYPE_CHECKING:
    from faceveil.dataset import Marked
    from faceveil.people import Gallery

DEFAULTS = Options()

CODED_ANEW = say("what nobody touched could not be copied as it was, and was encoded again")

REPAIRS = 2
"""Number of times that an output is made again because the check found a face in it."""


def veil_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    options: Options = DEFAULTS,
    *,
    plan: Plan | None = None,
    foreign: bool = False,
    progress: Progress | None = None,
    mended: Callable[[Plan], None] = lambda plan: None,
    name: str = "",
    **settings: Any,
) -> Report:
    """Find and obscure every face of a file, check the result and give it its name.

    Args:
        path: a picture or a video. It is never changed.
        out: the file to write, or an existing folder to write it into. None: ``x.veiled.jpg``
            beside ``x.jpg``.
        plan: the faces to cover; no analysis is made then.
        foreign: take the plan of another file, too; the report warns of it.
        mended: called with the plan whenever the check has added a face to it.
        name: what an output without a name is named after; "": the file.
        progress: called while the work goes on; raises `faceveil.Cancelled` to end it.
        settings: options by name, in place of those of ``options``.

    Raises:
        InputError: the file cannot be read, or changed meanwhile.
        WeightsError: the detector's weights are missing or altered.
        WithheldError: the check found something that could not be mended. Carries the report, and
            says where the output was put aside.
        UsageError: senseless options, an output in the input's place, a plan of another file.
    """
    started = time.monotonic()
    step, options = progress or _silent, options.but(**settings)
    path, out = Path(path), None if out is None else Path(out)
    original = Original(path)
    with media.open_source(path, options) as source:
        target, naming = output_path(path, out, source, options, name)
        sha256 = original.sha256
        warnings = () if plan is None else belongs(plan, sha256, foreign)
        warnings += doubts_of(load_obscurer(options))
        plan = zoned(plan or analyze(source, options, progress=step), options)
        original.require_same()
        faces, repairs, written_with, seen = len(plan.tracks), 0, options, check.Recall()
        while True:
            mend = options.on_fail == "obscure-more" and repairs < REPAIRS
            with media.open_sink(target, source, written_with) as sink:
                films = veil_films(source, sink, options, partial(veil_file, progress=step))
                painted = render(source, plan, options, sink, progress=step)
                original.require_same()
                finished = sink.finish()
                if sink.spoilt:
                    written_with = options.model_copy(update={"copy_unpainted": "never"})
                    naming += (CODED_ANEW,)
                    continue
                made = Original(finished)
                findings, checked = check.inspect(
                    finished, plan, painted, options, seen, wary=mend, progress=step
                )
                certain = [one for one in findings if one.certain]
                more = repaired(finished, plan, painted, certain, options) if mend else None
                made.require_same()
                if more is not None:
                    plan, repairs = more, repairs + 1
                    mended(plan)
                    continue
                written = not certain or options.on_fail == "warn"
                report = make_report(
                    source,
                    sink,
                    plan,
                    options,
                    painted=painted,
                    findings=findings,
                    checked=replace(checked, repairs=repairs, added=len(plan.tracks) - faces),
                    files=(original, made, target.name),
                    withheld=not written,
                    warnings=warnings,
                    seconds=time.monotonic() - started,
                )
                report = replace(report, notes=(*report.notes, *naming))
                report = with_films(report, films)
                if not written:
                    raise quarantine.withhold(finished, target, report)
                sink.commit()
                quarantine.release(target)
                return report


def analyze_file(
    path: str | os.PathLike[str],
    options: Options = DEFAULTS,
    *,
    progress: Progress | None = None,
    executor: Executor | None = None,
    gallery: Gallery | None = None,
    **settings: Any,
) -> Plan:
    """Find every face of a file, without writing one. Raises as `veil_file` does.

    Args:
        settings: as in `veil_file`.
        executor: scans the parts of a long video, if ``options.parts`` asks for several. The plan
            does not depend on it.
        gallery: the people of other files, to be numbered alike if ``options.people`` asks for it.
    """
    path, options = Path(path), options.but(**settings)
    original = Original(path)
    with media.open_source(path, options) as source:
        seen = None
        if executor is not None and options.parts > 1 and source.media.kind == "video":
            from faceveil.scan.parts import scan_in_parts

            seen = scan_in_parts(path, options, executor)
        plan = _analyze(source, options, None, progress, seen, gallery)
    return _of(original, plan)


def marked_plan(path: Path, marked: Marked, options: Options = DEFAULTS) -> Plan:
    """A plan of boxes from elsewhere for a file, without looking for faces.

    Raises:
        UnsupportedError: the boxes are not for this picture.
    """
    original = Original(path)
    with media.open_source(path, options) as source:
        pts: Sequence[int] = (0,)
        if source.media.kind != "image":
            pts = [frame.pts for frame in _with_beats(source.skim())]
        plan = marked.plan(replace(source.media, frames=len(pts)), source.time_base, pts)
    return _of(original, plan)


def render_file(
    path: str | os.PathLike[str],
    plan: Plan,
    out: str | os.PathLike[str] | None = None,
    options: Options = DEFAULTS,
    *,
    foreign: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Report:
    """Obscure the faces of a plan, for example after a person has reviewed it. Raises as
    `veil_file` does.

    Args:
        foreign: take the plan of another file, too; the report warns of it.
        settings: as in `veil_file`.
    """
    return veil_file(path, out, options, plan=plan, foreign=foreign, progress=progress, **settings)


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
    return _analyze(source, options, detector, progress)


def _analyze(
    source: media.Source,
    options: Options,
    detector: Detector | None,
    progress: Progress | None,
    seen: Scan | None = None,
    gallery: Gallery | None = None,
) -> Plan:
    """As `analyze`, for a source that may have been read already: ``seen`` is the result."""
    width, height, still = source.media.width, source.media.height, source.media.still
    given = detector is not None
    workers, shared = (1, options) if given or still else at_once(options)
    with opened_beside(shared) if still and not given else nullcontext():
        detector = detector or load_detector(shared, source.media.kind)
    detector = load_judged(shared, detector) if still and not given else detector
    strong = threshold(detector, options)
    opinion = None if given or still else load_opinion(shared, detector, strong)
    weak = strong if still else strong * options.weak_share
    step = progress or _silent

    def read(done: int) -> None:
        step("analyze", done, source.media.frames)

    seen = seen or scan(source, detector, weak, strong, read, workers, opinion)
    if still:
        tracks, seen.cuts = separate(seen.found), tuple(range(1, len(seen.pts)))
    else:
        tracks = link(
            {**seen.found_in_crops, **seen.found},
            timeline(seen.pts, source.time_base),
            width=width,
            height=height,
            strong=strong,
            weak=weak,
            options=options,
            cuts=seen.cuts,
            whole=seen.found.keys(),
        )
    plan = Plan(
        media=replace(source.media, frames=len(seen.pts)),
        tracks=joined(source, settle(tracks, seen.opinions, *UNSURE)),
        detector=seen.detector or detector.name,
        weights_sha256=detector.weights_sha256,
        min_face=detector.smallest_face(width, height),
        time_base=source.time_base,
        pts=tuple(seen.pts),
        cuts=seen.cuts,
        second=seen.second or second_of(detector, opinion),
        settled=seen.asked,
    )
    plan = zoned(plan, options)
    if options.keep or options.hide or options.people:
        from faceveil.people import recognized  # loads a network that hardly any run needs

        plan = recognized(plan, source, options, gallery=gallery)
    return plan


def render(
    source: media.Source,
    plan: Plan,
    options: Options,
    sink: media.Sink,
    *,
    progress: Progress | None = None,
) -> Mapping[int, Sequence[Box]]:
    """Read a source a second time and write it with every face of the plan covered.

    What the sink takes over as it is coded, because nothing is painted there, is not read here.

    Returns:
        What was painted: frame index -> boxes.

    Raises:
        UsageError: the plan was made for another picture or video.
    """
    size = (source.media.width, source.media.height)
    if size != (plan.media.width, plan.media.height):
        planned, found = f"{plan.media.width}x{plan.media.height}", f"{size[0]}x{size[1]}"
        raise other_file(say("it is for {planned}, not {found}", planned=planned, found=found))
    if plan.media.parts not in ((), source.media.parts):
        raise other_file(say("its pages or pictures are others, or lie in another order"))
    step = progress or _silent
    if not source.media.still:
        give_back_store()  # of the search, which is over
    painter, targets = Painter(options), Targets(plan)
    cuts, scene, held = sorted(plan.cuts), 0, Held(HOLD_SECONDS / plan.time_base)
    touched = range(len(plan.pts)) if options.cover_zones else targets.frames
    kept = sink.keep(plan.pts, touched)
    copied = sum(len(span.frames) for span in kept)
    painted, count = {}, copied
    depth = depth_for(size[0] * size[1], still=source.media.still)
    stream = ahead(source.frames(kept), depth)
    try:
        with behind(sink.write, depth) as write:
            for frame in stream:
                if frame.index >= len(plan.pts):
                    raise other_file(say("it is for {frames} frames", frames=len(plan.pts)))
                if frame.pts != plan.pts[frame.index]:
                    raise other_file(say("frame {frame} is at another time", frame=frame.index))
                extent = frame.size  # pages have their own
                wanted = [whole(extent)] if frame.damaged else targets.at(frame.index)
                before, scene = scene, bisect_right(cuts, frame.index)
                hold = held.at(frame.pts, scene != before)  # the cut may be in what is copied
                if covers := painter.paint(frame, extent, wanted, hold):
                    painted[frame.index] = Boxes.of(covers)
                write(frame)
                count += 1
                # What is copied takes no time: it would promise an early end.
                step("render", count - copied, len(plan.pts) - copied)
    finally:
        stream.close()
    if count != len(plan.pts):
        frames = len(plan.pts)
        raise other_file(say("it is for {frames} frames, not {found}", frames=frames, found=count))
    return painted


def _with_beats(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The same frames; each one gives a sign of life."""
    for frame in frames:
        beats.moved()
        yield frame


def _of(original: Original, plan: Plan) -> Plan:
    """The plan with the hash of the file that it was made from."""
    plan = replace(plan, sha256=original.sha256)
    original.require_same()
    return plan


def _silent(stage: str, done: int, total: int | None) -> None:
    """A progress function that does nothing."""
