"""Look at several frames at the same time, and give what was found in the order of the frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from faceveil.detect import Consulting, Detector
from faceveil.detect.opinion import Opinion
from faceveil.faces import Faces, centers
from faceveil.frames import Frame, croppable
from faceveil.geometry import Box
from faceveil.scan.certain import Certain
from faceveil.system.closing import Closing
from faceveil.system.stages import depth_for
from faceveil.track.settle import VOUCHED

LEAST_LAG, MOST_LAG = 4, 6
"""Frames after which a look must be over, on every machine, so that the schedule depends on none.

Four frames keep two cores busy, one of which decodes and compares; with six, a search of small
frames takes 0.86 of the time. The later a schedule knows what was found, the less it suits what it
sees, and the more frames wait. With six, the composed videos (seeds 1 to 16) show as many faces as
with four.
"""


LYING = 0.8
"""Weight of an answer about a head that lies. It is shown in three turns, and by chance the best of
three answers is higher. Of 107 photos that were turned, and of 63 with masks, as many faces are
doubted as with the full weight (9 of 492), and 35 instead of 22 of the 44 places that are none.
"""


def lag_for(pixels: int) -> int:
    """The number of frames with so many pixels after which a look must be over."""
    return max(LEAST_LAG, min(MOST_LAG, depth_for(pixels)))


@dataclass(frozen=True, slots=True)
class Aside:
    """A search for heads that lie.

    Attributes:
        floor: the score from which they are found.
        boxes: where they are looked for; None: all over the frame.
    """

    floor: float
    boxes: Sequence[Box] | None


@dataclass(frozen=True, slots=True)
class Looked:
    """The faces that were found in a frame.

    Attributes:
        index, pts: of the frame.
        faces: those found.
        lying: those of heads that lie, which are among them.
        whole: wherever a face can be, not in parts that have changed.
        planned: the schedule asked for the look.
        settled: the number of places that a detector of stills has put to another network.
    """

    index: int
    pts: int
    faces: Faces
    lying: Faces
    whole: bool
    planned: bool
    settled: int = 0


Found = tuple[Faces, int]
"""Faces, and the number of places that were put to another network."""


@dataclass(frozen=True, slots=True)
class _Underway:
    """A look that is under way.

    Attributes:
        scene: number of the scene that the frame belongs to.
        jobs: of its parts, which are looked at by different threads.
        lying: those that find heads that lie.
    """

    frame: Frame
    scene: int
    whole: bool
    planned: bool
    jobs: Sequence[Future[Found]]
    lying: Sequence[Future[Faces]]


class Looks(Closing):
    """Looks of a detector in threads of their own, which end with the block.

    A look is several tasks, and what another network is asked about its faces is one more, for
    which nothing waits: so no core is idle while a frame's dearest task is under way.

    Args:
        floor: the least score of a face that is kept.
        workers: how many tasks are under way at the same time.
        near: whether two times are so near that the same face is at the same place.
        opinion: another network, asked about the faces that the detector cannot settle.
    """

    def __init__(
        self,
        detector: Detector,
        floor: float,
        workers: int,
        near: Callable[[int, int], bool],
        opinion: Opinion | None = None,
    ) -> None:
        self._opinion = opinion
        self._certain = Certain(near)
        self._detector = detector
        self._floor = floor
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="faceveil-look")
        self._waiting: deque[_Underway] = deque()
        self._asked: deque[tuple[int, Faces, Sequence[Future[Faces]]]] = deque()
        self._whole = -1
        self._scene = 0

    def begin_scene(self) -> None:
        """Note that the frames that are added from now on may show something else."""
        self._scene += 1

    def add(self, frame: Frame, aside: Aside | None = None) -> None:
        """Look at a whole frame.

        Args:
            aside: where heads that lie are looked for, too; None: nowhere.
        """
        self._whole = frame.index
        self._submit(frame, None, aside)

    def add_parts(
        self,
        frame: Frame,
        parts: Sequence[Box],
        aside: Aside | None = None,
        *,
        as_whole: bool = False,
    ) -> None:
        """Look at parts of a frame.

        Args:
            aside: as for `add`.
            as_whole: these are all in which a face can be.
        """
        if as_whole:
            self._whole = frame.index
        self._submit(frame, parts, aside, whole=as_whole)

    def add_last(self, frame: Frame) -> None:
        """Look at the whole of the frame before, unless that was done."""
        if frame.index != self._whole:
            self._whole = frame.index
            self._submit(frame, None, None, planned=False)

    def until(self, index: int | None) -> Iterator[Looked]:
        """Wait for the looks at the frames up to this one, or at all, and give each once."""
        while self._waiting and (index is None or self._waiting[0].frame.index <= index):
            yield self._done(self._waiting.popleft())

    def answers(self, most: int = LEAST_LAG) -> Iterator[tuple[int, Faces]]:
        """The faces of a frame that are in doubt, with the other network's scores.

        Args:
            most: the number of frames whose answers need not be waited for yet.
        """
        while len(self._asked) > most:
            index, vouched, jobs = self._asked.popleft()
            yield index, Faces.concatenate([vouched, *(job.result() for job in jobs)])

    def _submit(
        self,
        frame: Frame,
        parts: Sequence[Box] | None,
        aside: Aside | None,
        *,
        whole: bool = True,
        planned: bool = True,
    ) -> None:
        start = self._pool.submit
        if parts is None:
            jobs = [start(self._look, frame)]
        else:
            jobs = [start(self._look_in, frame, part) for part in parts]
        lying = []
        if aside is not None:
            floor, boxes = aside.floor, aside.boxes
            if boxes is None:
                lying = [start(self._look_aside, frame, floor)]
            else:
                lying = [start(self._look_aside_in, frame, part, floor, jobs) for part in boxes]
        self._waiting.append(_Underway(frame, self._scene, whole, planned, jobs, lying))

    def _look(self, frame: Frame) -> Found:
        find, floor = self._detector, self._floor
        if isinstance(find, Consulting):
            return find.consult(frame, floor)
        return Faces.of(find.detect(frame, floor)), 0

    def _look_in(self, frame: Frame, part: Box) -> Found:
        return Faces.of(self._detector.detect_in(frame, part, self._floor)), 0

    def _look_aside(self, frame: Frame, floor: float) -> Faces:
        return Faces.of(self._detector.detect_rotated(frame, floor))

    def _look_aside_in(
        self, frame: Frame, part: Box, floor: float, upright: Sequence[Future[Found]]
    ) -> Faces:
        """The heads that lie in a part, unless an upright face explains what is there.

        Args:
            upright: the tasks that find those; they have begun before this one.
        """
        for job in upright:
            faces = job.result()[0]
            if has_inside(part, faces[faces.scores >= floor]):
                return Faces.of(())
        area = croppable(part, frame.size)
        faces = Faces.of(self._detector.detect_rotated(frame.crop(area), floor))
        return faces.transformed(1.0, area.x0, area.y0)

    def _done(self, look: _Underway) -> Looked:
        """Wait for all parts of a look, and put together what was found."""
        results = [job.result() for job in look.jobs]
        upright, frame = Faces.concatenate([faces for faces, _ in results]), look.frame
        lying = Faces.concatenate([job.result() for job in look.lying])
        self._ask(look, upright, lying)
        settled = sum(number for _, number in results)
        faces = Faces.concatenate([upright, lying])
        return Looked(frame.index, frame.pts, faces, lying, look.whole, look.planned, settled)

    def _ask(self, look: _Underway, upright: Faces, lying: Faces) -> None:
        """Ask the other network about faces that are in doubt and were never certain."""
        if (opinion := self._opinion) is None:
            return
        frame, vouched = look.frame, Faces.of(())
        if look.planned:
            known = self._certain.among(frame.pts, look.scene, upright)
            sure = opinion.doubtful(frame, upright[known])
            vouched = _vouched(sure)
            upright = upright[~known]
        dim = opinion.in_the_dark(frame, upright)
        unseen = opinion.doubtful(frame, upright[dim], always=True)
        vouched = Faces.concatenate([vouched, _vouched(unseen)])
        upright = upright[~dim]
        asked = ((upright, False), (lying, True))
        doubtful = [(opinion.doubtful(frame, faces), turned) for faces, turned in asked]
        jobs = [
            self._pool.submit(_judged, opinion, frame, faces, turned)
            for faces, turned in doubtful
            if len(faces)
        ]
        if jobs or len(vouched):
            self._asked.append((frame.index, vouched, jobs))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _judged(opinion: Opinion, frame: Frame, faces: Faces, lying: bool) -> Faces:
    """The faces with the other network's scores."""
    asked = opinion.judge(frame, faces, lying=lying)
    weight = LYING if lying else 1.0
    return Faces(asked.boxes, weight * asked.scores, asked.landmarks)


def _vouched(faces: Faces) -> Faces:
    """The faces with the score that stands for a question that was spared."""
    return Faces(faces.boxes, np.full(len(faces), VOUCHED), faces.landmarks)


def has_inside(part: Box, faces: Faces) -> bool:
    """Whether the center of any of the faces lies in a part of the picture."""
    middle = centers(faces.boxes)
    low, high = (part.x0, part.y0), (part.x1, part.y1)
    return bool(((middle >= low) & (middle < high)).all(axis=1).any())
