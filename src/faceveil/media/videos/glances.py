"""Frames of a video in any order, as fast as somebody drags a slider."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import takewhile
from threading import Lock
from typing import TYPE_CHECKING

from av.stream import Discard

from faceveil.errors import UnreadableError
from faceveil.frames import Frame
from faceveil.i18n import reason_of, say
from faceveil.media.videos.containers import reading
from faceveil.media.videos.video import VideoSource
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame as Decoded
    from av.video.stream import VideoStream

_SEEKABLE = ("mp4", "mov", "mkv", "webm")
"""Containers with an index, whose times do not jump: a time is found without reading up to it."""
_SLACK = 64
"""Packets beyond those expected that may have to be read: orders differ, frames are left out."""
_KEPT_BYTES = 48_000_000
"""Decoded frames that are kept: whoever steps back wants those before the one at hand."""


class Glances(Closing):
    """Finds frames by seeking. The times of all frames are read once.

    The file stays open between two glances, because its index takes long to read; whoever has it
    deleted has to ``close``, too. What is known of it stays, and another glance opens it again.
    """

    def __init__(self, source: VideoSource) -> None:
        self._source = source
        self._lock = Lock()
        self._times: array[int] | None = None
        self._keys: array[int] = array("q")
        self._reel: _Reel | None = None

    def at(self, index: int) -> Frame | None:
        """The frame with an index, or None if there is none.

        Raises:
            UnreadableError: the file is gone or broken.
        """
        with self._lock:
            self._require_file()
            if index == 0 and self._times is None:
                # No times are needed for it: those of three hours take seconds.
                return next(self._source.frames(), None)
            times = self._index()
            if index >= len(times) > 0:
                return None
            before = bisect_right(self._keys, times[index]) if times else 0
            if before and self._source.media.format in _SEEKABLE:
                key = self._keys[before - 1]
                most = index - bisect_right(times, key) + _SLACK
                try:
                    return self._found(index, times[index], key, most)
                except KeyError:  # the container's index is wrong
                    self._let_go()
                except UnreadableError:
                    self._let_go()
                    raise
        return next((one for one in self._source.sample({index}) if one.index == index), None)

    def prepare(self) -> None:
        """Read the times of all frames, and the file's index, so that the next glance need not.

        Raises:
            UnreadableError: the file is gone or broken.
        """
        with self._lock:
            self._require_file()
            if self._index() and self._reel is None:
                self._reel = _Reel(self._source)

    def between(self, first: int, end: int) -> Iterator[Frame]:
        """The frames from one index up to another, in their order; those that can be decoded.

        Raises:
            UnreadableError: the file is gone or broken.
        """
        with self._lock:
            times = self._index()
        key = bisect_right(self._keys, times[first]) - 1 if times else -1
        if key < 0 or self._source.media.format not in _SEEKABLE:
            for frame in takewhile(lambda one: one.index < end, self._source.skim()):
                if frame.index >= first:
                    yield frame
            return
        for frame in self._source.skim(self._keys[key], seek=True):
            frame.index = bisect_right(times, frame.pts) - 1
            if frame.index >= end:
                return
            if frame.index >= first:
                yield frame

    def close(self) -> None:
        """Hold no file open any more, and no picture."""
        with self._lock:
            self._let_go()

    def _found(self, index: int, pts: int, key: int, most: int) -> Frame:
        if self._reel is None:
            self._reel = _Reel(self._source)
        frame = self._reel.at(pts, key, most)
        return self._source.shown(index, pts, frame, self._reel.decoder)

    def _let_go(self) -> None:
        if self._reel is not None:
            self._reel.close()
            self._reel = None

    def _require_file(self) -> None:
        try:
            if self._source.path is not None:
                self._source.path.stat()
        except OSError as error:
            self._let_go()
            raise UnreadableError(
                say("the file cannot be read: {reason}", reason=reason_of(error))
            ) from error

    def _index(self) -> array[int]:
        if self._times is None:
            times, keys = self._source.times()
            self._keys = array("q", sorted(keys))
            self._times = array("q", sorted(times))
        return self._times


class _Reel(Closing):
    """A video that is open, and decoded on from where it stands if that is the shortest way."""

    def __init__(self, source: VideoSource) -> None:
        self._container, self._stream, self.decoder = source.opened()
        for other in self._container.streams:
            if other is not self._stream:
                other.discard = Discard.all
        self._packets: Iterator[Packet[VideoStream]] | None = None
        self._last: int | None = None
        self._recent: OrderedDict[int, Decoded] = OrderedDict()
        self._bytes = 0

    def at(self, pts: int, key: int, most: int) -> Decoded:
        """A frame by its time.

        Args:
            key: time of the key frame before it.
            most: packets to read at most.

        Raises:
            KeyError: there is none.
            UnreadableError: the file is broken.
        """
        if (known := self._recent.get(pts)) is not None:
            return known
        with reading():
            if self._packets is None or self._last is None or not key <= self._last < pts:
                self._seek(key)
            assert self._packets is not None
            for packet in self._packets:
                for frame in self.decoder.decode(packet):
                    self._keep(frame, key)
                if self._last is not None and self._last >= pts:
                    return self._recent[pts]
                most -= 1
                if most < 0:
                    break
        self._packets = None  # the decoder has nothing more to give
        return self._recent[pts]

    def close(self) -> None:
        self._recent.clear()
        self._container.close()

    def _seek(self, key: int) -> None:
        self._recent.clear()
        self._bytes, self._last = 0, None
        self.decoder.flush_buffers()
        self._container.seek(key, stream=self._stream)
        self._packets = self._container.demux(self._stream)

    def _keep(self, frame: Decoded, key: int) -> None:
        # Shown before their key frame: they may refer to the group before, which was not read.
        if frame.pts is None or (self._last is None and frame.pts < key):
            return
        self._last = frame.pts
        self._recent[frame.pts] = frame
        self._bytes += _size(frame)
        while self._bytes > _KEPT_BYTES and len(self._recent) > 1:
            _, old = self._recent.popitem(last=False)
            self._bytes -= _size(old)


def _size(frame: Decoded) -> int:
    return sum(plane.buffer_size for plane in frame.planes)
