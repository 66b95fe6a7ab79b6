"""Pictures and animated pictures as a source of frames."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faceveil.errors import LimitError, UnreadableError
from faceveil.frames import Frame, Span
from faceveil.i18n import say
from faceveil.media.advice import COMPLETE
from faceveil.media.colour import Profile, Space
from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.blocks import frame_chunks, webp_chunks
from faceveil.media.metadata.bmff import is_hdr, lacks_its_end
from faceveil.media.pictures.declared import read_profile
from faceveil.media.pictures.density import Density, read_density
from faceveil.media.pictures.depth import stored_bits
from faceveil.media.pictures.exif import SIDEWAYS, exif_orientation, read_exif
from faceveil.media.pictures.further import what_is_further
from faceveil.media.pictures.item import primary_item
from faceveil.media.pictures.large import Shrinking, is_large
from faceveil.media.pictures.picture import CONVERTED, Pixels, to_pixels
from faceveil.media.pictures.pillow import check_size, decoding, open_picture
from faceveil.media.pictures.traits import StoredJpeg, Traits
from faceveil.media.pictures.well_known import well_known
from faceveil.plan import DocumentPart, Media
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from faceveil.media.pictures.pages import Page
    from faceveil.options import Options

_TIFF_ORIENTATION: Final = 274


class ImageSource(Closing):
    """A still, the pages of a TIFF, or an animated picture; meets ``faceveil.media.Source``.

    Each page is a frame of its own size, at time 0; ``media`` has the size of a sheet that holds
    them all, each in its upper left corner. The picture is read and its first frame decoded here,
    so most faults are known once the source exists. Frames may be painted in place: every pass
    hands out fresh ones.

    Attributes:
        path: that of the file, or None for bytes.
        traits: for the sink.
        notes: of pages that have been read.
        warnings: which further pictures of the file are left out.

    Raises:
        UnreadableError: broken or cut off.
        UnsupportedError: a camera raw file, or samples of a kind that is not handled.
        LimitError: more than ``options.max_pixels`` pixels, all frames together.
    """

    time_base = Fraction(1, 1000)

    def __init__(self, origin: Path | bytes, kind: str, options: Options) -> None:
        self.path = origin if isinstance(origin, Path) else None
        self._kind = kind
        self._limit = options.max_pixels
        self._data = _read(origin, self._limit)
        with decoding(kind):
            if kind in ("heic", "avif") and lacks_its_end(self._data):
                raise EOFError
            self._pages = _pages(self._data, self._limit) if kind == "tiff" else ()
            picture = self._open(0)
            # An APNG may open with a picture that is not part of the animation.
            self._skip = int(bool(picture.info.get("default_image")))
            # Of a TIFF Pillow would open every page to count them, and it cannot open each.
            single = kind in ("heic", "tiff")
            frames = 1 if single else getattr(picture, "n_frames", 1) - self._skip
            # Before the pixels: Pillow forgets an orientation once it has applied it.
            self.traits = _traits(kind, picture, self._data)
            self.warnings = tuple(what_is_further(kind, picture, self._data))
            first, _ = self._decode(picture, 0)
            notes = first.notes
            if kind == "jpeg":
                stored = self._stored_jpeg(picture, CONVERTED in first.notes)
                self.traits = replace(self.traits, jpeg=stored)
                if stored.space is not None:  # the sink notes a conversion
                    notes = tuple(note for note in notes if note != CONVERTED)
        height, width = first.image.shape[:2]
        self.media = Media("image" if frames == 1 else "animation", kind, width, height, frames)
        if self._pages:
            frames = len(self._pages)
            self.media = _sheet(self._pages)
            densities = [_density(kind, page, self._data) for page in self._pages]
            self.traits = replace(self.traits, densities=tuple(densities))
        self.notes: tuple[str, ...] = notes
        self.dropped: tuple[str, ...] = tuple(leftovers(self._data))
        self._still: Pixels | None = first if frames == 1 else None

    def _stored_jpeg(self, picture: Picture, converted: bool) -> StoredJpeg:
        space = None
        if converted and picture.mode == "RGB":
            space = well_known(read_profile("jpeg", picture, self._data))
        return StoredJpeg(self._data, _orientation("jpeg", picture), converted, space)

    def frames(self, skip: Sequence[Span] = ()) -> Iterator[Frame]:
        """Every frame, whole (differences and disposal already applied), in display order.

        Args:
            skip: empty, as no sink of pictures keeps any.

        Raises:
            UnreadableError: the data is broken at this point.
        """
        if self.media.kind == "image":
            yield self._still_frame()
            return
        with decoding(self._kind):
            picture = self._open(0)
        pts = 0
        for index in range(self.media.frames or 1):
            with decoding(self._kind):
                if self._pages and index:
                    picture = self._open(index)
                pixels, duration = self._decode(picture, index)
            self.notes = tuple(dict.fromkeys((*self.notes, *pixels.notes)))
            yield Frame(
                index,
                pixels.image,
                pts=pts,
                duration=duration,
                alpha=pixels.alpha,
                aspect=self._aspect(index),
            )
            pts += duration

    def _aspect(self, index: int) -> float:
        """Width of a pixel by its height, as fax machines have it; some viewers show it so."""
        densities = self.traits.densities
        density = densities[index] if densities else self.traits.density
        return 1.0 if density is None else float(density.y / density.x)

    def _still_frame(self) -> Frame:
        pixels = self._decoded_still()
        image = pixels.image
        if not is_large(self.media.width, self.media.height):
            self._still, image = pixels, image.copy()
        return Frame(0, image, alpha=pixels.alpha, aspect=self._aspect(0))

    def _decoded_still(self) -> Pixels:
        """Return the decoded picture, and keep no reference to it."""
        pixels = self._still
        self._still = None
        if pixels is None:
            with decoding(self._kind):
                pixels, _ = self._decode(self._open(0), 0)
        return pixels

    def _open(self, page: int) -> Picture:
        if self._pages:
            from faceveil.media.pictures.pages import open_page

            return open_page(self._data, self._pages[page])
        return open_picture(self._kind, self._data, self._limit)

    def _decode(self, picture: Picture, index: int) -> tuple[Pixels, int]:
        """One frame and its duration in milliseconds."""
        if not self._pages and (index or self._skip):
            picture.seek(index + self._skip)
        # Pillow would turn a TIFF picture by its XMP if it has no other orientation.
        picture.info.pop("xmp", None)
        profile = read_profile(self._kind, picture, self._data)
        notes: Sequence[str] = ()
        if not index or self._pages:
            notes = _format_notes(self._kind, picture, self._data, profile)
        picture.load()
        picture = self._cropped(picture)
        check_size(*picture.size, self._limit)
        pixels = to_pixels(
            picture,
            profile=profile,
            orientation=_orientation(self._kind, picture),
        )
        if index and not self._pages:
            pixels = self._fit(pixels)
        pixels = replace(pixels, notes=(*pixels.notes, *notes))
        return pixels, round(picture.info.get("duration", 0))

    def _cropped(self, picture: Picture) -> Picture:
        """The picture cropped to its clean aperture. For HEIC, libheif has done so already."""
        item = primary_item(self._data) if self._kind == "avif" else None
        if item is None or item.crop is None or picture.size != item.size:
            return picture
        info, picture = picture.info, picture.crop(item.crop)
        picture.info.update(info)
        return picture

    def _fit(self, pixels: Pixels) -> Pixels:
        """Cut a GIF frame that reaches beyond the screen to what a viewer shows."""
        height, width = self.media.height, self.media.width
        if pixels.image.shape[:2] == (height, width):
            return pixels
        if pixels.image.shape[0] < height or pixels.image.shape[1] < width:
            raise UnreadableError(say("the frames of the animation differ in size"), COMPLETE)
        alpha = pixels.alpha
        return Pixels(
            pixels.image[:height, :width].copy(),
            None if alpha is None else alpha[:height, :width].copy(),
            pixels.notes,
        )

    def skim(self) -> Iterator[Frame]:
        """The same as ``frames``, but nothing may be painted there."""
        if self.media.kind != "image" or not is_large(self.media.width, self.media.height):
            return self.frames()
        self._still = pixels = self._decoded_still()
        return iter((Shrinking(0, pixels.image, alpha=pixels.alpha, aspect=self._aspect(0)),))

    def key_frames(self) -> Sequence[int]:
        """All frames cost the same here."""
        return range(self.media.frames or 1)

    def sample(self, wanted: Collection[int]) -> Iterator[Frame]:
        """Only the frames with these indices."""
        return (frame for frame in self.frames() if frame.index in wanted)

    def close(self) -> None:
        """Forget the picture. ``frames`` cannot be called afterwards."""
        self._data = b""
        self._still = None


def _read(origin: Path | bytes, limit: int) -> bytes:
    if isinstance(origin, bytes):
        return origin
    # No picture within the limit is larger: eight bytes a pixel (16-bit RGBA), and metadata.
    if origin.stat().st_size > limit * 8 + 2**26:
        raise LimitError(
            say("the file is too large to open"), say("If you trust it, raise max_pixels.")
        )
    return origin.read_bytes()


def _orientation(kind: str, picture: Picture) -> int:
    # libheif turns HEIC pictures while decoding, and Pillow most TIFF pictures; EXIF does not count
    # there. What Pillow calls the EXIF of an AVIF picture has the container's orientation in it.
    if kind == "tiff":
        return int(picture.info.get("orientation", 1))
    if kind in ("heic", "bmp", "gif", "jp2"):
        return 1
    return exif_orientation(read_exif(picture))


def _pages(data: bytes, limit: int) -> Sequence[Page]:
    from faceveil.media.pictures.pages import read_pages  # of TIFF alone

    return read_pages(data, limit)


def _sheet(pages: Sequence[Page]) -> Media:
    width, height = (max(side) for side in zip(*(page.size for page in pages), strict=True))
    if len(pages) == 1:
        return Media("image", "tiff", width, height)
    parts = tuple(
        DocumentPart(say("page {number}", number=number), *page.size, number)
        for number, page in enumerate(pages, 1)
    )
    return Media("pages", "tiff", width, height, len(pages), parts=parts)


def _format_notes(kind: str, picture: Picture, data: bytes, profile: Profile) -> Sequence[str]:
    """Name the conversions the decoder did itself. Call before the pixels are decoded."""
    bits = stored_bits(kind, picture, data)
    notes = [say("{bits}-bit samples reduced to 8", bits=bits)] if bits > 8 else []
    notes += picture.info.get("left_out", ())
    bright = isinstance(profile, Space) and profile.hdr
    if bright or (kind in ("heic", "avif") and is_hdr(data)):
        notes.append(say("high dynamic range not kept; colours may look flat"))
    return notes


def _traits(kind: str, picture: Picture, data: bytes) -> Traits:
    chroma: int | None = None
    if kind == "jpeg":
        from PIL import JpegImagePlugin

        sampling = JpegImagePlugin.get_sampling(picture)
        chroma = sampling if sampling in (0, 1, 2) else None
    elif kind == "heic":
        chroma = {444: 0, 422: 1, 420: 2}.get(picture.info.get("chroma", 0))
    # GIF counts repetitions after the first showing, and without a count plays once.
    loop = picture.info.get("loop")
    plays = loop or 0
    if kind == "gif":
        plays = 1 if loop is None else loop + 1 if loop else 0
    lossless = kind in ("png", "gif", "bmp", "tiff") or (kind == "webp" and _is_lossless(data))
    return Traits(plays, lossless, chroma, _density(kind, picture, data))


def _density(kind: str, picture: Picture | Page, data: bytes) -> Density | None:
    density = read_density(kind, picture, data)
    turned = density is not None and _was_turned(kind, picture)
    return density.turned() if density is not None and turned else density


def _was_turned(kind: str, picture: Any) -> bool:
    """Whether what is displayed was stored lying on its side."""
    if kind == "tiff":
        return getattr(picture, "tag_v2", {}).get(_TIFF_ORIENTATION) in SIDEWAYS
    return _orientation(kind, picture) in SIDEWAYS


def _is_lossless(data: bytes) -> bool:
    """Whether every picture in a WebP file is coded without loss."""
    codes: set[bytes] = set()
    for code, body in webp_chunks(data):
        inner = frame_chunks(body) if code == b"ANMF" else [(code, body)]
        codes.update(name for name, _ in inner)
    return b"VP8L" in codes and b"VP8 " not in codes
