"""Small pictures of an output, for a quick look at the result."""

from __future__ import annotations

from pathlib import Path

from faceveil import media
from faceveil.options import Options

SIDE, QUALITY = 320, 70
"""Longest side in pixels, and JPEG quality."""
_PAPER = 255
"""The ground, from black (0) to white, on which a picture with transparency is shown."""


def contact_sheet(path: Path, options: Options, most: int) -> list[bytes]:
    """JPEG files of the picture, or of frames of a video or pages of a document at equal distances.

    Args:
        path: a finished output. Never an input: what is shown here is as public as the page.
        most: number of frames at most.

    Raises:
        InputError: the file cannot be read.
    """
    import cv2

    with media.open_source(path, options) as source:
        if source.media.kind == "image":
            frames = source.frames()
        else:
            # As many as there are for certain: the container's word may be wrong, or missing.
            known = source.media.pages or source.media.frames or len(source.key_frames())
            step = max(1, known // most)
            frames = source.sample(set(range(step // 2, known, step)[:most]))
        sheet = []
        for frame in (frame.on(_PAPER) for frame in frames):
            width, height = frame.size
            scale = min(1.0, SIDE / max(width, height))
            small = frame.at_size(*(max(1, round(side * scale)) for side in (width, height)))
            sheet.append(
                cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            )
        return sheet
