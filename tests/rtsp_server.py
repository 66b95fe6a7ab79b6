"""An RTSP server, GStreamer's, for the system's Python: it plays a film and takes what is pushed.

python3 rtsp_server.py PORT FOLDER [USER PASSWORD]

At /play the H.264 of FOLDER/film.h264, again and again; its encoder has to mark where a picture
begins (aud=1). What comes to /record goes, as it comes, to FOLDER/pushed-*.ts, a new one each time.
All of it over the one TCP connection. With --probe it only says whether GStreamer is here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import mkstemp
from time import time_ns
from typing import Any

try:
    import gi

    for library in ("Gst", "GstRtsp", "GstRtspServer"):
        gi.require_version(library, "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
except (ImportError, ValueError) as error:
    sys.exit(f"GStreamer's RTSP server is not here: {error}")

NEEDED = ("appsrc", "h264parse", "rtph264pay", "rtph264depay", "mpegtsmux", "filesink")
RATE = 25
DELIMITER = b"\0\0\0\1\x09"
ROLE = "known"
Server = GstRtspServer


def film(path: Path) -> Callable[[Any, Any], None]:
    """A function that feeds a source with a film, at its pace, without an end."""
    units = [DELIMITER + unit for unit in path.read_bytes().split(DELIMITER)[1:]]

    def opened(factory: Any, media: Any) -> None:
        numbers = count()

        def feed(source: Any, wanted: int) -> None:
            number = next(numbers)
            buffer = Gst.Buffer.new_wrapped(units[number % len(units)])
            buffer.duration = Gst.SECOND // RATE
            buffer.pts = buffer.dts = number * buffer.duration
            source.emit("push-buffer", buffer)

        media.get_element().get_by_name("film").connect("need-data", feed)

    return opened


def kept(folder: str) -> Callable[[Any, Any], None]:
    """A function that names a new file for each push."""

    def opened(factory: Any, media: Any) -> None:
        handle, path = mkstemp(".ts", f"pushed-{time_ns()}-", folder)
        os.close(handle)
        media.get_element().get_by_name("file").set_property("location", path)

    return opened


def main() -> None:
    Gst.init(None)
    missing = [name for name in NEEDED if Gst.ElementFactory.find(name) is None]
    if missing:
        sys.exit(f"GStreamer lacks {', '.join(missing)}")
    if sys.argv[1] == "--probe":
        return
    port, folder, *known = sys.argv[1:]
    server = Server.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    play = Server.RTSPMediaFactory()
    play.set_launch(
        "( appsrc name=film format=time max-bytes=1 caps=video/x-h264,stream-format=byte-stream,"
        f"alignment=au,framerate={RATE}/1 ! h264parse ! rtph264pay name=pay0 config-interval=-1 )"
    )
    play.connect("media-configure", film(Path(folder, "film.h264")))
    record = Server.RTSPMediaFactory()
    record.set_transport_mode(Server.RTSPTransportMode.RECORD)
    record.set_launch(
        "( rtph264depay name=depay0 ! h264parse ! mpegtsmux"
        " ! filesink name=file buffer-mode=unbuffered async=false )"
    )
    record.connect("media-configure", kept(folder))
    for path, factory in (("/play", play), ("/record", record)):
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
        if known:
            permissions = Server.RTSPPermissions()
            for right in ("access", "construct"):
                permissions.add_permission_for_role(ROLE, f"media.factory.{right}", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(path, factory)
    if known:
        auth, token = Server.RTSPAuth(), Server.RTSPToken()
        token.set_string("media.factory.role", ROLE)
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(*known, token)
        server.set_auth(auth)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
