"""The shapes of what is printed and saved for other programs to read: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from faceveil.report import Finding, Report
from faceveil.types import Box, Plan


def plan_line(file: str, plan: Plan) -> str:
    """Where the faces are: what ``detect --json`` prints for a file."""
    return _dump(
        {
            "file": file,
            "width": plan.media.width,
            "height": plan.media.height,
            "detector": plan.detector,
            "weights_sha256": plan.weights_sha256,
            "min_face": plan.min_face,
            "frames": [
                {"index": index, "pts": pts, "faces": _faces(plan, index)}
                for index, pts in enumerate(plan.pts)
            ],
        }
    )


def findings_line(file: str, findings: list[Finding]) -> str:
    """What ``check --json`` prints for a file."""
    return _dump({"file": file, "findings": [_finding(finding) for finding in findings]})


def report_line(report: Report) -> str:
    """What ``--report`` saves for a file."""
    fields = {name: getattr(report, name) for name in report.__dataclass_fields__}
    # The fields with boxes in them are done by hand: as objects they would be written otherwise
    # than in the lines above.
    fields["media"] = report.media and asdict(report.media)
    fields["check"] = report.check and asdict(report.check)
    fields["faces_over_time"] = [asdict(facts) for facts in report.faces_over_time]
    fields["findings"] = [_finding(finding) for finding in report.findings]
    fields["regions"] = {
        str(frame): [_box(box) for box in boxes] for frame, boxes in report.regions.items()
    }
    return _dump(fields)


def _faces(plan: Plan, index: int) -> list[dict[str, Any]]:
    faces = []
    for track in plan.tracks:
        if (box := track.boxes.get(index)) is None:
            continue
        seen = track.seen.get(index)
        faces.append(
            {
                "box": _box(box),
                "score": None if seen is None else round(seen.score, 4),
                "track": track.id,
                "filled": seen is None,
            }
        )
    return faces


def _finding(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {"box": finding.box and _box(finding.box)}


def _box(box: Box) -> list[float]:
    return [round(value, 2) for value in box.as_tuple()]


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
