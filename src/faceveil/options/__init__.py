"""Every setting, its default and its help text, once.

The command line's flags, the REST schema, the web form and the table in the docs are all
generated from this model. ``json_schema_extra`` carries what they need beyond the type: the
group a setting is shown in.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from faceveil.errors import UsageError
from faceveil.i18n import say
from faceveil.i18n.validation import first_fault
from faceveil.options.presets import MAX_CELLS, OF_PRESETS, PRESETS
from faceveil.options.protection import Method as Method
from faceveil.options.protection import Protection as Protection
from faceveil.options.protection import setting

Sensitivity = Literal["thorough", "high", "balanced", "precise"]
Device = Literal["cpu", "auto", "cuda", "coreml", "directml", "openvino"]


class Options(Protection):
    """The settings for finding and obscuring faces.

    Raises:
        UsageError: a name is unknown, a value is out of range, or a combination is refused.
    """

    model_config = ConfigDict(defer_build=False)

    # People
    keep: tuple[Path, ...] = setting(
        "people",
        (),
        "Leave only the person of this photo visible, and hide all others and whoever cannot be "
        "told apart. Repeat it: three different photos of one person, or more, are better.",
    )
    hide: tuple[Path, ...] = setting(
        "people",
        (),
        "Hide only the person of this photo, and whoever cannot be told apart. Repeat it: three "
        "different photos of one person, or more, are better.",
    )
    people: bool = setting(
        "people",
        False,
        "Number the people: faces of one person get one number in plan and report, where that is "
        "certain.",
    )

    # Input
    max_pixels: int = setting(
        "input",
        200_000_000,
        "Refuse pictures with more pixels than this, all frames of an animation together.",
        ge=1,
    )
    max_entries: int = setting("input", 10_000, "Refuse archives with more entries.", ge=1)
    max_unpacked: int = setting(
        "input", 10_000_000_000, "Refuse archives that unpack to more bytes than this.", ge=1
    )
    max_ratio: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = setting(
        "input",
        100.0,
        "Refuse archives that unpack to more than 16 MB and to this many times their size.",
    )
    max_pages: int = setting("input", 5_000, "Refuse documents with more pages than this.", ge=1)
    password: str | None = setting(
        "input", None, "Opens encrypted PDFs, and locks their outputs.", env="FACEVEIL_PASSWORD"
    )

    names_in: Literal[
        "auto", "utf-8", "cp437", "gbk", "big5", "shift-jis", "euc-kr", "windows-1252"
    ] = setting(
        "input",
        "auto",
        "Encoding of the names in an archive that does not declare one. auto: the most likely "
        "encoding for all of its names together; the report names it.",
    )

    # Files
    include: tuple[str, ...] = setting(
        "files",
        (),
        "In folders and archives, take only files that match: *.jpg, or 2024/*/*.png for whole "
        "paths. May be repeated.",
    )
    exclude: tuple[str, ...] = setting(
        "files",
        (),
        "In folders and archives, skip files that match, and everything in folders that match. "
        "May be repeated.",
    )
    hidden: bool = setting("files", False, "Also take hidden files in folders and archives.")
    links: bool = setting("files", False, "Follow links in folders, to files and folders.")

    # Detection
    detector: str = setting(
        "detection",
        "auto",
        "yunet, centerface, mediapipe, mediapipe-short, the name of an installed plug-in, "
        "module:factory for one of your own, or auto: the first of yunet, centerface and "
        "mediapipe whose weights are installed.",
    )
    sensitivity: Sensitivity = setting(
        "detection", "high", "thorough (slow), high: few faces missed; precise: few false boxes."
    )
    confidence: Annotated[float, Field(ge=0.0, le=1.0)] | None = setting(
        "detection", None, "Accept faces from this score on, instead of what sensitivity sets."
    )
    min_face: Annotated[float, Field(ge=4.0, le=1000.0)] | None = setting(
        "detection",
        None,
        "Size in pixels of the smallest face to look for. Larger is faster. Unset: chosen from "
        "the size of the picture; the report gives it.",
    )

    # Machine
    weights: Path | None = setting("machine", None, "Folder with weights, searched first.")
    device: Device = setting(
        "machine",
        "cpu",
        "Where yunet and centerface run. auto: on the first accelerator that the installed "
        "build of ONNX Runtime knows. If there is none, the processor does the work and the "
        "report says so.",
    )
    threads: int = setting(
        "machine", 0, "Processor threads for the detector; 0: all of them.", ge=0, le=256
    )
    time_limit: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] | None = setting(
        "machine",
        None,
        "If there are several files, give one up when it makes no progress for this many "
        "seconds. Unset: 10 minutes, plus one second for every 2 MB of the file.",
    )

    # Tracking
    bridge_seconds: Annotated[float, Field(ge=0.0, le=10.0)] = setting(
        "tracking", 1.0, "Keep covering a face that the detector loses, for up to this long."
    )
    extend_seconds: Annotated[float, Field(ge=0.0, le=10.0)] = setting(
        "tracking", 0.4, "Cover a face this long before it is first and after it is last seen."
    )
    weak_share: Annotated[float, Field(ge=0.0, le=1.0)] = setting(
        "tracking",
        0.5,
        "In a video, the share of the usual score that a face needs to continue a track.",
    )

    # Output
    quality: int = setting(
        "output", 92, "Quality of JPEG, WebP, HEIC and AVIF pictures.", ge=1, le=100
    )
    jpeg: Literal["keep", "encode"] = setting(
        "output",
        "keep",
        "For JPEG files that stay JPEG. keep: every unpainted block stays exactly as it was. "
        "encode: the whole picture is encoded again, as it is if you set a quality other than "
        "the default.",
    )
    invalidate_signatures: bool = setting(
        "output", False, "Change signed documents, too, and take the signature out."
    )

    # Video
    encoder: str = setting(
        "video",
        "auto",
        "libx264, libx265, libsvtav1, libvpx-vp9, the name of a hardware encoder (such as "
        "h264_nvenc), or auto: chosen from container and bit depth.",
    )
    encoder_preset: str | None = setting(
        "video",
        None,
        "The encoder's own name for a speed: veryfast, medium, ... Unset: a fast one.",
    )
    video_quality: Annotated[int, Field(ge=0, le=63)] | None = setting(
        "video",
        None,
        "The encoder's quality number (crf); smaller is better. Unset: 20 for H.264 and about "
        "the same quality for other encoders, with about as many bits as the input at most.",
    )
    copy_unpainted: Literal["auto", "never"] = setting(
        "video", "auto", "Copy groups of H.264 frames in which nothing is painted, or never."
    )
    audio: Literal["copy", "drop"] = setting(
        "video", "copy", "Keep all sound as it is, or drop it: voices identify people, too."
    )

    # Batch
    jobs: int = setting(
        "batch", 0, "Processes that work on several files; 0: one per processor core.", ge=0, le=256
    )
    parts: int = setting(
        "batch",
        1,
        "Look for the faces of a single long video in this many processes at once.",
        ge=1,
        le=256,
    )
    ray_address: str | None = setting(
        "batch",
        None,
        "Work on a Ray cluster: host:port, auto, or local to start one on this machine. Needs "
        "the extra scale.",
    )
    strict: bool = setting(
        "batch", False, "End with exit code 1 also if a file was done with warnings."
    )

    # Check
    check: Literal["sample", "full", "off"] = setting(
        "check",
        "sample",
        "Search the finished file for faces and metadata, as an adversary would. sample looks "
        "at a sample of the frames of a video, full at all of them.",
    )
    on_fail: Literal["obscure-more", "withhold", "warn"] = setting(
        "check",
        "obscure-more",
        "What to do if the check finds a face. obscure-more covers it and checks again, at most "
        "twice, before the file is withheld. withhold puts the file aside at once. warn writes "
        "it all the same with a warning.",
    )
    second_detector: str = setting(
        "check",
        "auto",
        "A second detector, asked in doubt and about the result: its name, none, or auto: the "
        "other one of YuNet and CenterFace, if its weights are installed.",
    )

    # Live
    delay: Annotated[float, Field(ge=0.15, le=2.0)] = setting(
        "live",
        0.3,
        "Seconds between the arrival of a frame and its display. While it waits, faces that are "
        "found in later frames can be covered in it, too. 0.15 to 0.35 is usual; a slow machine "
        "needs more.",
    )
    cover_until_sure: bool = setting(
        "live",
        False,
        "At the start and after every break of the source, cover the whole picture until the "
        "detector has watched for a second.",
    )
    fps_cap: Annotated[float, Field(ge=1.0, le=240.0)] | None = setting(
        "live", None, "Take at most this many frames a second from the source."
    )
    camera_size: Annotated[str, Field(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")] | None = setting(
        "live", None, "Size to request from a camera or screen, such as 1280x720. Unset: its own."
    )
    camera_fps: Annotated[float, Field(ge=1.0, le=240.0)] | None = setting(
        "live", None, "Frames a second to request from a camera or screen. Unset: its own."
    )
    reconnect: Annotated[float, Field(ge=0.0, le=3600.0)] = setting(
        "live",
        30.0,
        "When a camera or stream breaks off, try again, waiting twice as long each time, up to "
        "this many seconds; 0: give up at once.",
    )
    loop: bool = setting("live", False, "Start a file again from the beginning when it ends.")

    if not TYPE_CHECKING:  # type checkers read the fields themselves

        def __init__(self, **settings: Any) -> None:
            try:
                super().__init__(**settings)
            except ValidationError as error:
                raise UsageError(first_fault(error.errors(), slice(1))) from error

        # As pydantic's own classes say that `model_validate` need not go through the constructor.
        __init__.__pydantic_base_init__ = True

    def but(self, **settings: Any) -> Options:
        """The same with other settings. A preset among them sets anew what it stands for."""
        held = self.model_dump(exclude_unset=True)
        anew = OF_PRESETS if settings.get("preset") else frozenset()
        held = {name: value for name, value in held.items() if name not in anew}
        return Options(**{**held, **settings}) if settings else self

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
    def _refuse_both(self) -> Self:
        if self.keep and self.hide:
            raise ValueError(
                say("{one} and {other} cannot be given together", one="keep", other="hide")
            )
        return self

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
