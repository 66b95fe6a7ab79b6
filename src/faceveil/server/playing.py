"""A film for the browser's own player, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import Response, StreamingResponse

_PIECE = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,20})-(\d{0,20})")


def played(path: Path, kind: str, asked: str) -> Response:
    """The file, or the one range of it that is asked for (RFC 9110, 14.2).

    A player that is paused stops reading, and its connection stays. So the file is open only while
    a piece of it is read: what is deleted meanwhile is gone, and the film ends.

    Args:
        kind: its media type.
        asked: the header Range, or "".

    Raises:
        OSError: there is no such file.
    """
    size = path.stat().st_size
    first, last = _span(asked, size) or (0, size - 1)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(last + 1 - first)}
    if first >= size or first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    if last + 1 - first < size:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if "Content-Range" in headers else 200
    return StreamingResponse(_pieces(path, first, last + 1), status, headers, kind)


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """First and last byte; None if what is asked for is no single range."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found.group() == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last or size), size - 1)


def _pieces(path: Path, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        with path.open("rb") as file:
            file.seek(start)
            piece = file.read(min(_PIECE, end - start))
        if not piece:
            return
        start += len(piece)
        yield piece
