"""The number of threads that decode a video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faceveil.system.priority import usable_processors

if TYPE_CHECKING:
    from av.video.stream import VideoStream

MOST: Final = 8
"""Each holds a few frames in memory."""

FEW_PIXELS: Final = 1280 * 720
FEW_BITS: Final = 1_000_000
"""Of no more pixels in a picture and bits in a second, H.264 is decoded by one thread. It keeps up
with what looks at the pictures, and two take a quarter more of the processor's time.
"""


def threads_for(stream: VideoStream) -> int:
    """The number of threads, which hides no damage: the same in every pass."""
    calm = 0 < (stream.bit_rate or 0) <= FEW_BITS
    small = 0 < stream.width * stream.height <= FEW_PIXELS
    # Of 120 damaged streams of H.264, one thread told as many errors as two, or more. Never one for
    # other codecs: PyAV hides a decoder's errors where frames are not decoded side by side.
    if stream.codec_context.codec.canonical_name == "h264" and small and calm:
        return 1
    return max(2, usable_processors(MOST))
