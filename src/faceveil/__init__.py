"""FaceVeil finds every face in photos and videos and obscures it irreversibly, on this machine.

    >>> import faceveil
    >>> report = faceveil.veil_file("party.jpg")          # writes party.veiled.jpg
    >>> plan = faceveil.analyze_file("party.jpg")         # boxes, to look at and edit
    >>> report = faceveil.render_file("party.jpg", plan)

Nothing here prints, exits or opens a socket. Errors are raised as `FaceVeilError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faceveil.batch import Processes
    from faceveil.detect import Detector, SinglePass
    from faceveil.errors import (
        ExitCode,
        FaceVeilError,
        InputError,
        LimitError,
        NoDetectorError,
        OutputError,
        UnreadableError,
        UnsupportedError,
        UsageError,
        WeightsError,
        WithheldError,
    )
    from faceveil.frames import Frame, Image, Planes, Span
    from faceveil.geometry import Box, Point
    from faceveil.media import Sink, Source, open_sink, open_source
    from faceveil.options import Device, Method, Options, Preset, Sensitivity
    from faceveil.pipeline import (
        Progress,
        analyze,
        analyze_file,
        render,
        render_file,
        veil_file,
        veil_image,
    )
    from faceveil.plan import Face, Kind, Media, Origin, Plan, Track
    from faceveil.report import Checked, Finding, Report, Status, TrackFacts
    from faceveil.system.stages import Executor
    from faceveil.zones import Zone

__all__ = [
    "Box",
    "Checked",
    "Detector",
    "Device",
    "Executor",
    "ExitCode",
    "Face",
    "FaceVeilError",
    "Finding",
    "Frame",
    "Image",
    "InputError",
    "Kind",
    "LimitError",
    "Media",
    "Method",
    "NoDetectorError",
    "Options",
    "Origin",
    "OutputError",
    "Plan",
    "Planes",
    "Point",
    "Preset",
    "Processes",
    "Progress",
    "Report",
    "Sensitivity",
    "SinglePass",
    "Sink",
    "Source",
    "Span",
    "Status",
    "Track",
    "TrackFacts",
    "UnreadableError",
    "UnsupportedError",
    "UsageError",
    "WeightsError",
    "WithheldError",
    "Zone",
    "__version__",
    "analyze",
    "analyze_file",
    "open_sink",
    "open_source",
    "render",
    "render_file",
    "veil_file",
    "veil_image",
]

# Public name -> the module it is in. Modules are imported on first use, so that importing the
# package costs nothing.
_HOMES = {
    "Processes": "batch",
    **dict.fromkeys(("Detector", "SinglePass"), "detect"),
    **dict.fromkeys(
        (
            "ExitCode",
            "FaceVeilError",
            "InputError",
            "LimitError",
            "NoDetectorError",
            "OutputError",
            "UnreadableError",
            "UnsupportedError",
            "UsageError",
            "WeightsError",
            "WithheldError",
        ),
        "errors",
    ),
    **dict.fromkeys(("Frame", "Image", "Planes", "Span"), "frames"),
    **dict.fromkeys(("Box", "Point"), "geometry"),
    **dict.fromkeys(("Sink", "Source", "open_sink", "open_source"), "media"),
    **dict.fromkeys(("Device", "Method", "Options", "Preset", "Sensitivity"), "options"),
    **dict.fromkeys(
        ("Progress", "analyze", "analyze_file", "render", "render_file", "veil_file", "veil_image"),
        "pipeline",
    ),
    **dict.fromkeys(("Face", "Kind", "Media", "Origin", "Plan", "Track"), "plan"),
    **dict.fromkeys(("Checked", "Finding", "Report", "Status", "TrackFacts"), "report"),
    "Executor": "system.stages",
    "Zone": "zones",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("faceveil")
    if name in _HOMES:
        return getattr(import_module(f"faceveil.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
