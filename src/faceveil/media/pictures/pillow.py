"""The only access to Pillow's and libheif's decoders: no warnings, no foreign exceptions, no
globals.

Pillow's plug-ins are called directly. ``PIL.Image.open`` would judge the size of a picture by a
process-wide constant, try plug-ins by name and open further pictures inside a file; here the kind
is known and the limit is the caller's.
"""

from __future__ import annotations

import io
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from faceveil.errors import InputError, LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import COMPLETE
from faceveil.media.pictures.avif import decode_apart
from faceveil.media.pictures.deep_jpeg import frame_at, open_deep
from faceveil.media.pictures.item import coded_as, primary_item
from faceveil.media.pictures.jp2 import rightly, without_the_rest
from faceveil.media.pictures.large import Rows, is_large

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_PLUGINS: Final = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "jp2": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
}

_lock = threading.Lock()
_users = 0
_silence: Any = None


@contextmanager
def quiet() -> Iterator[None]:
    """Drop the warnings that decoders raise about odd input, from any number of threads.

    ``warnings.catch_warnings`` alone is not safe here: of two threads that overlap, the first to
    leave would give the second its warnings back, and the last would restore the wrong filters.
    """
    global _users, _silence
    if getattr(sys.flags, "context_aware_warnings", False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
        return
    with _lock:
        _users += 1
        if _users == 1:
            _silence = warnings.catch_warnings()
            _silence.__enter__()
            warnings.simplefilter("ignore")
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _silence.__exit__(None, None, None)
                _silence = None


@contextmanager
def decoding(kind: str) -> Iterator[None]:
    """Turn any error of a decoder into one clear line.

    Raises:
        LimitError: there is not enough memory for the picture.
        UnreadableError: anything else.
    """
    from PIL.Image import DecompressionBombError

    name = kind.upper()
    with quiet():
        try:
            yield
        except InputError:
            raise
        except (DecompressionBombError, MemoryError) as error:
            raise LimitError(
                say("the {format} picture is too large to open", format=name),
                say("Shrink it and try again."),
            ) from error
        # On broken data the plug-ins raise errors of any kind: SyntaxError, struct.error, KeyError.
        except Exception as error:
            cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
            raise UnreadableError(
                say("the {format} data is cut off", format=name)
                if cut
                else say("the {format} data is broken", format=name),
                say("Get a complete copy of the file."),
            ) from error


def check_size(width: int, height: int, limit: int, frames: int = 1) -> None:
    """Refuse a picture that is too large, before it is decoded.

    Raises:
        LimitError: the frames together have more than ``limit`` pixels.
        UnreadableError: the picture has no pixels.
    """
    if width < 1 or height < 1:
        raise UnreadableError(say("the picture is empty"), COMPLETE)
    if width * height * frames > limit:
        what = f"{width} x {height}"
        if frames > 1:
            what = say("{size} x {frames} frames", size=what, frames=frames)
        raise LimitError(
            say(
                "the picture is too large: {size} is more than {limit} pixels",
                size=what,
                limit=limit,
            ),
            say("If you trust the file, raise max_pixels."),
        )


def open_picture(kind: str, data: bytes, limit: int) -> Picture:
    """Read the header, check the size, and return the picture, not yet decoded (but HEIC and AVIF).

    Call within ``decoding``.

    Raises:
        LimitError: more than ``limit`` pixels, in one frame or in all of them.
        UnsupportedError: this installation has no decoder for the format.
    """
    if kind == "heic":
        return _open_heic(data, limit)
    if kind == "avif":
        return _open_avif(data, limit)
    if kind == "jpeg" and (at := frame_at(data)) is not None and data[at + 4] > 8:
        height, width = (
            int.from_bytes(data[place : place + 2], "big") for place in (at + 5, at + 7)
        )
        check_size(width, height, limit)
        return open_deep(data, at)
    if kind == "jp2":
        data = without_the_rest(data)
    module, name = _PLUGINS[kind]
    picture: Picture = getattr(import_module(module), name)(io.BytesIO(data))
    check_size(*picture.size, limit)
    if kind in ("gif", "png", "webp"):
        check_size(*picture.size, limit, getattr(picture, "n_frames", 1))
    if kind == "png":
        return _with_key(picture, data)
    return rightly(picture, data) if kind == "jp2" else picture


def _with_key(picture: Picture, data: bytes) -> Picture:
    """The key colour of a PNG (tRNS) as Pillow's samples have it.

    It stretches grey of 2 and 4 bits to 8, and keeps the high bytes of 16-bit RGB only, of which
    many colours share one: there the opacity is worked out from the whole samples.
    """
    key, bits = picture.info.get("transparency"), data[24]
    if isinstance(key, int) and bits in (2, 4):
        picture.info["transparency"] = key * 255 // ((1 << bits) - 1)
    elif isinstance(key, tuple) and bits == 16 and getattr(picture, "n_frames", 1) == 1:
        import cv2
        import numpy as np
        import PIL.Image

        whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if whole is None or whole.shape[1::-1] != picture.size:
            raise ValueError
        opaque = (whole[..., 2::-1] != np.array(key, np.uint16)).any(axis=-1)
        picture.load()
        info = {name: value for name, value in picture.info.items() if name != "transparency"}
        picture = picture.convert("RGB")
        picture.info = info
        picture.putalpha(PIL.Image.fromarray(opaque.astype(np.uint8) * 255))
    return picture


def _open_avif(data: bytes, limit: int) -> Picture:
    """Sequences are decoded later, stills at once, in two pieces if they are refused as a whole."""
    from PIL import AvifImagePlugin, features

    if not features.check("avif"):
        raise UnsupportedError(
            say("this Pillow cannot read AVIF"), say("Install Pillow's own wheel.")
        )
    item = primary_item(data)
    if item is not None and min(item.size) > 0:
        check_size(*item.size, limit)
    try:
        picture = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
        check_size(*picture.size, limit, picture.n_frames)
        if picture.n_frames == 1:
            picture.load()
    except (LimitError, MemoryError):
        raise
    except Exception as error:
        try:
            return decode_apart(data, partial(check_size, limit=limit))
        except (LimitError, UnsupportedError):
            raise
        except Exception:
            raise error from None
    return picture


def _open_heic(data: bytes, limit: int) -> Picture:
    try:
        import pi_heif
    except ImportError as error:
        raise UnsupportedError(
            say("HEIC needs the package pi-heif"), say("Install pi-heif.")
        ) from error
    coding = coded_as(data)
    if not coding <= {b"hvc1"}:
        name = min(coding - {b"hvc1"}).decode("latin-1")
        raise UnsupportedError(
            say("HEIF pictures coded as {coding} are not handled", coding=name),
            say("Convert it to JPEG or PNG first."),
        )
    if not coding:
        raise UnsupportedError(
            say("a sequence of HEIF pictures without a still"), say("Convert it to MP4 first.")
        )
    file = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    width, height = file.size
    check_size(width, height, limit)
    image = file[file.primary_index]
    if is_large(width, height) and image.mode == "RGB":
        return cast("Picture", Rows(np.asarray(image), dict(image.info), image))
    picture: Picture = image.to_pillow()
    return picture
