"""JPEG of 12 bits a sample (ITU-T T.81, extended sequential), which Pillow cannot decode."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.pictures.jpeg_layout import CannotKeep, segments

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_EXTENDED: Final = 0xC1
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def frame_at(data: bytes) -> int | None:
    """The position of a JPEG's frame header; None if none is found."""
    try:
        return next((at for marker, at, _ in segments(data) if marker in _FRAMES), None)
    except (CannotKeep, IndexError):
        return None


def open_deep(data: bytes, at: int) -> Picture:
    """Decode a picture of more than 8 bits, with what its other segments say.

    Args:
        at: where its frame header lies.

    Raises:
        UnsupportedError: coded in another way than 12-bit sequential pictures are.
        CannotKeep, FFmpegError: the data is broken or cut off.
    """
    import av
    import PIL.Image
    from PIL.JpegImagePlugin import JpegImageFile

    bits = data[at + 4]
    if bits != 12 or data[at + 1] != _EXTENDED:
        raise UnsupportedError(
            say(
                "JPEG pictures of {bits} bits that are coded in this way are not handled", bits=bits
            ),
            say("Convert it to PNG first."),
        )
    for _ in segments(data):  # FFmpeg would show the rest of a picture that is cut off
        pass
    # Pillow reads everything except such samples. The header claims 8 bits here, and nothing is
    # decoded.
    told = JpegImageFile(io.BytesIO(data[: at + 4] + b"\x08" + data[at + 5 :]))
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    if not frames or frames[0].is_corrupt or (frames[0].width, frames[0].height) != told.size:
        raise EOFError
    picture = PIL.Image.fromarray(frames[0].to_ndarray(format="rgb24"))
    picture = picture.convert("L") if told.mode == "L" else picture
    picture.info.update(told.info)
    return picture
