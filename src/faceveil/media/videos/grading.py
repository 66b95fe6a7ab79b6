"""A film's grading in the words of the encoders."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from faceveil.media.videos.facts import Mastering

_POINT_UNIT: Final = 50_000  # SEI mastering display colour volume: units of 0.00002
_LIGHT_UNIT: Final = 10_000  # and of 0.0001 cd/m2


def words_of_mastering(name: str, mastering: Mastering | None) -> list[str]:
    """The film's grading as the parameters of the encoders that can store it."""
    if mastering is None or name not in ("libx264", "libx265", "libsvtav1"):
        return []
    words = []
    whole = name != "libsvtav1"
    if mastering.points and mastering.luminance:
        red, green, blue, white = (
            ",".join(_number(value, _POINT_UNIT if whole else None) for value in point)
            for point in mastering.points
        )
        low, high = (
            _number(value, _LIGHT_UNIT if whole else None) for value in mastering.luminance
        )
        word = "master-display" if name == "libx265" else "mastering-display"
        words.append(f"{word}=G({green})B({blue})R({red})WP({white})L({high},{low})")
    if mastering.light:
        word = {"libx264": "cll", "libx265": "max-cll", "libsvtav1": "content-light"}[name]
        words.append(f"{word}={mastering.light[0]},{mastering.light[1]}")
    return words


def _number(value: Fraction, unit: int | None) -> str:
    return f"{float(value):.5f}" if unit is None else str(round(value * unit))
