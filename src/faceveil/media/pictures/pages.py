"""The pages of a TIFF file, each read as its tags say.

Pillow reads the usual layouts. Of the others it reads some correctly, misreads some (16-bit planes,
16-bit samples whose white is 0), and does not know the rest. So Pillow reads the layouts for which
tests show that it agrees with tifffile; all others are read sample by sample, or refused. TIFF 6.0
is the reference, with Adobe's notes on Photoshop TIFF.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import COMPLETE
from faceveil.media.pictures.exif import SIDEWAYS
from faceveil.media.pictures.samples import SampleLayout, read_samples

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST_PAGES: Final = 10_000

_SUBFILE, _OLD_SUBFILE, _WIDTH, _LENGTH, _BITS, _COMPRESSION = 254, 255, 256, 257, 258, 259
_PHOTOMETRIC, _FILL, _ORIENTATION, _SAMPLES, _PLANAR, _PREDICTOR = 262, 266, 274, 277, 284, 317
_COLOURS, _INKS, _EXTRA, _FORMAT, _ICC = 320, 332, 338, 339, 34675
_SUBSAMPLING, _DEPTH, _DNG, _SUB_IFDS = 530, 32997, 50706, 330
# Bits of NewSubfileType: a smaller version of another page, a mask of one. Old 2: smaller.
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
# Values of PhotometricInterpretation.
_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, _MASKING, _CMYK, _YCC, _CIELAB, _ICCLAB = (
    *range(7),
    8,
    9,
)
_SENSOR: Final = {32803, 34892}
"""Photometric interpretations of what a camera's sensor saw: colour filter array, linear raw."""
_CHANNELS: Final = {
    **dict.fromkeys((_WHITE_IS_0, _BLACK_IS_0, _PALETTE), 1),
    **dict.fromkeys((_RGB, _YCC, _CIELAB, _ICCLAB), 3),
    _CMYK: 4,
}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_NONE: Final = 1
_FAX: Final = {2, 3, 4}
_JPEG: Final = {6, 7}
_BYTES: Final = {_NONE, 5, 8, 32773, 32946, 34925, 50000}
"""Compressions of bytes, whatever they mean: none, LZW, deflate (two numbers), PackBits, LZMA,
Zstandard."""
_DIFFERENCES: Final = 2
_BEYOND: Final = say("samples beyond colour and opacity left out")
_PLAIN: Final[frozenset[tuple[int, tuple[int, ...]]]] = frozenset(
    {(_WHITE_IS_0, ()), (_BLACK_IS_0, ()), (_RGB, ()), (_CMYK, ()), (_CIELAB, ()), (_YCC, ())}
    | {(_RGB, (0,)), (_RGB, (1,)), (_RGB, (2,)), (_BLACK_IS_0, (1,)), (_BLACK_IS_0, (2,))}
)
"""Photometric interpretation and extra samples that Pillow reads rightly with 8 bits a sample."""


