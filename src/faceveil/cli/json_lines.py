"""The output for other programs: one JSON object per line."""

from __future__ import annotations

from typing import Any

from faceveil.plan import Plan
from faceveil.report import Finding, corners
from faceveil.system.text import as_json


def plan_line(file: str, plan: Plan) -> str:
    """The line that ``detect --json`` prints for a file: where its faces are."""
    return as_json(
        {
            "file": file,
            "width": plan.media.width,
            "height": plan.media.height,
            "detector": plan.detector,
            "weights_sha256": plan.weights_sha256,
            "min_face": plan.min_face,
            "time_base": str(plan.time_base),
            **({"films": plan.media.films} if plan.media.films else {}),
            "frames": [
                {
                    "index": index,
                    "pts": pts,
                    "seconds": round(float(pts * plan.time_base), 6),
                    **_part(plan, index),
                    "faces": _faces(plan, index),
                }
                for index, pts in enumerate(plan.pts)
            ],
        }
    )


def _part(plan: Plan, index: int) -> dict[str, Any]:
    """The place of a frame in a document, and its own size."""
    if not plan.media.parts:
        return {}
    part = plan.media.parts[index]
    page = {"page": part.page} if part.page else {}
    picture = {"picture": part.picture} if part.picture else {}
    return {"part": part.name, **page, **picture, "width": part.width, "height": part.height}


def findings_line(file: str, findings: list[Finding]) -> str:
    """The line that ``check --json`` prints for a file."""
    return as_json({"file": file, "findings": [finding.to_dict() for finding in findings]})


def _faces(plan: Plan, index: int) -> list[dict[str, Any]]:
    faces = []
    for track in plan.tracks:
        if (box := track.boxes.get(index)) is None:
            continue
        seen = track.seen.get(index)
        faces.append(
            {
                "box": corners(box),
                "score": None if seen is None else round(seen.score, 4),
                "track": track.id,
                "filled": seen is None,
                **({"kept": track.keep, "why": track.why} if track.why else {}),
                **({"person": track.person} if track.person else {}),
            }
        )
    return faces
