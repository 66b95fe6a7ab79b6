"""A program of its own that sends a walking mark as a stream, until it is killed.

python sender.py ADDRESS FIRST FRAMES

Behind a tcp:// address write ?listen=1, to have it wait there for whoever asks.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction

import av
import numpy as np

WIDTH, HEIGHT, MARK, RATE = 320, 180, 40, 25


def picture(number: int) -> np.ndarray:
    """The mark at 255 on a dark slope."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[...] = np.linspace(20, 110, WIDTH)[None, :, None]
    x = 20 + number * 3 % (WIDTH - MARK - 40)
    image[60 : 60 + MARK, x : x + MARK] = 255
    return image


def main() -> None:
    address, first, frames = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    settings = {"preset": "ultrafast", "tune": "zerolatency"}
    format = "rtp_mpegts" if address.startswith("rtp:") else "mpegts"
    with av.open(address, "w", format=format) as output:
        stream = output.add_stream("libx264", rate=RATE, options=settings)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = RATE // 2
        began = time.monotonic()
        for number in range(frames):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            frame = av.VideoFrame.from_ndarray(picture(first + number), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))


if __name__ == "__main__":
    main()
