"""Run by test_fuzz.py in a process of its own: damaged files, read in every way there is.

    python tests/fuzz.py TARGET SEED ROUNDS FILE...

Nothing but a `FaceVeilError` may come of a file, and soon. The bytes at fault are kept as
``fuzz-<sha256>`` in the current folder, where a crash leaves them too.
"""

from __future__ import annotations

import faulthandler
import hashlib
import random
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from faceveil.errors import FaceVeilError
from faceveil.media import open_source, sniff
from faceveil.media.archives.archive import open_archive
from faceveil.media.leftovers import leftovers
from faceveil.options import Options
from faceveil.plan import Plan

PATIENCE = 30
"""Seconds that one file may take."""
OPTIONS = Options(max_pixels=4_000_000, max_unpacked=4_000_000)
FRAMES = 50

EDGES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0")


def media(data: bytes) -> None:
    """Every way of looking at a picture or a video."""
    sniff(data)
    with open_source(data, OPTIONS) as source:
        count = sum(1 for frame in islice(source.frames(), FRAMES) if frame.image.size)
        for _ in islice(source.skim(), FRAMES):
            pass
        for frame in source.sample({0, count // 2, count - 1}):
            frame.thumbnail(16, 16)
    leftovers(data)


def plan(data: bytes) -> None:
    """A plan that was edited badly."""
    try:
        Plan.from_json(data)
    except ValueError as error:
        raise FaceVeilError("no plan") from error


def archive(data: bytes) -> None:
    """A zip or a tar, all of its members unpacked."""
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "packed"
        packed.write_bytes(data)
        with open_archive(packed, OPTIONS) as opened:
            for number, member in enumerate(opened.members):
                target = Path(folder) / f"{number}"
                opened.extract(member, target)
                assert target.stat().st_size <= OPTIONS.max_unpacked
        assert {path.parent for path in Path(folder).rglob("*")} <= {Path(folder)}


TARGETS: dict[str, Callable[[bytes], None]] = {"media": media, "plan": plan, "archive": archive}


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The data with a few faults of the kinds that files get on their way, and that people try."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(made)) if made else 0
        # Headers hold what is believed; most of a file is picture.
        if chance.random() < 0.5:
            at = min(at, chance.randrange(1, 200))
        size = chance.choice((1, 2, 4, 16, 300))
        match chance.randrange(7):
            case 0 if made:
                made[min(at, len(made) - 1)] ^= 1 << chance.randrange(8)
            case 1:
                edge = chance.choice(EDGES)
                made[at : at + len(edge)] = edge
            case 2:
                made[at : at + size] = chance.randbytes(size)
            case 3:
                del made[at : at + size]
            case 4:
                made[at:at] = made[at : at + size] * chance.choice((1, 3))
            case 5:
                del made[chance.randrange(len(made) + 1) :]
            case _:
                start = chance.randrange(len(other) + 1)
                made[at : at + size] = other[start : start + size]
    return bytes(made)


def attempt(data: bytes, target: Callable[[bytes], None]) -> bool:
    """Whether the file was taken; raises what should not have been raised."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    try:
        target(data)
    except FaceVeilError:
        return False
    finally:
        faulthandler.cancel_dump_traceback_later()
    return True


def main() -> None:
    target, chance, rounds = TARGETS[sys.argv[1]], random.Random(int(sys.argv[2])), int(sys.argv[3])
    seeds = [Path(name).read_bytes() for name in sys.argv[4:]]
    taken = 0
    for number in range(rounds):
        data = seeds[number % len(seeds)]
        if number >= len(seeds):
            data = mutated(data, chance.choice(seeds), chance)
        kept = Path(f"fuzz-{hashlib.sha256(data).hexdigest()[:16]}")
        kept.write_bytes(data)
        taken += attempt(data, target)
        kept.unlink()
    print(f"done: {taken} of {rounds} taken")


if __name__ == "__main__":
    faulthandler.enable()
    main()
