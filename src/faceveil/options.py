"""Every setting, its default and its help text, once.

The command line's flags, the REST schema, the web form and the table in the docs are all
generated from this model. ``json_schema_extra`` carries what they need beyond the type: the
group a setting is shown in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from faceveil.i18n import say
from faceveil.zones import Zone

Preset = Literal["strict", "balanced", "light"]
Method = Literal["blur", "pixelate", "solid", "cartoon", "gaussian"]
Sensitivity = Literal["high", "balanced", "precise"]
Device = Literal["cpu", "auto", "cuda", "coreml", "directml", "openvino"]

# What a preset stands for. N = 3 is where a trained attacker gains nothing measurable over what
# the surroundings of the face give away; see docs/privacy.md.
PRESETS: dict[Preset, dict[str, Any]] = {
    "strict": {"method": "solid"},
    "balanced": {"method": "blur", "cells": 3},
    "light": {"method": "blur", "cells": 5},
}
MAX_CELLS = 6
"""More cells than this across a face protect no better than a plain blur."""


def _setting(group: str, default: Any, help: str, *, env: str = "", **limits: Any) -> Any:
    extra = {"group": group} | ({"env": env} if env else {})
    return Field(default, description=help, repr=not env, json_schema_extra=extra, **limits)  # type: ignore[arg-type]


class Options(BaseModel):
    """The settings for finding and obscuring faces.

    Raises:
        pydantic.ValidationError: a value is out of range, or a combination is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    # Protection
    preset: Preset = _setting(
        "protection",
        "balanced",
        "strict: grey fill. balanced: a blur too coarse to show features. light: keeps more of "
        "the picture's look and protects less. Sets method and cells unless you set them.",
    )
    method: Method = _setting(
        "protection",
        "blur",
        "How a face is obscured. gaussian is the classic blur: it can be undone and is there "
        "for comparison.",
    )
    cells: int = _setting(
        "protection",
        3,
        "Colour cells kept across a face, for blur and pixelate. Fewer is safer.",
        ge=1,
        le=64,
    )
    allow_weak: bool = _setting(
        "protection", False, f"Permit more than {MAX_CELLS} cells. Faces become recognizable."
    )
    shape: Literal["box", "ellipse"] = _setting(
        "protection", "box", "Outline of the painted area. Both contain the whole padded box."
    )
    feather: Annotated[float, Field(ge=0.0, le=1.0)] = _setting(
        "protection", 0.0, "Width of a soft edge outside the painted area, as a share of the face."
    )
    margin_side: Annotated[float, Field(ge=0.0, le=2.0)] = _setting(
        "protection", 0.25, "Width covered left and right of the face, as a share of its width."
    )
    margin_top: Annotated[float, Field(ge=0.0, le=2.0)] = _setting(
        "protection", 0.40, "Height covered above the face (hair), as a share of its height."
    )
    margin_bottom: Annotated[float, Field(ge=0.0, le=2.0)] = _setting(
        "protection", 0.15, "Height covered below the face (chin), as a share of its height."
    )
    gaussian_scale: Annotated[float, Field(gt=0.0, le=4.0)] = _setting(
        "protection", 0.25, "gaussian only: kernel size as a share of width plus height."
    )
    gaussian_passes: Literal[1, 2] = _setting(
        "protection", 1, "gaussian only: how often the blur is applied."
    )
    cover_zones: tuple[Zone, ...] = _setting(
        "protection",
        (),
        "Always cover this area: left,top,right,bottom in pixels. May be repeated.",
    )
    skip_zones: tuple[Zone, ...] = _setting(
        "protection",
        (),
        "Leave faces visible that stay inside this area: left,top,right,bottom in pixels. May "
        "be repeated.",
    )
    show_boxes: bool = _setting("protection", False, "Draw a green box around every obscured face.")

    # Input
    max_pixels: int = _setting(
        "input",
        200_000_000,
        "Refuse pictures with more pixels than this, all frames of an animation together.",
        ge=1,
    )
    max_entries: int = _setting("input", 10_000, "Refuse archives with more entries.", ge=1)
    max_unpacked: int = _setting(
        "input", 10_000_000_000, "Refuse archives that unpack to more bytes than this.", ge=1
    )
    max_ratio: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = _setting(
        "input",
        100.0,
        "Refuse archives that unpack to more than 16 MB and to this many times their size.",
    )
    max_pages: int = _setting("input", 5_000, "Refuse documents with more pages than this.", ge=1)
    password: str | None = _setting(
        "input", None, "Opens encrypted PDFs, and locks their outputs.", env="FACEVEIL_PASSWORD"
    )

    names_in: Literal[
        "auto", "utf-8", "cp437", "gbk", "big5", "shift-jis", "euc-kr", "windows-1252"
    ] = _setting(
        "input",
        "auto",
        "Encoding of the names in an archive that does not declare one. auto: the most likely "
        "encoding for all of its names together; the report names it.",
    )

    # Files
    include: tuple[str, ...] = _setting(
        "files",
        (),
        "In folders and archives, take only files that match: *.jpg, or 2024/*/*.png for whole "
        "paths. May be repeated.",
    )
    exclude: tuple[str, ...] = _setting(
        "files",
        (),
        "In folders and archives, skip files that match, and everything in folders that match. "
        "May be repeated.",
    )
    hidden: bool = _setting("files", False, "Also take hidden files in folders and archives.")
    links: bool = _setting("files", False, "Follow links in folders, to files and folders.")

    # Detection
    detector: str = _setting(
        "detection",
        "auto",
        "yunet, centerface, mediapipe, mediapipe-short, the name of an installed plug-in, or "
        "auto: the first of yunet, centerface and mediapipe whose weights are installed.",
    )
    sensitivity: Sensitivity = _setting(
        "detection", "high", "high misses fewest faces; precise covers fewest other places."
    )
    confidence: Annotated[float, Field(ge=0.0, le=1.0)] | None = _setting(
        "detection", None, "Accept faces from this score on, instead of what sensitivity sets."
    )
    min_face: Annotated[float, Field(ge=4.0, le=1000.0)] | None = _setting(
        "detection",
        None,
        "Size in pixels of the smallest face to look for. Larger is faster. Unset: chosen from "
        "the size of the picture; the report gives it.",
    )

    # Machine
    weights: Path | None = _setting("machine", None, "Folder with weights, searched first.")
    device: Device = _setting(
        "machine",
        "cpu",
        "Where yunet and centerface run. auto: on the first accelerator that the installed "
        "build of ONNX Runtime knows. If there is none, the processor does the work and the "
        "report says so.",
    )
    threads: int = _setting(
        "machine", 0, "Processor threads for the detector; 0: all of them.", ge=0, le=256
    )
    time_limit: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] | None = _setting(
        "machine",
        None,
        "If there are several files, give one up when it makes no progress for this many "
        "seconds. Unset: 10 minutes, plus one second for every 2 MB of the file.",
    )

    # Tracking
    bridge_seconds: Annotated[float, Field(ge=0.0, le=10.0)] = _setting(
        "tracking", 1.0, "Keep covering a face that the detector loses, for up to this long."
    )
    extend_seconds: Annotated[float, Field(ge=0.0, le=10.0)] = _setting(
        "tracking", 0.4, "Cover a face this long before it is first and after it is last seen."
    )
    weak_share: Annotated[float, Field(ge=0.0, le=1.0)] = _setting(
        "tracking",
        0.5,
        "In a video, the share of the usual score that a face needs to continue a track.",
    )

    # Output
    quality: int = _setting(
        "output", 92, "Quality of JPEG, WebP, HEIC and AVIF pictures.", ge=1, le=100
    )
    jpeg: Literal["keep", "encode"] = _setting(
        "output",
        "keep",
        "For JPEG files that stay JPEG. keep: every unpainted block stays exactly as it was. "
        "encode: the whole picture is encoded again, as it is if you set a quality other than "
        "the default.",
    )
    invalidate_signatures: bool = _setting(
        "output", False, "Change signed documents, too, and take the signature out."
    )

    # Video
    encoder: str = _setting(
        "video",
        "auto",
        "libx264, libx265, libsvtav1, libvpx-vp9, the name of a hardware encoder (such as "
        "h264_nvenc), or auto: chosen from container and bit depth.",
    )
    encoder_preset: str | None = _setting(
        "video",
        None,
        "The encoder's own name for a speed: veryfast, medium, ... Unset: a fast one.",
    )
    video_quality: Annotated[int, Field(ge=0, le=63)] | None = _setting(
        "video",
        None,
        "The encoder's quality number (crf); smaller is better. Unset: 20 for H.264 and about "
        "the same quality for other encoders, with about as many bits as the input at most.",
    )
    copy_unpainted: Literal["auto", "never"] = _setting(
        "video", "auto", "Copy groups of H.264 frames in which nothing is painted, or never."
    )
    audio: Literal["copy", "drop"] = _setting(
        "video", "copy", "Keep all sound as it is, or drop it: voices identify people, too."
    )

    # Batch
    jobs: int = _setting(
        "batch", 0, "Processes that work on several files; 0: one per processor core.", ge=0, le=256
    )
    parts: int = _setting(
        "batch",
        1,
        "Look for the faces of a single long video in this many processes at once.",
        ge=1,
        le=256,
    )
    ray_address: str | None = _setting(
        "batch",
        None,
        "Work on a Ray cluster: host:port, auto, or local to start one on this machine. Needs "
        "the extra scale.",
    )
    strict: bool = _setting(
        "batch", False, "End with exit code 1 also if a file was done with warnings."
    )

    # Check
    check: Literal["sample", "full", "off"] = _setting(
        "check",
        "sample",
        "Search the finished file for faces and metadata, as an adversary would. sample looks "
        "at a sample of the frames of a video, full at all of them.",
    )
    on_fail: Literal["obscure-more", "withhold", "warn"] = _setting(
        "check",
        "obscure-more",
        "What to do if the check finds a face. obscure-more covers it and checks again, at most "
        "twice, before the file is withheld. withhold puts the file aside at once. warn writes "
        "it all the same with a warning.",
    )
    second_detector: str = _setting(
        "check",
        "auto",
        "A second detector that looks at the finished file: its name, none, or auto: the other "
        "one of YuNet and CenterFace, if its weights are installed.",
    )

    # Live
    delay: Annotated[float, Field(ge=0.15, le=2.0)] = _setting(
        "live",
        0.3,
        "Seconds between the arrival of a frame and its display. While it waits, faces that are "
        "found in later frames can be covered in it, too. 0.15 to 0.35 is usual; a slow machine "
        "needs more.",
    )
    cover_until_sure: bool = _setting(
        "live",
        False,
        "At the start and after every break of the source, cover the whole picture until the "
        "detector has watched for a second.",
    )
    fps_cap: Annotated[float, Field(ge=1.0, le=240.0)] | None = _setting(
        "live", None, "Take at most this many frames a second from the source."
    )
    camera_size: Annotated[str, Field(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")] | None = _setting(
        "live", None, "Size to request from a camera or screen, such as 1280x720. Unset: its own."
    )
    camera_fps: Annotated[float, Field(ge=1.0, le=240.0)] | None = _setting(
        "live", None, "Frames a second to request from a camera or screen. Unset: its own."
    )
    reconnect: Annotated[float, Field(ge=0.0, le=3600.0)] = _setting(
        "live",
        30.0,
        "When a camera or stream breaks off, try again, waiting twice as long each time, up to "
        "this many seconds; 0: give up at once.",
    )
    loop: bool = _setting("live", False, "Start a file again from the beginning when it ends.")

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        preset = values.get("preset", "balanced")
        bundle = next((bundle for name, bundle in PRESETS.items() if name == preset), {})
        given = {name: value for name, value in values.items() if value is not None}
        return bundle | given

    @model_validator(mode="after")
    def _refuse_weak(self) -> Self:
        if self.cells > MAX_CELLS and not self.allow_weak:
            weak = "allow_weak"
            raise ValueError(
                say(
                    "{cells} cells leave a face recognizable; use at most {most}, or set {setting}",
                    cells=self.cells,
                    most=MAX_CELLS,
                    setting=weak,
                )
            )
        return self


APART = ("input", "files", "machine", "live", "batch")
"""Groups of settings that have no say in what an output looks like."""


def group_of(name: str) -> str:
    """The group in which a setting is shown."""
    extra = Options.model_fields[name].json_schema_extra
    assert isinstance(extra, dict), "every setting names its group"
    return str(extra["group"])


DECISIVE = tuple(name for name in Options.model_fields if group_of(name) not in APART)
"""The settings that decide what an output looks like."""
