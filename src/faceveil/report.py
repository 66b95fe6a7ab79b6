"""What is told about a run: the report of a file and what its check found. Frozen, no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

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

    def to_dict(self) -> dict[str, Any]:
        """As it is printed and saved for other programs."""
        return asdict(self) | {"box": self.box and corners(self.box)}


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to one file. A warning means the status is not "ok".

    Attributes:
        input, output: base names only; "" where there is no file.
        faces: number of face boxes seen, over all frames.
        tracks: number of different faces covered; ``kept``: left visible on request.
        filled: number of face boxes covered without having been seen.
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

    def to_json(self) -> str:
        """One line: as it is saved for other programs."""
        # The two fields with boxes in them are put aside: as objects they would be written
        # otherwise than elsewhere.
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields["findings"] = [finding.to_dict() for finding in self.findings]
        fields["regions"] = {
            str(frame): [corners(box) for box in boxes] for frame, boxes in self.regions.items()
        }
        return json.dumps(fields, ensure_ascii=False)


def corners(box: Box) -> list[float]:
    """A box as other programs get it: left, top, right, bottom."""
    return [round(value, 2) for value in box.as_tuple()]
