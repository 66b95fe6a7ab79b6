"""A film is handed to the browser's player in ranges, and not held open while that rests."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra server is not installed")

from starlette.responses import StreamingResponse

from faceveil.server.playing import played
from servers import in_a_loop

DATA = bytes(range(256)) * 2500
"""More than two pieces."""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "original"
    path.write_bytes(DATA)
    return path


def body(path: Path, asked: str) -> tuple[int, str | None, bytes]:
    """Status, range and bytes of an answer."""
    answer = played(path, "video/mp4", asked)

    async def read() -> bytes:
        assert isinstance(answer, StreamingResponse)
        return b"".join([bytes(piece) async for piece in answer.body_iterator])  # type: ignore[arg-type]

    data = in_a_loop(read()) if answer.status_code < 300 else b""
    if answer.status_code < 300:
        assert int(answer.headers["content-length"]) == len(data)
        assert answer.headers["accept-ranges"] == "bytes"
    return answer.status_code, answer.headers.get("content-range"), data


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, len(DATA)),
        ("bytes=0-0", 0, 1),
        ("bytes=1000-300999", 1000, 301_000),
        ("bytes=639999-", 639_999, 640_000),
        ("bytes=600000-9999999", 600_000, 640_000),
        ("bytes=-5", 639_995, 640_000),
        ("bytes=-9999999", 0, 640_000),
        ("", 0, len(DATA)),
        ("bytes=0-1,5-6", 0, len(DATA)),
        ("lines=1-2", 0, len(DATA)),
        (f"bytes={'9' * 5000}-", 0, len(DATA)),
    ],
)
def test_the_range_that_is_asked_for(film: Path, asked: str, first: int, last: int) -> None:
    status, told, data = body(film, asked)
    assert data == DATA[first:last]
    whole = len(data) == len(DATA)
    assert (status, told) == (
        (200, None) if whole else (206, f"bytes {first}-{last - 1}/{len(DATA)}")
    )


@pytest.mark.parametrize("asked", ["bytes=640000-", "bytes=5-4", "bytes=-0"])
def test_beyond_the_end(film: Path, asked: str) -> None:
    assert body(film, asked) == (416, f"bytes */{len(DATA)}", b"")


def test_what_is_deleted_while_the_player_rests_is_gone(film: Path) -> None:
    answer = played(film, "video/mp4", "")
    assert isinstance(answer, StreamingResponse)

    async def read() -> None:
        pieces = aiter(answer.body_iterator)
        assert await anext(pieces)
        film.unlink()
        with pytest.raises(FileNotFoundError):
            await anext(pieces)

    in_a_loop(read())
