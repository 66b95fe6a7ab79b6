"""Pictures, pages and animated pictures as a sink of frames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from faceveil.errors import FaceVeilError, OutputError, UsageError
from faceveil.frames import Frame, Span
from faceveil.i18n import say
from faceveil.media.kinds import SUFFIXES, WRITTEN, format_of_suffix
from faceveil.media.noting import Noting
from faceveil.media.part import PartFile, cannot_write
from faceveil.media.pictures.density import what_is_lost
from faceveil.media.pictures.encode import WITHOUT_ALPHA, append_page, encode
from faceveil.media.pictures.picture import CONVERTED
from faceveil.media.pictures.traits import Traits
from faceveil.plan import Media
from faceveil.system.closing import Aborting

if TYPE_CHECKING:
    from faceveil.media import Source
    from faceveil.media.pictures.animation import Animator
    from faceveil.options import Options

_ANIMATIONS: Final = frozenset({"gif", "png", "webp"})


def written_as(media: Media) -> str:
    """The format that a picture is written in, unless the output's name asks for another.

    It is the input's, if that can be written. HEIC has no free encoder and becomes JPEG; JPEG 2000
    would lose quality or grow, and becomes PNG; animated AVIF becomes animated WebP.
    """
    if media.kind == "animation":
        return media.format if media.format in _ANIMATIONS else "webp"
    if media.format == "avif":
        from PIL import features

        return "avif" if features.check("avif") else "jpeg"
    return {"heic": "jpeg", "jp2": "png"}.get(media.format, media.format)


def output_suffix(media: Media, name: str = "") -> str:
    """Suffix for the output of a picture, with the dot.

    Args:
        name: the input's file name; its own spelling (``.JPEG``) is kept where it fits.
    """
    format = written_as(media)
    suffix = PurePath(name).suffix
    return suffix if suffix.lower() in SUFFIXES[format] else SUFFIXES[format][0]


def keeps_blocks(options: Options) -> bool:
    """Whether the blocks of a JPEG are to be kept. A user who sets a quality wants it encoded."""
    usual = options.quality == type(options).model_fields["quality"].default
    return options.jpeg == "keep" and usual


def require_suffix(target: Path, media: Media) -> None:
    """Refuse a name that asks for no format in which such pictures are written.

    Raises:
        UsageError: a picture of this name would have another format, or could not be opened.
    """
    format = format_of_suffix(target.name)
    if format is None:
        suffix = target.suffix or say("a file without suffix")
        raise UsageError(
            say(
                "{name} cannot be written: no picture is written as {suffix}",
                name=target.name,
                suffix=suffix,
            ),
            say("Name the output .jpg or .png; a folder is named with / at its end."),
        )
    if format not in WRITTEN:
        raise UsageError(
            say("{format} cannot be written", format=format.upper()),
            say("Name the output .jpg or .png."),
        )


class ImageSink(Noting, Aborting):
    """Writes a still, pages or an animated picture; meets ``faceveil.media.Sink``.

    The format is what the target's suffix says, else what ``written_as`` says. Pixels come only
    from the frames' arrays.

    Attributes:
        notes: what the format made necessary.

    Raises:
        UsageError: the target is the input, or its format cannot be written, or cannot move
            or have pages.
        OutputError: the folder is missing or cannot be written to.
    """

    copied = 0
    spoilt = False

    def __init__(self, target: Path, source: Source, options: Options) -> None:
        super().__init__()
        self._media = source.media
        self._quality = options.quality
        self._traits: Traits = getattr(source, "traits", Traits())
        self._format = format_of_suffix(target.name) or written_as(self._media)
        self._check_format()
        if self._format != self._media.format:
            self._notes[say("written as {format}", format=self._format.upper())] = None
        if self._traits.density is not None:
            for what, shown in what_is_lost(self._format, self._traits.density):
                (self._warnings if shown else self._notes)[what] = None
        jpeg = self._format == "jpeg" and self._traits.jpeg is not None
        self._source, self._keep = source, jpeg and keeps_blocks(options)
        self._part = PartFile(target, getattr(source, "path", None))
        self._frames = 0
        self._animator: Animator | None = None

    def _check_format(self) -> None:
        name = self._format.upper()
        if self._format not in WRITTEN:
            raise UsageError(
                say("{format} cannot be written", format=name), say("Name the output .jpg or .png.")
            )
        if self._media.kind == "pages" and self._format != "tiff":
            raise UsageError(
                say(
                    "{format} holds one picture, and there are {pages} pages",
                    format=name,
                    pages=self._media.frames,
                ),
                say("Name the output .tif."),
            )
        if self._media.kind == "animation" and self._format not in _ANIMATIONS:
            raise UsageError(
                say("{format} cannot hold an animation", format=name),
                say("Name the output .gif, .webp or .png."),
            )
        if self._format == "avif":
            from PIL import features

            if not features.check("avif"):
                raise UsageError(
                    say("this Pillow cannot write AVIF"), say("Name the output .jpg or .webp.")
                )

    def keep(self, times: Sequence[int], touched: Collection[int]) -> Sequence[Span]:
        """No frame as a whole: of a JPEG it is the blocks that are kept, where they are written."""
        return ()

    def write(self, frame: Frame) -> None:
        """Encode a frame.

        Raises:
            OutputError: the format cannot hold it, or the disk is full.
        """
        if frame.alpha is not None and self._format in WITHOUT_ALPHA:
            self._notes[say("transparency filled with white")] = None
        if self._format == "gif" and self._media.format != "gif":
            self._notes[say("reduced to 256 colours a frame")] = None
        try:
            self._encode(frame)
        except FaceVeilError:
            raise
        except OSError as error:
            raise cannot_write(error) from error
        self._frames += 1

    def _encode(self, frame: Frame) -> None:
        settings: dict[str, Any] = {
            "quality": self._quality,
            "lossless": self._traits.lossless,
            "density": self._traits.density,
        }
        if self._media.kind == "animation" or self._format == "gif":
            if self._animator is None:
                from faceveil.media.pictures.animation import animator

                plays = self._traits.plays if self._media.kind == "animation" else 1
                size = (frame.image.shape[1], frame.image.shape[0])
                self._animator = animator(self._part.file, self._format, size, plays, **settings)
            self._animator.add(frame.image, frame.alpha, frame.duration)
            return
        if self._media.kind == "pages":
            settings["density"] = self._traits.densities[frame.index]
            append_page(self._part.file, frame.image, frame.alpha, **settings)
            return
        if self._frames:
            raise OutputError(say("a still picture holds one frame"))
        if self._keep and self._write_kept(frame):
            return
        if self._traits.jpeg is not None and self._traits.jpeg.space is not None:
            self._notes[CONVERTED] = None
        encode(
            self._part.file,
            self._format,
            frame.image,
            frame.alpha,
            chroma=self._traits.chroma,
            **settings,
        )

    def _write_kept(self, frame: Frame) -> bool:
        """Write a JPEG from its own blocks, or note why that is impossible."""
        from faceveil.media.pictures.jpeg_keep import kept_jpeg
        from faceveil.media.pictures.jpeg_layout import CannotKeep

        jpeg = self._traits.jpeg
        assert jpeg is not None, "only then it may be kept"
        try:
            original = next(iter(self._source.frames())).image
            folder = self._part.path.parent
            data = kept_jpeg(jpeg, original, frame, self._traits.density, folder)
        except CannotKeep as why:
            self._notes[say("the whole JPEG is coded anew: it is {why}", why=why)] = None
            return False
        self._part.file.write(data)
        return True

    def finish(self) -> Path:
        """Complete the temporary file and return its name.

        Raises:
            OutputError: no frame was written, or the disk is full.
        """
        if not self._frames:
            raise OutputError(say("no frame was written"))
        if self._animator is not None:
            try:
                self._animator.close()
            except OSError as error:
                raise cannot_write(error) from error
            self._animator = None
        return self._part.close()

    def commit(self) -> Path:
        """Give the file its final name and return that."""
        self.finish()
        return self._part.commit()

    def abort(self) -> None:
        """Remove everything written. Does nothing after ``commit``."""
        self._part.abort()
