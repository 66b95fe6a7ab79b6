"""Detection of decoded frames that cannot be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame


class DamageTracker:
    """Follows damage through the prediction from frame to frame.

    A frame that is predicted from a damaged one is damaged as well. So all frames count as damaged
    until a key frame that was sent to the decoder after the damage appeared.
    """

    def __init__(self) -> None:
        self._active = False
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

    def failed(self) -> None:
        """The decoder reported an error.

        It decodes several frames at once and returns them in another order, so the damaged frame is
        not known. It can be any frame that was sent, even a key frame.
        """
        self._active = True
        self._barrier = self._newest_key

    def about(self, frame: VideoFrame) -> bool:
        """Whether the next frame in display order is damaged."""
        if frame.is_corrupt:
            self._active = True
            return True
        if self._active and frame.key_frame:
            time = frame.pts if frame.pts is not None else frame.dts
            self._active = not (time is None or self._barrier is None or time > self._barrier)
        return self._active
