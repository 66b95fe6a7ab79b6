"""Presentation times of decoded frames."""

from __future__ import annotations

import heapq
from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from faceveil.i18n import say

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

_USUAL_RATE: Final = Fraction(25)


class Clock:
    """Gives every frame a time: its own, unless that is missing or not after the last one's.

    Args:
        time_base: seconds per unit.
        rate: frames per second, for frames that tell no duration.
        kind: of the file. AVI and ASF store positions in the order of decoding, but no times of
            display: the n-th displayed frame gets the n-th position.

    Attributes:
        last: the time given last, in units.
        moved: how many times had to be changed.
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None, kind: str) -> None:
        self._step = max(1, round(1 / (rate or _USUAL_RATE) / time_base))
        self._row = _Row() if kind in ("avi", "asf") else None
        self._from_zero = kind == "avi"
        self.last: int | None = None
        self.moved = 0

    def sent(self, packet: Packet[Any]) -> None:
        """A packet goes to the decoder."""
        if self._row is None or not packet.size or packet.dts is None:
            return
        # With this the decoder tells which packet a picture is from. The sound of ASF is as late as
        # the decoder is, that of AVI is not.
        if self._from_zero or packet.pts is None:
            packet.pts = packet.dts
        self._row.sent(packet.pts)

    def stamp(self, frame: VideoFrame) -> int:
        """The time of the next frame in display order, in units."""
        own = frame.pts if frame.pts is not None else frame.dts
        if self._row is not None:
            own = self._row.shown(own, frame.key_frame)
        if self.last is None:
            time = own or 0
        elif own is None:
            time = self.last + (frame.duration or self._step)
        elif own > self.last:
            time = own
        else:
            self.moved += 1
            # A repeated time is moved as little as possible; a clock that jumped back is bridged.
            time = self.last + (1 if self.last - own < self._step else self._step)
        self.last = time
        return time

    @property
    def warning(self) -> str:
        """The changes, in words, or ""."""
        if not self.moved:
            return ""
        return say(
            "{count} pictures had a time before the one shown last and were moved", count=self.moved
        )


class _Row:
    """The places of an AVI file, handed out in the order in which frames are shown."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._sent: deque[int] = deque()
        self._shown: list[int] = []
        self._lost = 0

    def sent(self, place: int) -> None:
        heapq.heappush(self._free, place)
        self._sent.append(place)

    def shown(self, origin: int | None, is_key: bool) -> int | None:
        """The place of the next frame.

        Args:
            origin: of the packet it is from.
        """
        if origin is not None:
            if is_key:
                self._pass_over_lost(origin)
            heapq.heappush(self._shown, origin)
        return heapq.heappop(self._free) if self._free else None

    def _pass_over_lost(self, key: int) -> None:
        """Drop frames stored before a key frame and not shown by now: they never will be."""
        while self._sent and self._sent[0] < key:
            self._sent.popleft()
            self._lost += 1
        while self._shown and self._shown[0] < key:
            heapq.heappop(self._shown)
            self._lost -= 1
        while self._lost > 0 and self._free:
            heapq.heappop(self._free)
            self._lost -= 1
