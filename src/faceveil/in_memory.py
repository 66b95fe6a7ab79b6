"""Pictures and files in the memory of a program: in, and out again, checked.

The stages are those of `faceveil.pipeline`.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from faceveil import check
from faceveil.check.repair import repaired
from faceveil.errors import WithheldError
from faceveil.evidence import make_report
from faceveil.faces import Faces
from faceveil.i18n import say, words_of
from faceveil.media import IMAGES, kind_of
from faceveil.media.handed import P, taken
from faceveil.media.media_types import type_of
from faceveil.media.memory import MemorySink, MemorySource
from faceveil.obscure import doubts_of, load_obscurer
from faceveil.options import Options
from faceveil.pipeline import DEFAULTS, REPAIRS, Progress, analyze, render, veil_file
from faceveil.report import Report
from faceveil.system.files import write_whole

if TYPE_CHECKING:
    from faceveil.frames import Image

_IN_MEMORY: Final = Path("/", "dev", "shm")
"""Files here are in memory (Linux)."""
_ROOM: Final = 64_000_000
"""Bytes that have to be free there, beside several times those of the file."""
_NO_TRACE: Final = say("nothing of it is kept; a lower confidence finds more faces")


@dataclass(frozen=True, slots=True)
class Veiled:
    """An obscured file.

    Attributes:
        data: its bytes.
        media_type: as HTTP names it: "image/jpeg".
        report: of the run; no names, because there are no files.
    """

    data: bytes
    media_type: str
    report: Report


def veil_bytes(
    data: bytes,
    options: Options = DEFAULTS,
    *,
    progress: Progress | None = None,
    **settings: Any,
) -> Veiled:
    """Find and obscure every face of a file that is in memory, and check the result.

    Files are written only into a folder that the user alone can read, and that is gone when this
    returns or raises: for pictures it is in memory where the system has such a place (Linux).

    Args:
        data: a picture, a video or a document.
        settings: options by name, in place of those of ``options``.

    Raises:
        WithheldError: the check found something that could not be mended. Nothing of the output is
            kept.
        FaceVeilError: otherwise as `faceveil.veil_file`.
    """
    wanted = options.but(**settings)
    with tempfile.TemporaryDirectory(prefix="faceveil-", dir=_place_for(data)) as folder:
        path = Path(folder, "given")
        write_whole(path, data)
        out = Path(folder, "out")
        out.mkdir()
        try:
            report = veil_file(path, out, wanted, progress=progress)
        except WithheldError as error:
            raise WithheldError(
                words_of(error), _NO_TRACE, report=error.report and _nameless(error.report)
            ) from None
        return Veiled((out / report.output).read_bytes(), type_of(report.output), _nameless(report))


def _place_for(data: bytes) -> Path | None:
    """The folder for the files of a run; None: the one for temporary files."""
    if kind_of(data)[1] not in IMAGES or not os.access(_IN_MEMORY, os.W_OK):
        return None
    room = os.statvfs(_IN_MEMORY)
    free = room.f_bavail * room.f_frsize
    return _IN_MEMORY if free > _ROOM + 20 * len(data) else None


def _nameless(report: Report) -> Report:
    return replace(report, input="", output="")


@overload
def veil_image(
    image: P,
    options: Options = ...,
    *,
    order: Literal["BGR", "RGB"] = ...,
    report: Literal[False] = ...,
    **settings: Any,
) -> P: ...


@overload
def veil_image(
    image: P,
    options: Options = ...,
    *,
    order: Literal["BGR", "RGB"] = ...,
    report: Literal[True],
    **settings: Any,
) -> tuple[P, Report]: ...


def veil_image(
    image: P,
    options: Options = DEFAULTS,
    *,
    order: Literal["BGR", "RGB"] = "BGR",
    report: bool = False,
    **settings: Any,
) -> P | tuple[P, Report]:
    """Obscure every face of a picture in memory, and check the result as that of a file is checked.

    Args:
        image: uint8: (H, W) or (H, W, 1) grey, (H, W, 3) colours, (H, W, 4) with opacity; or a
            picture of Pillow, with 8 bits. Left as it is.
        order: of the colours of an array.
        report: return the report as well.
        settings: options by name, in place of those of ``options``; ``check="off"`` leaves the
            check out.

    Returns:
        A new one of the same shape or mode. Colour under opacity 0 is blanked. One of Pillow is
        upright, in sRGB, and has no metadata; a palette becomes RGB.

    Raises:
        UnsupportedError: it is of another shape or type.
        WithheldError: the check found a face that could not be covered.
        WeightsError: the detector's weights are missing or altered.
        UsageError: the options make no sense.
    """
    started = time.monotonic()
    wanted = options.but(**settings)
    pixels, back = taken(image, order)
    made, told = _veiled(pixels, wanted, started)
    return (back(made), told) if report else back(made)


def _veiled(pixels: Image, options: Options, started: float) -> tuple[Image, Report]:
    """As `faceveil.veil_file`, for a picture: analyze, render, check, and render again."""
    with MemorySource([pixels]) as source:
        plan = analyze(source, options)
        faces, seen, repairs = len(plan.tracks), check.Recall(), 0
        while True:
            mend = options.on_fail == "obscure-more" and repairs < REPAIRS
            sink = MemorySink()
            painted = render(source, plan, options, sink)
            with MemorySource(sink.images) as output:
                findings, checked = check.look_over(output, plan, painted, options, seen, wary=mend)
            certain = [one for one in findings if one.certain]
            more = repaired(None, plan, painted, certain, options) if mend else None
            if more is None:
                break
            plan, repairs = more, repairs + 1
        withheld = bool(certain) and options.on_fail != "warn"
        report = make_report(
            source,
            sink,
            plan,
            options,
            painted=painted,
            findings=findings,
            checked=replace(checked, repairs=repairs, added=len(plan.tracks) - faces),
            files=None,
            warnings=doubts_of(load_obscurer(options)),
            seconds=time.monotonic() - started,
            withheld=withheld,
        )
    if withheld:
        raise WithheldError(
            say("the check found {count} things, so the output was withheld", count=len(certain)),
            _NO_TRACE,
            report=report,
        )
    return sink.images[0], report


def find_faces(
    image: P, options: Options = DEFAULTS, *, order: Literal["BGR", "RGB"] = "BGR", **settings: Any
) -> Faces:
    """The faces in a picture in memory, best first: boxes, scores and landmarks, no pixels.

    Args:
        image, order: as `veil_image` takes them. Boxes are in pixels of the upright picture.
        settings: options by name, in place of those of ``options``.

    Raises:
        UnsupportedError, WeightsError, UsageError: as `veil_image`.
    """
    wanted = options.but(**settings)
    pixels, _ = taken(image, order)
    with MemorySource([pixels]) as source:
        plan = analyze(source, wanted)
    found = (face for track in plan.tracks for face in track.seen.values())
    return Faces.of(sorted(found, key=lambda face: -face.score))
