"""A recording that can be gone on with: parts, which are joined to one film as each ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import av
from av.error import FFmpegError

from faceveil.errors import OutputError
from faceveil.frames import Frame
from faceveil.i18n import reason_of, say
from faceveil.live.aspect import fitted
from faceveil.live.recorder import Encoded
from faceveil.system.files import PRIVATE

FILM, _PART, _JOINT = "film.mp4", "part.mp4", ".joint.mp4"
_STEP: Final = 1 / 30
"""Seconds for which the last frame of a part is shown, if nothing tells."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Width and height of a film, its pictures, and its length in seconds."""

    width: int
    height: int
    frames: int
    seconds: float


class Footage:
    """The part of a recording that is being made; it is kept however it ends.

    Frames are fitted into the size of the first one, that of an earlier part included.

    Args:
        folder: of this recording alone.
        longest: seconds; no frame is added after that.
        room: whether it may go on growing; asked once for each second of film.

    Attributes:
        seconds: length so far, earlier parts included.
        full: no more is added, as it is as long as it may be, or there is no room for more; or "".
        problem: why no more can be written, or None.
        ended: no more is written, whoever ended it.

    Raises:
        OutputError: the folder cannot be written to.
    """

    def __init__(
        self, folder: Path, longest: float, room: Callable[[], bool] = lambda: True
    ) -> None:
        known = facts_of(folder / FILM)
        self._size = (known.width, known.height) if known else None
        self._before = self.seconds = known.seconds if known else 0.0
        self._longest = longest
        self._room = room
        self._asked = 0
        self._first: int | None = None
        self._one_at_a_time = threading.Lock()
        self._part: Encoded | None = Encoded(str(folder / _PART))
        self.full: Literal["", "long", "room"] = ""
        self.problem: OutputError | None = None

    def write(self, frame: Frame) -> None:
        """Add a frame, unless it has ended. Never raises: what is seen live goes on."""
        with self._one_at_a_time:
            if self._part is None or self.problem or self.full:
                return
            assert frame.pts is not None
            if self._first is None:
                self._first = frame.pts
            since = frame.pts - self._first
            image = frame.image if self._size is None else fitted(frame.image, self._size)
            if self._size is None:
                self._size = frame.size[0] // 2 * 2, frame.size[1] // 2 * 2
            try:
                self._part.write(Frame(frame.index, image, pts=since))
            except OutputError as error:
                self.problem = error
                return
            self.seconds = self._before + since / 1000
            self.full = self._end_of_it(since // 1000)

    def _end_of_it(self, second: int) -> Literal["", "long", "room"]:
        if self.seconds >= self._longest:
            return "long"
        if second == self._asked:
            return ""
        self._asked = second
        return "" if self._room() else "room"

    @property
    def ended(self) -> bool:
        return self._part is None

    def close(self) -> None:
        """End it; no frame is added any more."""
        with self._one_at_a_time:
            part, self._part = self._part, None
        if part is not None:
            # What can be read of it is kept all the same.
            with suppress(OutputError):
                part.close()


def gather(folder: Path) -> bool:
    """Join what there is in a recording's folder, parts of a killed process included.

    Returns:
        Whether there is a film now.

    Raises:
        OutputError: it cannot be written; its parts are still there.
    """
    film = folder / FILM
    parts = sorted(folder.glob("part*.mp4"))
    if parts:
        joint = folder / _JOINT
        there = [film] if film.exists() else []
        try:
            if join([*there, *parts], joint):
                joint.replace(film)
        except OutputError:
            if there or len(parts) > 1:
                raise
            # One that is alone is a film, too, if not as players like it best.
            parts[0].replace(film)
        finally:
            joint.unlink(missing_ok=True)
        for part in parts:
            part.unlink(missing_ok=True)
    return film.exists()


def join(parts: Sequence[Path], target: Path) -> bool:
    """Copy films one after the other into one that begins with its index, as players like it.

    What cannot be read of them is left out, and so is one that was not encoded as the first.

    Returns:
        Whether there was anything.

    Raises:
        OutputError: the disk is full, or a film cannot be read now, but perhaps later.
    """
    target.touch(PRIVATE)
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    copied = False
    try:
        with av.open(str(target), "w", format="mp4", container_options=options) as output:
            to: Any = None
            end = 0.0
            for part in parts:
                start: int | None = None
                with suppress(_UnreadableError):
                    for packet in _packets(part):
                        if to is None:
                            to = output.add_stream_from_template(packet.stream)
                        elif packet.stream.codec_context.extradata != to.codec_context.extradata:
                            break
                        base = packet.time_base
                        if start is None:
                            start = round(end / base) - packet.pts
                        packet.pts += start
                        packet.dts += start
                        end = float((packet.pts + (packet.duration or _STEP / base)) * base)
                        packet.stream = to
                        output.mux_one(packet)
                        copied = True
    except (FFmpegError, OSError) as error:
        told = say("the recording cannot be written: {reason}", reason=reason_of(error))
        raise OutputError(told) from error
    return copied


class _UnreadableError(Exception):
    """The rest of a film cannot be read."""


def _packets(path: Path) -> Any:
    try:
        with av.open(str(path)) as source:
            for packet in source.demux(source.streams.video[0]):
                if packet.is_corrupt:  # torn: the process was killed while it wrote
                    return
                if packet.dts is not None:
                    yield packet
    except (OSError, MemoryError):  # as without file handles: nothing is wrong with the film
        raise
    except (FFmpegError, IndexError) as error:
        raise _UnreadableError from error


def facts_of(film: Path) -> Facts | None:
    """Size and length of a film; None if it is none."""
    try:
        with av.open(str(film)) as source:
            stream = source.streams.video[0]
            seconds = float((stream.duration or 0) * cast("Any", stream.time_base))
            return Facts(stream.width, stream.height, stream.frames, seconds)
    except (FFmpegError, IndexError, OSError):
        return None
