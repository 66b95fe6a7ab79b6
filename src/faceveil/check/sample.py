"""The frames of a finished video at which the check looks."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from faceveil.detect.change import ChangeMap
from faceveil.frames import Frame
from faceveil.plan import Plan
from faceveil.track import timeline
from faceveil.track.motion import TICK

# The number of sampled frames beyond one a second.
LEAST, ONE_IN = 6, 120
# A key frame is looked at in place of one that stands for less than so many times as long.
KEY_WORTH = 2
# A frame that is on screen for so many seconds is looked at in any case.
LONG = 0.24
# Where nothing is painted and nothing changes, a frame in so many seconds is looked at.
STILL_SECONDS = 10.0


def sampled(plan: Plan, key_frames: Sequence[int]) -> set[int]:
    """The frames of a video to look at: one that is on screen in each second, and those where a
    leak is most likely. Where nothing is painted, a key frame stands for the next second, too.

    Args:
        key_frames: indices of the frames that cost least to read.
    """
    seconds: dict[int, tuple[float, int]] = {}
    keys = set(key_frames)
    begins = timeline(plan.pts, plan.time_base)
    for index, (begin, end) in enumerate(pairwise([*begins, *begins[-1:]])):
        # A frame that stays on screen for long counts in each of its seconds, and is the only one
        # in those between the first and the last. The duration of the very last frame is not known.
        first = math.floor(begin + TICK)
        last = max(first, math.ceil(end - TICK) - 1)
        for second in {first, min(first + 1, last), last}:
            shown = min(end, second + 1) - max(begin, second)
            worth = round(shown, 6) * (KEY_WORTH if index in keys else 1)
            if second not in seconds or worth > seconds[second][0]:
                seconds[second] = worth, index
    painted = _painted_seconds(plan, begins)
    spared = {
        second
        for second, (worth, index) in seconds.items()
        if worth < LONG and index not in keys and second not in painted
        if any(
            near not in painted and seconds.get(near, (0, -1))[1] in keys
            for near in (second - 1, second + 1)
        )
    }
    doubtful: list[tuple[float, int]] = []
    for track in plan.hidden:
        if not track.boxes:  # somebody took them out of the plan
            continue
        order = sorted(track.boxes)
        for index in (order[0], order[len(order) // 2], order[-1]):
            doubtful.append((0.0 if index not in track.seen else track.seen[index].score, index))
        doubtful += [(face.score, index) for index, face in track.seen.items()]
    # Least certain first, as many as fit into a tenth of the run's time.
    room = LEAST + len(plan.pts) // ONE_IN
    return {
        *(index for second, (_, index) in seconds.items() if second not in spared),
        *(index for _, index in sorted(set(doubtful))[:room]),
    }


def _painted_seconds(plan: Plan, begins: Sequence[float]) -> set[int]:
    painted = {index for track in plan.hidden for index in track.boxes}
    return {math.floor(begins[index] + TICK) for index in painted if index < len(begins)}


def news(
    frames: Iterable[Frame], painted: Collection[int], smallest: float, unit: float
) -> Iterator[Frame]:
    """The frames that have to be looked at: not those in which nothing is painted, and which show
    what the last one did that was looked at, up to a few seconds ago.

    Args:
        painted: indices of those in which something is.
        smallest: size in pixels of the smallest face that is looked for.
        unit: seconds per unit of ``pts``.
    """
    changes: ChangeMap | None = None
    looked = 0
    for frame in frames:
        changes = changes or ChangeMap(frame.size, smallest)
        fresh = changes.feed(frame.luma(*changes.shape)).any()
        if fresh or frame.index in painted or (frame.pts - looked) * unit >= STILL_SECONDS:
            looked = frame.pts
            changes.update_reference(None)
            yield frame
