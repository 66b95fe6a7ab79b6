"""Areas of a picture as settings: left,top,right,bottom in pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from faceveil.geometry import Box
from faceveil.i18n import say

_Number = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


def _zone(value: Any) -> Any:
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(value, str) and len(parts) != 4:
        raise ValueError(say("a zone is left,top,right,bottom"))
    return parts


def _not_empty(zone: tuple[float, ...]) -> tuple[float, ...]:
    if not (zone[0] < zone[2] and zone[1] < zone[3]):
        raise ValueError(say("left must be less than right, and top less than bottom"))
    return zone


Zone = Annotated[
    tuple[_Number, _Number, _Number, _Number], BeforeValidator(_zone), AfterValidator(_not_empty)
]


def in_skip_zone(box: Box, zones: Iterable[Zone]) -> bool:
    """Whether a box lies wholly inside a zone in which faces are left visible."""
    return any(box.intersection(Box(*zone)) == box.area for zone in zones)
