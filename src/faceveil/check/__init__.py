"""Check a finished file as an adversary would: does a face still show, is metadata left?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from faceveil import media
from faceveil.check.clear import Seen, clear_faces, likely_faces, same_place
from faceveil.check.confirm import confirmed, in_words
from faceveil.check.recall import Recall as Recall
from faceveil.detect import (
    Consulting,
    Detector,
    at_once,
    level,
    load_detector,
    load_judged,
    load_opinion,
    load_second,
    threshold,
)
from faceveil.detect.opinion import Opinion
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media.documents.films import films_of, unpacked
from faceveil.media.documents.remains import remains
from faceveil.options import Options
from faceveil.plan import Face, Media, Plan
from faceveil.report import Checked, Finding
from faceveil.system import beats
from faceveil.system.beats import Progress
from faceveil.system.stages import several
from faceveil.track.settle import DOUBTED

# A face counts as covered if this much of its box was painted. A detector that looks at a painted
# head places its box a little differently each time.
COVERED = 0.5
# Another detector's box around a face that stays visible may be larger by this share on each side.
# A box of less than this share of the area is around another face: behind a shoulder, on a shirt.
ROUND_KEPT, SMALLER = 0.25, 0.25
# Added to the score that a finding needs, because the check looks only once and cannot let several
# passes vote. A face that is only to be covered needs less: a false alarm then costs a box, not the
# file.
CERTAIN, WARY = 0.3, 0.2
MOST = 0.8
# A face whose score is higher by this than the analysis asks for, but not certain, is a doubt.
DOUBT = 0.1
# One in so many sampled frames of a video is shown to the second detector, which takes longer.
SECOND_ONE_IN = 4


def check_file(
    path: Path, options: Options, *, doubts: bool = False, progress: Progress = beats.moved
) -> list[Finding]:
    """Search any file for everything an adversary could use: every face, all metadata.

    It is not known here what was painted, and a painted head still looks a little like a face. So a
    face has to be clear: to one detector, or to two together. The rule for stills has to agree.

    Args:
        doubts: also report less certain faces, as findings of the kind "doubt".
        progress: called as in `faceveil.pipeline`, with the stage "check".

    Raises:
        InputError: the file cannot be read.
        WeightsError: the detector's weights are missing or altered.
    """
    found = []
    with media.open_source(path, options) as source:
        eyes, workers = _eyes(options, source.media)
        shared = options if source.media.still else at_once(options)[1]
        judge = load_judged(shared, load_detector(shared, "image"))

        def look(frame: Frame) -> list[Finding]:
            faces: list[Finding] = []
            seen: Seen = [eye.detect(frame, floor) for eye, floor in eyes]
            clear = clear_faces(frame, seen, [floor for _, floor in eyes])
            if isinstance(judge, Consulting):
                seen, clear = likely_faces(frame, seen, clear, judge)
            for (eye, _), some in zip(eyes, seen, strict=True):
                _add(faces, frame, eye, some, clear, source.media)
            return [one for one in faces if doubts or one.certain]

        for done, faces in enumerate(several(look, source.frames(), workers), 1):
            found += faces
            progress("check", done, source.media.frames)
        for film in films_of(source):
            with unpacked(film) as part:
                inner = check_file(part, options, doubts=doubts)
            found += [
                replace(one, detail=say("{name}: {what}", name=film.name, what=one.detail))
                for one in inner
                if one.kind != "metadata" or source.media.format == "pdf"
            ]
    return found + _metadata(path, options)


def inspect(
    path: Path,
    plan: Plan,
    painted: Mapping[int, Iterable[Box]],
    options: Options,
    recall: Recall | None = None,
    *,
    wary: bool = False,
    progress: Progress = beats.moved,
) -> tuple[list[Finding], Checked]:
    """Search a finished output for faces and for metadata.

    Args:
        path: the output, under its temporary name.
        plan: what it was made from; faces kept on purpose are no findings.
        painted: frame index -> boxes that were painted.
        wary: for faces that will be covered too: of a still, less certain ones count as well.
        recall: of the outputs that were made before this one. Used for stills.
        progress: called after each frame, with the stage "check".

    Returns:
        What was found. One of the kind "doubt" is for a person to look at, and no reason to
        withhold the output.
    """
    if options.check == "off":
        return [], Checked("off")
    with media.open_source(path, options) as output:
        faces, checked = look_over(
            output, plan, painted, options, recall, wary=wary, progress=progress
        )
    return faces + _metadata(path, options), checked


def look_over(
    output: media.Source,
    plan: Plan,
    painted: Mapping[int, Iterable[Box]],
    options: Options,
    recall: Recall | None = None,
    *,
    wary: bool = False,
    progress: Progress = beats.moved,
) -> tuple[list[Finding], Checked]:
    """Search an output for faces, as `inspect` does."""
    kind = output.media.kind
    eyes, workers = _eyes(options, output.media)
    some = kind == "video" and options.check == "sample"
    if some:
        from faceveil.check.sample import news, sampled

        sample = output.sample(sampled(plan, output.key_frames()))
        smallest = eyes[0][0].smallest_face(output.media.width, output.media.height)
        frames = news(sample, painted.keys(), smallest, float(output.time_base))
    else:
        frames = output.skim()
    # A second rendering of a video costs too much for what is only likely to be a face.
    margin = WARY if wary and output.media.still else CERTAIN
    recall = recall if output.media.still else None
    known, found, count = _Known(plan, painted, options, recall), [], 0
    opinion = load_opinion(at_once(options)[1], *eyes[0]) if kind == "video" else None
    numbers = _numbers(plan, output.media)

    def look(numbered: tuple[int, Frame]) -> list[Finding]:
        number, frame = numbered
        frame.index = numbers.get(frame.index, frame.index)
        faces: list[Finding] = []
        for eye, floor in eyes[:1] if some and number % SECOND_ONE_IN else eyes:
            certain = min(floor + margin, MOST)
            seen = known.unknown(frame, eye, min(floor + DOUBT, certain))
            if opinion is not None and eye is eyes[0][0]:
                seen = without_doubted(frame, seen, certain, opinion)
            clear = {face for face in seen if face.score >= certain}
            _add(faces, frame, eye, seen, clear, plan.media)
        return faces

    progress("check", 0, None)
    for faces in several(look, enumerate(frames), workers):
        found += faces
        count += 1
        progress("check", count, None if some else output.media.frames)
    if opinion is not None:
        found = confirmed(output, plan, found, eyes[0][0], opinion, workers)
    names = {eye.name: eye.weights_sha256 for eye, _ in eyes}
    return found, Checked(options.check, count, names)


def look_closely(
    path: Path,
    plan: Plan,
    painted: Mapping[int, Iterable[Box]],
    frames: Iterable[int],
    options: Options,
) -> dict[int, list[Face]]:
    """Faces in certain frames of an output that are neither painted nor kept, even faint ones.

    Args:
        frames: where to look.

    Returns:
        An entry for each of the frames.
    """
    with media.open_source(path, options) as output:
        known = _Known(plan, painted, options)
        eyes, workers = _eyes(options, output.media)

        def look(frame: Frame) -> tuple[int, list[Face]]:
            faces = (known.unknown(frame, eye, least) for eye, least in eyes)
            return frame.index, [face for seen in faces for face in seen]

        found = {}
        for index, faces in several(look, output.sample(set(frames)), workers):
            found[index] = faces
            beats.moved()
        return found


def _numbers(plan: Plan, output: Media) -> dict[int, int]:
    """The frames of a document's output -> those of its plan, where they are others.

    A picture that was replaced by a blank one has no frame of its own, or another.
    """
    if plan.media.parts == output.parts:
        return {}
    places = {part.name: index for index, part in enumerate(plan.media.parts)}
    beyond = len(plan.pts)
    return {index: places.get(part.name, beyond + index) for index, part in enumerate(output.parts)}


class _Known:
    """Areas that are painted, or visible because somebody chose so."""

    def __init__(
        self,
        plan: Plan,
        painted: Mapping[int, Iterable[Box]],
        options: Options,
        recall: Recall | None = None,
    ) -> None:
        self._recall = recall
        self._kept = [track.boxes for track in plan.tracks if track.keep]
        self._zones = [Box(*zone) for zone in options.skip_zones]
        self._painted = painted

    def unknown(self, frame: Frame, detector: Detector, floor: float) -> list[Face]:
        """The other faces that a quick look finds."""
        kept = [track[frame.index] for track in self._kept if frame.index in track]
        known = [*self._painted.get(frame.index, ()), *self._zones]
        seen = (
            detector.recheck(frame, floor)
            if self._recall is None
            else self._recall.recheck(frame, detector, floor)
        )
        return [
            face
            for face in seen
            if not _inside(face.box, known) and not any(_same(face.box, box) for box in kept)
        ]


def _eyes(options: Options, media: Media) -> tuple[list[tuple[Detector, float]], int]:
    """The detectors that look, each with the score from which a face counts for it, and how many
    frames they may be given at the same time.
    """
    # As in the analysis, whose networks are loaded already.
    workers, options = (1, options) if media.still else at_once(options)
    first, second = load_detector(options, media.kind), load_second(options, media.kind)
    eyes = [(first, threshold(first, options))]
    if second is not None:  # its scores are its own: a ``confidence`` is meant for the first
        eyes.append((second, level(second, options.sensitivity)))
    return eyes, workers


def without_doubted(
    frame: Frame, faces: list[Face], certain: float, opinion: Opinion
) -> list[Face]:
    """The faces without those that are not certain and that the other network doubts, too.

    A video's analysis left these out by the same rule.
    """
    unsure = [face for face in faces if face.score < certain]
    scores = opinion.judge(frame, Faces.of(unsure)).scores
    doubted = {face for face, score in zip(unsure, scores, strict=True) if score < DOUBTED}
    return [face for face in faces if face not in doubted]


def _same(box: Box, kept: Box) -> bool:
    """Whether a box is around the face in another one. A much smaller one in there is not."""
    around = kept.padded(ROUND_KEPT, ROUND_KEPT, ROUND_KEPT, ROUND_KEPT)
    return _inside(box, [around]) and box.area >= SMALLER * kept.area


def _inside(box: Box, known: list[Box]) -> bool:
    return sum(box.intersection(other) for other in known) >= COVERED * box.area


def _add(
    found: list[Finding],
    frame: Frame,
    detector: Detector,
    faces: Iterable[Face],
    certain: Collection[Face],
    media: Media,
) -> None:
    """Add the faces of a frame that were not found in it before, the most certain first.

    Args:
        certain: one that is not among these is a doubt.
        media: knows which part of a document the frame is.
    """
    part = media.parts[frame.index].name if frame.index < len(media.parts) else ""
    for face in sorted(faces, key=lambda face: -face.score):
        box, sure = face.box, face in certain
        if any(one.box is not None and same_place(one.box, box) for one in found):
            continue
        found.append(
            Finding(
                "face" if sure else "doubt",
                in_words(box, certain=sure),
                frame.index,
                box,
                face.score,
                detector.name,
                part,
            )
        )


def _metadata(path: Path, options: Options) -> list[Finding]:
    return [Finding("metadata", name) for name in remains(path, options)]
