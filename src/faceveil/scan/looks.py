"""Look at several frames at the same time, and give what was found in the order of the frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from faceveil.detect import Consulting, Detector
from faceveil.detect.opinion import Opinion
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.system.closing import Closing
from faceveil.system.stages import depth_for

LEAST_LAG, MOST_LAG = 4, 6
"""Frames after which a look must be over, on every machine, so that the schedule depends on none.

Four frames keep two cores busy, one of which decodes and compares; with six, a search of small
frames takes 0.86 of the time. The later a schedule knows what was found, the less it suits what it
sees, and the more frames wait. With six, the composed videos (seeds 1 to 16) show as many faces as
with four.
"""


def lag_for(pixels: int) -> int:
    """The number of frames with so many pixels after which a look must be over."""
    return max(LEAST_LAG, min(MOST_LAG, depth_for(pixels)))


@dataclass(frozen=True, slots=True)
class Looked:
    """The faces that were found in a frame.

    Attributes:
        index, pts: of the frame.
        faces: those found.
        whole: wherever a face can be, not in parts that have changed.
        planned: the schedule asked for the look.
        opinions: those of the faces that were put to another network, with its scores.
        settled: the number of places that a detector of stills has put to another network.
    """

    index: int
    pts: int
    faces: Faces
    whole: bool
    planned: bool
    opinions: Faces = field(default_factory=lambda: Faces.of(()))
    settled: int = 0


class Looks(Closing):
    """Looks of a detector in threads of their own, which end with the block.

    Args:
        floor: the least score of a face that is kept.
        workers: how many looks are under way at the same time.
        opinion: another network, asked about the faces that the detector cannot settle.
    """

    def __init__(
        self,
        detector: Detector,
        floor: float,
        workers: int,
        opinion: Opinion | None = None,
    ) -> None:
        self._opinion = opinion
        self._detector = detector
        self._floor = floor
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="faceveil-look")
        self._waiting: deque[tuple[int, Future[Looked]]] = deque()
        self._whole = -1

    def add(self, frame: Frame, *, rotated: float | None = None) -> None:
        """Look at a whole frame.

        Args:
            rotated: the score from which heads that lie are found, too; None: they are not.
        """
        self._whole = frame.index
        self._submit(frame, None, rotated)

    def add_parts(self, frame: Frame, parts: Sequence[Box], *, as_whole: bool = False) -> None:
        """Look at parts of a frame.

        Args:
            as_whole: these are all in which a face can be.
        """
        if as_whole:
            self._whole = frame.index
        self._submit(frame, parts, None, whole=as_whole)

    def add_last(self, frame: Frame) -> None:
        """Look at the whole of the frame before, unless that was done."""
        if frame.index != self._whole:
            self._whole = frame.index
            self._submit(frame, None, None, planned=False)

    def until(self, index: int | None) -> Iterator[Looked]:
        """Wait for the looks at the frames up to this one, or at all, and give each once."""
        while self._waiting and (index is None or self._waiting[0][0] <= index):
            yield self._waiting.popleft()[1].result()

    def _submit(
        self,
        frame: Frame,
        parts: Sequence[Box] | None,
        rotated: float | None,
        *,
        whole: bool = True,
        planned: bool = True,
    ) -> None:
        job = self._pool.submit(self._look, frame, parts, rotated, whole, planned)
        self._waiting.append((frame.index, job))

    def _look(
        self,
        frame: Frame,
        parts: Sequence[Box] | None,
        rotated: float | None,
        whole: bool,
        planned: bool,
    ) -> Looked:
        find, floor = self._detector, self._floor
        if isinstance(find, Consulting):
            faces, settled = find.consult(frame, floor)
            return Looked(frame.index, frame.pts, faces, whole, planned, settled=settled)
        if parts is None:
            faces = Faces.of(find.detect(frame, floor))
            opinions = self._ask(frame, faces)
            if rotated is not None:
                lying = Faces.of(find.detect_rotated(frame, rotated))
                faces = Faces.concatenate([faces, lying])
                opinions = Faces.concatenate([opinions, self._ask(frame, lying, lying=True)])
        else:
            faces = Faces.concatenate(find.detect_in(frame, part, floor) for part in parts)
            opinions = self._ask(frame, faces)
        return Looked(frame.index, frame.pts, faces, whole, planned, opinions)

    def _ask(self, frame: Frame, faces: Faces, *, lying: bool = False) -> Faces:
        if self._opinion is None:
            return Faces.of(())
        return self._opinion.ask(frame, faces, lying=lying)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
