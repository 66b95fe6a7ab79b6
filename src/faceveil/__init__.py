"""FaceVeil finds every face in photos and videos and obscures it irreversibly, on this machine.

    >>> import faceveil
    >>> report = faceveil.veil_file(Path("party.jpg"))          # writes party.veiled.jpg
    >>> plan = faceveil.analyze_file(Path("party.jpg"))         # boxes, to look at and edit
    >>> report = faceveil.render_file(Path("party.jpg"), plan)

Nothing here prints, exits or opens a socket. What goes wrong is a `FaceVeilError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faceveil.errors import FaceVeilError
    from faceveil.geometry import Box
    from faceveil.options import Options
    from faceveil.pipeline import analyze, analyze_file, render, render_file, veil_file, veil_image
    from faceveil.plan import Face, Plan, Track
    from faceveil.report import Report

__all__ = [
    "Box",
    "Face",
    "FaceVeilError",
    "Options",
    "Plan",
    "Report",
    "Track",
    "__version__",
    "analyze",
    "analyze_file",
    "render",
    "render_file",
    "veil_file",
    "veil_image",
]

# Public name -> the room it lives in. Rooms are opened on first use, so that importing the
# package costs nothing.
_HOMES = {
    "FaceVeilError": "errors",
    "Options": "options",
    "Report": "report",
    "Box": "geometry",
    **dict.fromkeys(("Face", "Plan", "Track"), "plan"),
    **dict.fromkeys(
        ("analyze", "analyze_file", "render", "render_file", "veil_file", "veil_image"), "pipeline"
    ),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("faceveil")
    if name in _HOMES:
        return getattr(import_module(f"faceveil.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
