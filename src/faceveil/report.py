"""The report of a file and the findings of its check. Frozen, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.plan import Media
from faceveil.system.text import as_json

Status = Literal["ok", "partial", "failed", "skipped"]
KINDS: Final = {"face": say("face"), "doubt": say("doubt"), "metadata": say("metadata")}
"""Kinds of findings as a person reads them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the check found in an output.

    Attributes:
        kind: "face" (still detectable, outside what was covered or kept), "doubt" (what may be one,
            for a person to look at; never a reason to withhold) or "metadata".
        detail: what exactly, without any content of the file.
        frame, box: where, for a face.
        part: of a document, the page or part that the frame is.
        detector: which one saw it.
    """

    kind: Literal["face", "doubt", "metadata"]
    detail: str
    frame: int | None = None
    box: Box | None = None
    score: float | None = None
    detector: str = ""
    part: str = ""

    @property
    def certain(self) -> bool:
        """Whether it is a reason to withhold the output."""
        return self.kind != "doubt"

    @property
    def words(self) -> str:
        """The finding and its place, in one line."""
        if self.frame is None:
            return say("{name}: {what}", name=KINDS[self.kind], what=self.detail)
        if self.part:
            return say(
                "{kind} in {part}: {detail}",
                kind=KINDS[self.kind],
                part=self.part,
                detail=self.detail,
            )
        return say(
            "{kind} in frame {frame}: {detail}",
            kind=KINDS[self.kind],
            frame=self.frame,
            detail=self.detail,
        )

    def to_dict(self) -> dict[str, Any]:
        """As it is printed and saved for other programs."""
        return asdict(self) | {"box": self.box and corners(self.box)}


@dataclass(frozen=True, slots=True)
class Checked:
    """The extent of the check of an output.

    Attributes:
        mode: "sample", "full", or "off": not at all.
        frames: number of frames looked at.
        detectors: name -> sha256 of the weights.
        repairs: how often it was made again, with the faces covered that had been found.
        added: number of faces that were added to the plan for it.
    """

    mode: str
    frames: int = 0
    detectors: Mapping[str, str] = field(default_factory=dict)
    repairs: int = 0
    added: int = 0


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """One face over time, without pixels.

    Attributes:
        first, last: the frames in which it is covered first and last; -1 for an empty track.
        seen, filled: number of frames in which it was seen, and covered without having been seen.
        smallest_px, largest_px: sizes of the boxes.
        score: the detector's best; 0 for one that a person drew.
        origin: "detected", "checked" (the check found it), "manual" or "zone".
        kept: left visible on request.
        why, person: the reason, if photos of a person decided it, and the person's number, if the
            people were numbered; see `Track`.
    """

    id: int
    first: int
    last: int
    seen: int
    filled: int
    smallest_px: float
    largest_px: float
    score: float
    origin: str
    kept: bool
    why: str = ""
    person: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one file. A warning means that the status is not "ok".

    Attributes:
        input, output: base names only; "" where there is no file.
        media: what the input is; None for an archive.
        length: seconds of the video or animation; 0 for a still.
        faces: number of face boxes seen, over all frames.
        tracks: number of different faces covered; ``kept``: left visible on request.
        filled: number of face boxes covered without having been seen.
        pages, pictures: of a document, how many it has; ``faces_by_part``: name of a page, or of a
            part with pictures or a film -> number of different faces covered there.
        copied: number of a video's frames in which nothing is painted and that went over as they
            were coded.
        settled: number of places, over all frames, where ``detector`` could not settle whether a
            face is there, and ``second`` was asked.
        smallest_face_px: size of the smallest face that could have been found.
        sizes: range of sizes in pixels ("16-32") -> number of faces covered of that size.
        faces_over_time: each face, in order of first appearance.
        warnings: what went wrong or weakens the result.
        notes: what was converted on the way; harmless.
        dropped: what the input held and the output does not: metadata, streams.
        check: how the output was looked at.
        options: every setting that has a say in the output; ``options_sha256``: of their JSON with
            sorted keys and no spaces.
        date: when it was done, UTC, ISO 8601.
        regions: frame index -> the boxes painted there, in pixels.
    """

    status: Status
    input: str = ""
    output: str = ""
    media: Media | None = None
    length: float = 0.0
    faces: int = 0
    tracks: int = 0
    kept: int = 0
    filled: int = 0
    frames: int = 1
    pages: int = 0
    pictures: int = 0
    faces_by_part: Mapping[str, int] = field(default_factory=dict)
    copied: int = 0
    settled: int = 0
    smallest_face_px: float = 0.0
    sizes: Mapping[str, int] = field(default_factory=dict)
    faces_over_time: tuple[TrackFacts, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    check: Checked | None = None
    sha256_in: str = ""
    sha256_out: str = ""
    detector: str = ""
    weights_sha256: str = ""
    second: str = ""
    second_sha256: str = ""
    method: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    options_sha256: str = ""
    version: str = ""
    date: str = ""
    seconds: float = 0.0
    regions: Mapping[int, tuple[Box, ...]] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line: as it is saved for other programs."""
        # The fields with boxes in them are done by hand: as objects they would be written otherwise
        # than elsewhere.
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields["media"] = self.media and asdict(self.media)
        fields["check"] = self.check and asdict(self.check)
        fields["faces_over_time"] = [asdict(facts) for facts in self.faces_over_time]
        fields["findings"] = [finding.to_dict() for finding in self.findings]
        fields["regions"] = {
            str(frame): [corners(box) for box in boxes] for frame, boxes in self.regions.items()
        }
        return as_json(fields)


def corners(box: Box) -> list[float]:
    """A box as other programs get it: left, top, right, bottom."""
    return [round(value, 2) for value in box.as_tuple()]
