"""What is told about a run: the report of a file and what its check found. Frozen, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from faceveil.types import Box

Status = Literal["ok", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the check found in an output.

    Attributes:
        kind: "face" (still detectable, outside what was covered or kept) or "metadata".
        detail: what exactly, without any content of the file.
        frame, box: where, for a face.
    """

    kind: Literal["face", "metadata"]
    detail: str
    frame: int | None = None
    box: Box | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to one file. A warning means the status is not "ok".

    Attributes:
        input, output: base names only; "" where there is no file.
        faces: number of face boxes seen, over all frames.
        tracks: number of different faces covered; ``kept``: left visible on request.
        filled: number of face boxes covered without having been seen.
        width, height: of the picture as displayed, in pixels; 0 for an archive.
        smallest_face_px: size of the smallest face that could have been found.
        warnings: what went wrong or weakens the result.
        notes: what was converted on the way; harmless.
        dropped: what the input held and the output does not: metadata, streams.
        regions: frame index -> the boxes painted there, in pixels.
    """

    status: Status
    input: str = ""
    output: str = ""
    faces: int = 0
    tracks: int = 0
    kept: int = 0
    filled: int = 0
    frames: int = 1
    width: int = 0
    height: int = 0
    smallest_face_px: float = 0.0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    sha256_in: str = ""
    sha256_out: str = ""
    detector: str = ""
    weights_sha256: str = ""
    method: str = ""
    version: str = ""
    seconds: float = 0.0
    regions: Mapping[int, tuple[Box, ...]] = field(default_factory=dict)
