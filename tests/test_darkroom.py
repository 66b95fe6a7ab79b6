"""Previews are made in a process of their own, which may die without anybody noticing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import cv2
import psutil
import pytest
from starlette.requests import ClientDisconnect

from faceveil.batch.apart import LostError
from faceveil.frames import Image
from faceveil.media import open_source
from faceveil.media.videos.video import VideoSource
from faceveil.options import Options
from faceveil.server import darkroom, following
from faceveil.server.darkroom import Darkroom
from faceveil.server.following import Following
from faceveil.server.previews import frame_jpeg, prepare
from faceveil.server.problems import ProblemError
from faceveil.server.shelf import Shelf
from faceveil.server.store import Store
from films import film, scenery
from servers import in_a_loop

NOTED = "noted"


def own_id() -> bytes:
    return str(os.getpid()).encode()


def die() -> bytes:
    os._exit(11)


def be_interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def note(path: Path, what: str, seconds: float = 0.0) -> bytes:
    """Note in a file that this was called."""
    with path.open("a") as file:
        file.write(what)
    time.sleep(seconds)
    return what.encode()


async def here() -> bool:
    return False


def die_of_a_fault() -> bytes:
    raise RuntimeError


async def left() -> bool:
    return True


def in_a_room(act: Callable[[Darkroom], Awaitable[None]]) -> None:
    async def run() -> None:
        room = Darkroom()
        try:
            await act(room)
        finally:
            await room.close()

    in_a_loop(run())


@pytest.mark.slow
def test_newest_first_and_nothing_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / NOTED

    async def act(room: Darkroom) -> None:
        first = asyncio.create_task(room.make(note, path, "a", 0.3, gone=here))
        while not path.exists():
            await asyncio.sleep(0.01)
        wishes = [
            room.make(note, path, "t", gone=here, urgency=darkroom.LATER),
            room.make(note, path, "b", gone=here),
            room.make(note, path, "x", gone=left),
            room.make(note, path, "c", gone=here),
        ]
        room.soon(note, path, "s")
        room.soon(die_of_a_fault)  # nobody hears of it
        later = [asyncio.create_task(wish) for wish in wishes]
        answers = await asyncio.gather(first, *later, return_exceptions=True)
        assert [answers[i] for i in (0, 1, 2, 4)] == [b"a", b"t", b"b", b"c"]
        assert isinstance(answers[3], ClientDisconnect)
        while len(path.read_text()) < 5:
            await asyncio.sleep(0.01)
        assert path.read_text() == "acbts"

    in_a_room(act)


@pytest.mark.slow
def test_its_death_is_told_and_outlived(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(darkroom, "_IDLE", 0.2)

    async def act(room: Darkroom) -> None:
        with pytest.raises(ProblemError) as told:
            await room.make(die, gone=here)
        assert told.value.problem.status == 500
        assert "cannot be shown" in told.value.problem.detail
        process = psutil.Process(int(await room.make(own_id, gone=here)))
        assert process.pid != os.getpid()
        # What is wrong with the file or the wish comes back as what it is.
        with pytest.raises(FileNotFoundError):
            await room.make(frame_jpeg, tmp_path / "gone.png", 0, 100, Options(), gone=here)
        # It is ended when nobody has wanted any for a while.
        ended, _ = await asyncio.to_thread(psutil.wait_procs, [process], 10)
        assert [one.pid for one in ended] == [process.pid]
        assert await room.make(own_id, gone=here) != str(process.pid).encode()

    in_a_room(act)


@pytest.mark.slow
def test_an_interrupt_while_a_box_is_followed_ends_only_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Raised in the server's loop, it would end the server before it has tidied up."""
    with Following(Store(tmp_path / "jobs"), {}) as room:
        assert isinstance(room._run(be_interrupted), LostError)
        monkeypatch.delattr(following, "Apart")  # none is started only to be told of an end
        assert room._run(following._drop, "box") is None


@pytest.mark.slow
def test_no_such_frame_stays_what_it_is(tmp_path: Path) -> None:
    clip = film(tmp_path / "c.mp4", [scenery(3, (64, 48))] * 3)

    async def act(room: Darkroom) -> None:
        assert (await room.make(frame_jpeg, clip, 2, 64, Options(), gone=here))[:2] == b"\xff\xd8"
        with pytest.raises(ProblemError, match="no such frame"):
            await room.make(frame_jpeg, clip, 3, 64, Options(), gone=here)

    in_a_room(act)


def test_the_first_picture_of_a_film_needs_no_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of a long one take seconds; they are read while a person looks at it."""
    clip = film(tmp_path / "c.mp4", [scenery(n, (64, 48)) for n in range(9)])
    read = []

    def times(source: VideoSource) -> tuple[list[int], set[int]]:
        read.append(1)
        return known(source)

    known = VideoSource.times
    monkeypatch.setattr(VideoSource, "times", times)
    with open_source(clip, Options()) as source:
        first = next(source.frames()).image.copy()
    assert frame_jpeg(clip, 0, 64, Options()) == encoded(first)
    assert read == []
    assert prepare(clip, Options()) == b""
    assert read == [1]
    frame_jpeg(clip, 7, 64, Options())
    assert read == [1]


def encoded(image: Image) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def test_a_deleted_file_is_let_go_of(tmp_path: Path) -> None:
    """Its pictures, too: nothing of it may outlast it."""
    clip = film(tmp_path / "c.mp4", [scenery(3, (64, 48))] * 3)
    shelf, made = Shelf(), []

    def make() -> bytes:
        made.append(1)
        return b"preview"

    with shelf.book(clip, Options()) as book:
        assert book.glances is not None
        assert book.glances.at(1) is not None
    for _ in range(2):
        with shelf.book(clip, Options()) as again:
            assert again is book
            assert again.once(1, make) == b"preview"
    assert made == [1]
    traced = Path("/proc/self/fd").is_dir()
    assert not traced or is_held(clip)
    clip.unlink()
    shelf.tidy()
    assert not traced or not is_held(clip)
    with pytest.raises(FileNotFoundError), shelf.book(clip, Options()):
        pass


def is_held(path: Path) -> bool:
    held = Path("/proc/self/fd")
    links = (
        [str(one.readlink()) for one in held.iterdir() if one.is_symlink()] if held.is_dir() else []
    )
    return any(str(path) in link for link in links)
