"""A page on this machine that shows the outgoing pictures as motion JPEG.

Only this machine can reach it, and only under its own name, so that no web site can use it by
making its name point here. Every user of the machine can reach it, so the first part of its path is
a secret that changes with each run.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import cv2

from faceveil.errors import OutputError
from faceveil.frames import Frame
from faceveil.i18n import reason_of, say
from faceveil.system.browser import show_in_browser

NAMES = ("127.0.0.1", "localhost", "[::1]")
MOST_VIEWERS = 8
_QUALITY = 80
_BOUNDARY = "frame"
_PATIENCE = 5.0
_HTML = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>FaceVeil live</title>
<link rel="stylesheet" href="style.css"><img src="stream" alt="Live, faces obscured"></html>"""
_CSS = b"html{background:#111}img{display:block;margin:auto;max-width:100%;max-height:97vh}"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PreviewServer:
    """Shows live pictures at an address of this machine.

    Only the newest picture is kept, and none is encoded while no client is connected.

    Args:
        port: 0 chooses a free one.

    Attributes:
        address: the page's; anybody who knows it can see the pictures.

    Raises:
        OutputError: the port is taken.
    """

    endless = False

    def __init__(self, port: int = 0) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._number = 0
        self._jpeg: tuple[int, bytes] = (0, b"")
        self._closed = False
        self._opener: TemporaryDirectory[str] | None = None
        self.viewers = 0
        self._secret = f"/{secrets.token_urlsafe()}/"
        page = self

        class Handler(_Handler):
            shows = page

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise OutputError(
                say(
                    "the page cannot be shown at port {port}: {reason}",
                    port=port,
                    reason=reason_of(error),
                ),
                say("Choose another one: page:8766."),
            ) from error
        self._server.daemon_threads = True
        self.name = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.address = self.name + self._secret
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="faceveil-page", daemon=True
        )
        self._thread.start()

    def open(self) -> None:
        """Have the user's browser show it."""
        self._opener = TemporaryDirectory(prefix="faceveil-")
        show_in_browser(Path(self._opener.name), self.address)

    def write(self, frame: Frame) -> None:
        """Show a frame from now on."""
        with self._changed:
            self._frame = frame
            self._number += 1
            self._changed.notify_all()

    def part(self, path: str) -> str | None:
        """The part of the page at a path, or None if the path lacks the secret."""
        # As bytes, of which any can be compared.
        given, secret = path.encode(), self._secret.encode()
        if not secrets.compare_digest(given[: len(secret)], secret):
            return None
        return path[len(self._secret) :]

    def close(self) -> None:
        """Stop to answer."""
        with self._changed:
            self._closed = True
            self._frame = None
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._opener is not None:
            self._opener.cleanup()

    def after(self, number: int) -> tuple[int, bytes]:
        """Wait for a picture newer than this one.

        Returns:
            Its number, and the picture as JPEG; 0 and nothing at the end.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._number > number, _PATIENCE)
            if self._frame is None:
                return 0, b""
            if self._jpeg[0] != self._number:
                quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
                data = cv2.imencode(".jpg", self._frame.image, quality)[1].tobytes()
                self._jpeg = self._number, data
            return self._jpeg


class _Handler(BaseHTTPRequestHandler):
    shows: ClassVar[PreviewServer]
    server_version, sys_version = "FaceVeil", ""
    timeout = 30

    def do_GET(self) -> None:
        host = (self.headers.get("Host") or "").lower()
        port = f":{self.server.server_address[1]}"  # type: ignore[index]
        if host.removesuffix(port) not in NAMES:
            self.send_error(421)
        elif self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            self.send_error(403)
        elif (part := self.shows.part(self.path)) is None:
            self.send_error(404)
        elif part == "":
            self._answer("text/html; charset=utf-8", _HTML)
        elif part == "style.css":
            self._answer("text/css", _CSS)
        elif part != "stream":
            self.send_error(404)
        elif self.shows.viewers >= MOST_VIEWERS:
            self.send_error(503)
        else:
            self.shows.viewers += 1
            try:
                # A client may disconnect at any time.
                with suppress(OSError):
                    self._stream()
            finally:
                self.shows.viewers -= 1

    def _answer(self, kind: str, body: bytes) -> None:
        self._begin(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self._begin(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        number = 0
        while True:
            newer, data = self.shows.after(number)
            if not newer:
                if number:
                    return
                continue
            if newer == number:
                continue
            number = newer
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n"
            self.wfile.write(head.encode() + b"\r\n" + data + b"\r\n")

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": kind, **_HEADERS}.items():
            self.send_header(name, value)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""