@dataclass(frozen=True, slots=True)
class Page:
    """A finished picture of a TIFF file.

    Attributes:
        at: where its directory lies.
        tag_v2: tag -> value, as Pillow has them.
    """

    at: int
    tag_v2: Mapping[int, Any]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as displayed."""
        width, height = int(self.tag_v2[_WIDTH]), int(self.tag_v2[_LENGTH])
        return (height, width) if self.orientation in SIDEWAYS else (width, height)

    @property
    def area(self) -> int:
        """In pixels."""
        width, height = self.size
        return width * height

    @property
    def orientation(self) -> int:
        """As in EXIF: 1 to 8; anything else means 1."""
        value = self.tag_v2.get(_ORIENTATION, 1)
        return value if isinstance(value, int) else 1


def read_pages(data: bytes, limit: int) -> tuple[Page, ...]:
    """The finished pictures of a file in their order, without smaller versions and masks.

    Every page's layout is examined, so that unsupported ones are refused before the first page is
    decoded.

    Raises:
        UnsupportedError: a camera raw file.
        UnreadableError: it is cut off or broken, or has no picture.
        LimitError: it has too many, or all together more than ``limit`` pixels.
    """
    if data[:4] == b"MM\0+":  # Pillow takes its directories for those of a small file
        raise UnsupportedError(
            say("a BigTIFF with its bytes in reverse order"), say("Save it as TIFF.")
        )
    pages = [Page(at, tags) for at, tags in _directories(data)]
    first = pages[0].tag_v2
    if (
        _DNG in first
        or data[8:10] == b"CR"
        or (first.get(_SUBFILE, 0) & _REDUCED and _SUB_IFDS in first)
        or any(page.tag_v2.get(_PHOTOMETRIC) in _SENSOR for page in pages)
    ):
        raise UnsupportedError(
            say("camera raw files hold no finished picture"),
            say("Develop it to JPEG or TIFF first."),
        )
    finished = _finished(pages)
    if not finished:
        raise UnreadableError(say("the picture is empty"), COMPLETE)
    if sum(width * height for width, height in (page.size for page in finished)) > limit:
        raise LimitError(
            say(
                "the picture is too large: all pages together are more than {limit} pixels",
                limit=limit,
            ),
            say("If you trust the file, raise max_pixels."),
        )
    for page in finished:
        _require(data, page.tag_v2)
    return finished


def _finished(pages: Sequence[Page]) -> tuple[Page, ...]:
    """The pages without masks and without real smaller versions of other pages.

    Some writers mark every page as a smaller version, or every page except the first. A marked page
    that is not smaller than every unmarked page counts as a page of its own.
    """
    shown = [page for page in pages if not _is_mask(page.tag_v2)]
    largest = max((page.area for page in shown if not _is_reduced(page.tag_v2)), default=0)
    return tuple(page for page in shown if page.area >= largest or not _is_reduced(page.tag_v2))


def _is_mask(tags: Mapping[int, Any]) -> bool:
    return bool(tags.get(_SUBFILE, 0) & _MASK) or tags.get(_PHOTOMETRIC) == _MASKING


def _is_reduced(tags: Mapping[int, Any]) -> bool:
    return bool(tags.get(_SUBFILE, 0) & _REDUCED) or tags.get(_OLD_SUBFILE) == _OLD_REDUCED


def _directories(data: bytes) -> Iterator[tuple[int, Mapping[int, Any]]]:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    order, big = "<" if data[:2] == b"II" else ">", data[2:4] == b"+\0"
    word, count, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    (at,) = struct.unpack_from(order + word, data, 8 if big else 4)
    file = io.BytesIO(data)
    seen: set[int] = set()
    while at and at not in seen:
        if len(seen) >= MOST_PAGES:
            raise LimitError(say("the file has too many pages"), say("Split it first."))
        seen.add(at)
        (entries,) = struct.unpack_from(order + count, data, at)
        end = at + struct.calcsize(order + count) + entries * entry
        (behind,) = struct.unpack_from(order + word, data, end)  # fails where it is cut off
        tags = ImageFileDirectory_v2(data[: 16 if big else 8])
        file.seek(at)
        tags.load(file)
        yield at, tags
        at = behind
    if not seen:
        raise EOFError


def open_page(data: bytes, page: Page) -> Picture:
    """A page, with its tags as ``tag_v2``; turned when it is loaded, or ``info`` says how.

    Raises:
        UnsupportedError: its samples are of a kind that is not handled.
    """
    from PIL.TiffImagePlugin import TiffImageFile

    tags = page.tag_v2
    layout, extra, plain = _require(data, tags)
    if plain:
        picture: Picture = TiffImageFile(io.BytesIO(_beginning_at(data, page.at)))
        if 0 in extra:  # Pillow leaves them out in silence
            picture.info["left_out"] = (_BEYOND,)
        return picture
    photometric = _photometric(tags, layout)
    values = read_samples(data, tags, layout)
    picture = _picture(values, layout.bits, photometric, extra, tags)
    picture.tag_v2 = tags  # type: ignore[attr-defined]
    picture.info["exif"] = _beginning_at(data, page.at)  # what Pillow reads EXIF from
    if len(extra) > (picture.mode in ("LA", "RGBA")):
        picture.info["left_out"] = (_BEYOND,)
    picture.info["orientation"] = page.orientation
    if isinstance(profile := tags.get(_ICC), bytes):
        picture.info["icc_profile"] = profile
    return picture


def _require(data: bytes, tags: Mapping[int, Any]) -> tuple[SampleLayout, tuple[int, ...], bool]:
    """The layout, the meaning of the extra samples, and whether Pillow reads it correctly.

    Raises:
        UnsupportedError: nothing here reads it.
    """
    layout, extra = _layout(data, tags)
    photometric = _photometric(tags, layout)
    plain = _is_plain(tags, layout, photometric, extra)
    if not plain and (photometric == _YCC or layout.compression not in _BYTES):
        raise _unknown(tags, layout)
    return layout, extra, plain


def _beginning_at(data: bytes, at: int) -> bytes:
    """The file with this directory as its first."""
    order, big = "<" if data[:2] == b"II" else ">", data[2:4] == b"+\0"
    where, word = (8, "Q") if big else (4, "I")
    told = struct.pack(order + word, at)
    if data[where : where + len(told)] == told:
        return data
    return data[:where] + told + data[where + len(told) :]


def _layout(data: bytes, tags: Mapping[int, Any]) -> tuple[SampleLayout, tuple[int, ...]]:
    """The layout of the samples, and the meaning of the extra ones of each pixel.

    Raises:
        UnsupportedError: not all are unsigned numbers of one size.
    """
    compression = int(tags.get(_COMPRESSION, _NONE))
    sizes = tuple(tags.get(_BITS, (1,)))
    samples = int(tags.get(_SAMPLES, len(sizes)))
    layout = SampleLayout(
        width=int(tags[_WIDTH]),
        height=int(tags[_LENGTH]),
        bits=max(sizes),
        samples=samples,
        compression=compression,
        planar=tags.get(_PLANAR, 1) == 2 and samples > 1,
        big_endian=data[:2] == b"MM",
        predicted=tags.get(_PREDICTOR, 1) == _DIFFERENCES and compression in _BYTES,
        reversed_bits=tags.get(_FILL, 1) == 2,
    )
    formats = set(tags.get(_FORMAT, (1,)))
    predictors = {1, _DIFFERENCES} if layout.bits in (8, 16) else {1}
    if layout.bits >= 32:
        raise UnsupportedError(
            say("{bits}-bit samples have no fixed white", bits=layout.bits),
            say("Convert the picture to 8 or 16 bits first."),
        )
    if (
        formats != {1}
        or len(set(sizes)) > 1
        or not 1 <= layout.bits <= 16
        or (compression in _BYTES and tags.get(_PREDICTOR, 1) not in predictors)
        or tags.get(_DEPTH, 1) != 1
    ):
        raise _unknown(tags, layout)
    channels = _CHANNELS.get(_photometric(tags, layout))
    if channels is None or channels > samples or (channels == 4 and tags.get(_INKS, 1) != 1):
        raise _unknown(tags, layout)
    extra = tuple(tags.get(_EXTRA, ()))[: samples - channels]
    if _ASSOCIATED in extra and tags.get(_PHOTOMETRIC) not in (_BLACK_IS_0, _RGB):
        raise _unknown(tags, layout)
    if not extra and _photometric(tags, layout) == _RGB and samples == 4:
        extra = (_UNASSOCIATED,)  # its writer forgot to say so
    return layout, extra + (0,) * (samples - channels - len(extra))


def _photometric(tags: Mapping[int, Any], layout: SampleLayout) -> int:
    if layout.compression == 6:  # the old way of JPEG is always YCbCr
        return _YCC
    missing = _RGB if layout.samples >= 3 else _WHITE_IS_0 if layout.bits == 1 else _BLACK_IS_0
    return int(tags.get(_PHOTOMETRIC, missing))


def _is_plain(
    tags: Mapping[int, Any], layout: SampleLayout, photometric: int, extra: tuple[int, ...]
) -> bool:
    """Whether Pillow reads it correctly."""
    if _PHOTOMETRIC not in tags or (photometric, extra) not in _PLAIN:
        return False
    if layout.compression in _FAX:
        return layout.bits == layout.samples == 1
    if layout.bits != 8:
        return False
    if layout.compression in _JPEG:
        return photometric != _CIELAB and not extra
    if layout.compression not in _BYTES or layout.planar or layout.reversed_bits:
        return False
    halved = photometric == _YCC and tuple(tags.get(_SUBSAMPLING, (2, 2))) != (1, 1)
    # Of what is not compressed Pillow does not know that colour may be stored at less resolution.
    return layout.compression != _NONE or not halved


def _unknown(tags: Mapping[int, Any], layout: SampleLayout) -> UnsupportedError:
    return UnsupportedError(
        say(
            "TIFF samples of this kind are not handled: bits {bits}, format "
            "{format}, colours {colours}, compression {compression}, "
            "predictor {predictor}",
            bits=layout.bits,
            format=max(tags.get(_FORMAT, (1,))),
            colours=tags.get(_PHOTOMETRIC),
            compression=layout.compression,
            predictor=tags.get(_PREDICTOR, 1),
        ),
        say("Save it as RGB of 8 or 16 bits with LZW."),
    )


def _picture(
    values: NDArray[Any],
    bits: int,
    photometric: int,
    extra: tuple[int, ...],
    tags: Mapping[int, Any],
) -> Picture:
    """A picture of 8 bits from samples of any depth, (H, W, samples)."""
    import PIL.Image

    channels, white = values.shape[2] - len(extra), (1 << bits) - 1
    colours, alpha = values[..., :channels], None
    kinds = [at for at, kind in enumerate(extra) if kind in (_ASSOCIATED, _UNASSOCIATED)]
    if kinds and channels != 4 and photometric not in (_CIELAB, _ICCLAB):
        alpha = values[..., channels + kinds[0]]
    eight = ((np.arange(white + 1, dtype=np.uint32) * 255 + white // 2) // white).astype(np.uint8)
    if alpha is not None and extra[kinds[0]] == _ASSOCIATED:
        done = _divided(colours, alpha)
    elif photometric == _WHITE_IS_0:
        done = eight[white - colours]
    elif photometric == _PALETTE:
        done = _table(tags, bits)[colours[..., 0]]
    elif photometric in (_CIELAB, _ICCLAB):
        done = _lab(colours, bits, photometric)
    else:
        done = eight[colours]
    mode = {1: "L", 4: "CMYK"}.get(done.shape[2], "RGB")
    if photometric in (_CIELAB, _ICCLAB):
        mode = "LAB"
    if alpha is not None:
        mode, done = mode + "A", np.dstack([done, eight[alpha]])
    height, width = done.shape[:2]
    return PIL.Image.frombytes(mode, (width, height), np.ascontiguousarray(done).tobytes())


def _divided(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours of 0 to 255 that were stored multiplied by their opacity."""
    share = np.maximum(alpha, 1)[..., None].astype(np.uint32)
    whole: NDArray[np.uint32] = (colours * np.uint32(255) + share // 2) // share
    return np.minimum(whole, 255).astype(np.uint8)


def _table(tags: Mapping[int, Any], bits: int) -> NDArray[np.uint8]:
    """(colours, 3) of a palette; old writers filled in 8 bits where there are 16."""
    table: NDArray[np.uint32] = np.array(tags[_COLOURS], np.uint32).reshape(3, 1 << bits).T
    return (table >> (8 if int(table.max()) > 255 else 0)).astype(np.uint8)


def _lab(colours: NDArray[Any], bits: int, photometric: int) -> NDArray[np.uint8]:
    """L of 0 to 255, a and b as signed bytes, from CIELab or ICCLab of 8 or 16 bits."""
    done: NDArray[np.uint8] = np.array(colours >> (bits - 8), np.uint8)
    if photometric == _ICCLAB:
        done[..., 1:] ^= 128
    return done
