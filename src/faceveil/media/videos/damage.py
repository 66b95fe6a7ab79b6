"""Detection of decoded frames that cannot be trusted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from faceveil.i18n import say

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame


_MOST_WAITING: Final = 16
"""No codec shows more frames before one that they are predicted from (ITU-T H.264, A.3.1)."""
_MOST_KNOWN: Final = 1000


@dataclass(slots=True)
class _HeldBack:
    """A frame that is shown before one it may be predicted from.

    Attributes:
        number: its place in the order in which frames are coded.
        until: time of the last frame shown that was coded before it; None: all were shown.
    """

    frame: VideoFrame
    number: int
    until: int | None
    suspect: bool


class DamageTracker:
    """Follows damage through the prediction from frame to frame.

    A frame that is predicted from a damaged one is damaged as well. So all frames count as damaged
    until a key frame that was sent to the decoder after the damage appeared; and so do those shown
    before the damage that were coded after it.
    """

    def __init__(self) -> None:
        self._active = False
        self._sent = 0
        self._latest: int | None = None
        self._coded: dict[int, tuple[int, int | None]] = {}
        self._waiting: deque[_HeldBack] = deque()
        self._newest_key: int | None = None
        self._barrier: int | None = None

    def sent(self, packet: Packet[Any]) -> None:
        """A packet goes to the decoder."""
        if packet.is_keyframe and packet.size:
            time = packet.pts if packet.pts is not None else packet.dts
            if time is not None and (self._newest_key is None or time > self._newest_key):
                self._newest_key = time
        if packet.is_corrupt:
            self.failed()
        if packet.size and packet.pts is not None:
            late = self._latest is not None and self._latest > packet.pts
            self._sent += 1
            if len(self._coded) > _MOST_KNOWN:  # frames that never came
                self._coded.clear()
            self._coded[packet.pts] = self._sent, self._latest if late else None
            if not late or packet.is_keyframe:
                self._latest = packet.pts

    def failed(self) -> None:
        """The decoder reported an error.

        It decodes several frames at once and returns them in another order, so the damaged frame is
        not known. It can be any frame that was sent, even a key frame.
        """
        self._active = True
        self._barrier = self._newest_key
        for one in self._waiting:
            one.suspect = True

    def judged(
        self, decoded: Iterable[VideoFrame], *, last: bool
    ) -> Iterator[tuple[VideoFrame, bool]]:
        """The next frames in display order, and whether each is damaged. Those that may be
        predicted from frames that come later are held back until these have come.

        Args:
            last: no frame comes that they are predicted from.
        """
        for frame in decoded:
            suspect, now = self.about(frame), frame.pts
            number, until = (0, None) if now is None else self._coded.pop(now, (0, None))
            for one in self._waiting:
                one.suspect |= suspect and number < one.number
            self._waiting.append(_HeldBack(frame, number, until, suspect))
            while self._waiting and self._is_settled(now):
                yield self._released()
        while last and self._waiting:
            yield self._released()

    def _is_settled(self, now: int | None) -> bool:
        until = self._waiting[0].until
        shown = until is None or now is None or until <= now
        return shown or len(self._waiting) > _MOST_WAITING

    def _released(self) -> tuple[VideoFrame, bool]:
        one = self._waiting.popleft()
        return one.frame, one.suspect

    def about(self, frame: VideoFrame) -> bool:
        """Whether the next frame in display order is damaged."""
        if frame.is_corrupt:
            self._active = True
            return True
        if self._active and frame.key_frame:
            time = frame.pts if frame.pts is not None else frame.dts
            self._active = not (time is None or self._barrier is None or time > self._barrier)
        return self._active


def losses(broken: str, lost: int, too_large: str, damaged: int) -> Iterator[str]:
    """Warnings of what could not be read.

    Args:
        broken: why reading stopped early, or "".
        lost: number of pieces that the decoder refused.
        too_large: size of pictures that are left out, or "".
        damaged: number of pictures that are covered whole.
    """
    if broken:
        yield say("reading stopped early: {reason}", reason=broken)
    if lost:
        yield say("{count} pieces of the picture stream could not be decoded", count=lost)
    if too_large:
        yield say("pictures of {size} are more than max_pixels permits: left out", size=too_large)
    if damaged:
        yield say("{count} damaged pictures are covered whole", count=damaged)
