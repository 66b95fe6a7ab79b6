"""The settings that say how a face is covered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from faceveil.options.presets import MAX_CELLS, Preset
from faceveil.zones import Zone

Method = Literal["blur", "pixelate", "solid", "cartoon", "gaussian"]


def setting(group: str, default: Any, help: str, *, env: str = "", **limits: Any) -> Any:
    extra = {"group": group} | ({"env": env} if env else {})
    return Field(default, description=help, repr=not env, json_schema_extra=extra, **limits)  # type: ignore[arg-type]


class Protection(BaseModel):
    """The first settings of `Options`."""

    # Nobody makes one of its own: what validates it would be built at every start, for nothing.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)

    preset: Preset = setting(
        "protection",
        "balanced",
        "strict: grey fill. balanced: a blur too coarse to show features. light: keeps more of "
        "the picture's look and protects less. Sets method and cells unless you set them.",
    )
    method: Method = setting(
        "protection",
        "blur",
        "How a face is obscured. gaussian is the classic blur: it can be undone and is there "
        "for comparison.",
    )
    cells: int = setting(
        "protection",
        3,
        "Colour cells kept across a face, for blur and pixelate. Fewer is safer.",
        ge=1,
        le=64,
    )
    allow_weak: bool = setting(
        "protection", False, f"Permit more than {MAX_CELLS} cells. Faces become recognizable."
    )
    shape: Literal["box", "ellipse"] = setting(
        "protection", "box", "Outline of the painted area. Both contain the whole padded box."
    )
    feather: Annotated[float, Field(ge=0.0, le=1.0)] = setting(
        "protection", 0.0, "Width of a soft edge outside the painted area, as a share of the face."
    )
    margin_side: Annotated[float, Field(ge=0.0, le=2.0)] = setting(
        "protection", 0.25, "Width covered left and right of the face, as a share of its width."
    )
    margin_top: Annotated[float, Field(ge=0.0, le=2.0)] = setting(
        "protection", 0.40, "Height covered above the face (hair), as a share of its height."
    )
    margin_bottom: Annotated[float, Field(ge=0.0, le=2.0)] = setting(
        "protection", 0.15, "Height covered below the face (chin), as a share of its height."
    )
    gaussian_scale: Annotated[float, Field(gt=0.0, le=4.0)] = setting(
        "protection", 0.25, "gaussian only: kernel size as a share of width plus height."
    )
    gaussian_passes: Literal[1, 2] = setting(
        "protection", 1, "gaussian only: how often the blur is applied."
    )
    cover_zones: tuple[Zone, ...] = setting(
        "protection",
        (),
        "Always cover this area: left,top,right,bottom in pixels. May be repeated.",
    )
    skip_zones: tuple[Zone, ...] = setting(
        "protection",
        (),
        "Leave faces visible that stay inside this area: left,top,right,bottom in pixels. May "
        "be repeated.",
    )
    show_boxes: bool = setting("protection", False, "Draw a green box around every obscured face.")
