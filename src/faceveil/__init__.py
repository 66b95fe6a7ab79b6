"""FaceVeil finds every face in photos, videos and documents and obscures it, on this machine.

    >>> import faceveil, pathlib
    >>> report = faceveil.veil_file("party.jpg")          # writes party.veiled.jpg
    >>> plan = faceveil.analyze_file("party.jpg")         # boxes, to look at and edit
    >>> report = faceveil.render_file("party.jpg", plan)
    >>> veiled = faceveil.veil_bytes(pathlib.Path("party.jpg").read_bytes())

Nothing here prints, exits or opens a socket. Errors are raised as `FaceVeilError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faceveil.batch import Processes
    from faceveil.detect import Detector, SinglePass
    from faceveil.errors import (
        Cancelled,
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
    from faceveil.faces import Faces
    from faceveil.frames import Frame, Image, Planes, Span
    from faceveil.geometry import Box, Point
    from faceveil.in_memory import Veiled, find_faces, veil_bytes, veil_image
    from faceveil.media import Sink, Source, open_sink, open_source
    from faceveil.options import Device, Method, Options, Protection, Sensitivity
    from faceveil.options.presets import Preset
    from faceveil.people import Gallery
    from faceveil.pipeline import (
        Progress,
        analyze,
        analyze_file,
        render,
        render_file,
        veil_file,
    )
    from faceveil.plan import DocumentPart, Face, Kind, Media, Origin, Plan, Track, Why
    from faceveil.report import Checked, Finding, Report, Status, TrackFacts
    from faceveil.system.stages import Executor
    from faceveil.zones import Zone

__all__ = [
    "Box",
    "Cancelled",
    "Checked",
    "Detector",
    "Device",
    "DocumentPart",
    "Executor",
    "ExitCode",
    "Face",
    "FaceVeilError",
    "Faces",
    "Finding",
    "Frame",
    "Gallery",
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
    "Protection",
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
    "Veiled",
    "WeightsError",
    "Why",
    "WithheldError",
    "Zone",
    "__version__",
    "analyze",
    "analyze_file",
    "find_faces",
    "open_sink",
    "open_source",
    "render",
    "render_file",
    "veil_bytes",
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
            "Cancelled",
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
    "Faces": "faces",
    **dict.fromkeys(("Frame", "Image", "Planes", "Span"), "frames"),
    **dict.fromkeys(("Box", "Point"), "geometry"),
    **dict.fromkeys(("Veiled", "find_faces", "veil_bytes", "veil_image"), "in_memory"),
    **dict.fromkeys(("Sink", "Source", "open_sink", "open_source"), "media"),
    **dict.fromkeys(("Device", "Method", "Options", "Protection", "Sensitivity"), "options"),
    "Preset": "options.presets",
    **dict.fromkeys(
        ("Progress", "analyze", "analyze_file", "render", "render_file", "veil_file"),
        "pipeline",
    ),
    **dict.fromkeys(
        ("DocumentPart", "Face", "Kind", "Media", "Origin", "Plan", "Track", "Why"), "plan"
    ),
    **dict.fromkeys(("Checked", "Finding", "Report", "Status", "TrackFacts"), "report"),
    "Executor": "system.stages",
    "Gallery": "people",
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
