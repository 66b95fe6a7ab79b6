"""Encoders that keep the two fields of interlaced frames apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.media.videos.facts import StreamFormat

_WHOLE: Final = 1
"""FFmpeg's number for frames that are no fields."""


def field_order(encoder: str, given: StreamFormat, height: int, down: int) -> int:
    """The order of the fields for an encoder.

    Args:
        height: of the frames it gets.
        down: rows of a frame to one of its colour. Each field has to hold whole ones: in 4:2:0, the
            486 rows of NTSC do not.
    """
    keeps = encoder == "libx264" and height % (2 * down) == 0
    return given.field_order if keeps or not given.interlaced else _WHOLE


def lost_fields(encoder: str, given: StreamFormat, coded: StreamFormat) -> tuple[str, ...]:
    """A warning, if fields are not kept."""
    if not given.interlaced or coded.interlaced:
        return ()
    if encoder == "libx264":
        return (
            say(
                "{codec} stores no fields of {height} rows: the two fields of each frame are shown "
                "at once",
                codec=encoder,
                height=coded.height,
            ),
        )
    return (
        say(
            "{codec} stores whole pictures: the two fields of each frame are shown at once",
            codec=encoder,
        ),
    )
