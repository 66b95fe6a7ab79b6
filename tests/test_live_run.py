"""Whole live runs: streams that break off, recordings, the page, and what is told."""

from __future__ import annotations

import http.client
import http.server
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
import psutil
import pytest
from av.error import FFmpegError

from faceveil.errors import OutputError, UnreadableError, UsageError
from faceveil.frames import Frame, Image
from faceveil.live import sources as feeds
from faceveil.live.addresses import public_name
from faceveil.live.backoff import Backoff
from faceveil.live.loop import run
from faceveil.live.outlets import Outlet, VirtualCamera, open_live_sink
from faceveil.live.preview import PreviewServer
from faceveil.live.sources import Camera, Played, Stream, open_feed
from faceveil.live.stats import Meter
from faceveil.media.leftovers import leftovers
from faceveil.options import Options
from films import film, threads
from lively import SOLID, MarkDetector, bare, marked, scene
from servers import free_port, wait_for
from test_changes import joined
from videos import QUARTERS, X264, compose

pytestmark = pytest.mark.slow

SENDER = Path(__file__).with_name("sender.py")


class Collector:
    """A sink that keeps every picture."""

    name, endless = "collector", False

    def __init__(self) -> None:
        self.pictures: list[Image] = []

    def write(self, frame: Frame) -> None:
        self.pictures.append(frame.image.copy())

    def close(self) -> None:
        """Nothing to end."""


class Receiver(threading.Thread):
    """Decodes all that arrives at an address, until it is over."""

    def __init__(self, address: str) -> None:
        super().__init__(name="receiver")
        self.address = address
        self.pictures: list[Image] = []
        self.over = False
        self.start()

    def run(self) -> None:
        while not self.over:
            try:
                options = {"probesize": "200000", "overrun_nonfatal": "1", "listen": "1"}
                with av.open(self.address, options=options, timeout=(2.0, 2.0)) as stream:
                    for frame in stream.decode(video=0):
                        self.pictures.append(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
            except FFmpegError:
                continue


def sender(address: str, first: int) -> subprocess.Popen[bytes]:
    """Sends until it is killed: who waits at the far end of a busy machine waits long."""
    return subprocess.Popen([sys.executable, str(SENDER), address, str(first), "9000"])


def test_a_stream_killed_and_restarted_never_leaves_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """UDP in, UDP out; every frame at the far end is looked at."""
    monkeypatch.setattr(feeds, "READ_SECONDS", 1.0)
    source, target = (f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}" for _ in range(2))
    receiver, collector, said = Receiver(target), Collector(), list[str]()
    stop = threading.Event()
    detector = MarkDetector()
    feed, sink = open_feed(source, SOLID), open_live_sink(target)
    process = sender(source, 0)
    runner = threading.Thread(
        target=run,
        args=(feed, [sink, collector], SOLID),
        kwargs={"make": lambda smallest: detector, "stop": stop, "on_message": said.append},
    )
    runner.start()
    try:
        wait_for(lambda: len(collector.pictures) > 50)
        process.kill()
        process.wait()
        wait_for(lambda: bool(said))
        before = len(collector.pictures)
        process = sender(source, 90)
        wait_for(lambda: len(collector.pictures) > before + 50)
        # On a busy machine it may be ready late, and datagrams do not wait for it.
        wait_for(lambda: len(receiver.pictures) > 15)
    finally:
        process.kill()
        process.wait()
        stop.set()
        runner.join()
        receiver.over = True
        receiver.join()
    assert "broke off: nothing comes" in said[0]
    for pictures in (collector.pictures, receiver.pictures):
        assert [number for number, picture in enumerate(pictures) if bare(picture)] == []
    # And what it covers is the mark, not everything.
    assert sum(covered(picture) < 0.5 for picture in collector.pictures) > 10


def test_tcp_is_read_and_sent_to() -> None:
    source, target = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
    process = sender(f"{source}?listen=1", 0)
    try:
        wait_for(lambda: psutil.Process(process.pid).net_connections())
        passes_covered(source, target)
    finally:
        process.kill()
        process.wait()


def test_http_is_read_and_sent_to() -> None:
    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            command = [sys.executable, str(SENDER), "pipe:1", "0", "9000"]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                with suppress(ConnectionError):
                    while data := process.stdout.read1():  # type: ignore[attr-defined]
                        self.wfile.write(data)
                process.kill()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            target = f"http://127.0.0.1:{free_port()}"
            passes_covered(f"http://127.0.0.1:{server.server_port}/", target)
        finally:
            server.shutdown()


def test_rtp_is_read() -> None:
    source, target = (
        f"{kind}://127.0.0.1:{free_port(socket.SOCK_DGRAM)}" for kind in ("rtp", "udp")
    )
    process = sender(source, 0)
    try:
        passes_covered(source, target)
    finally:
        process.kill()
        process.wait()


def passes_covered(source: str, target: str) -> None:
    """Run until enough has arrived at the far end, and look at every frame of it."""
    receiver, stop = Receiver(target), threading.Event()
    runner = threading.Thread(
        target=run,
        args=(open_feed(source, SOLID), [open_live_sink(target)], SOLID),
        kwargs={"make": lambda smallest: MarkDetector(), "stop": stop},
    )
    runner.start()
    try:
        wait_for(lambda: len(receiver.pictures) > 20)
    finally:
        stop.set()
        runner.join()
        receiver.over = True
        receiver.join()
    assert [number for number, picture in enumerate(receiver.pictures) if bare(picture)] == []
    assert sum(covered(picture) < 0.5 for picture in receiver.pictures) > 5


def test_datagrams_hold_whole_packets() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(20)
        sink = open_live_sink(f"udp://127.0.0.1:{far.getsockname()[1]}")
        sink.write(Frame(0, scene()))
        sizes = [len(far.recv(65536)) for _ in range(2)]
        sink.close()
    assert [size % 188 for size in sizes] == [0, 0]


def covered(picture: Image) -> float:
    """Share of the picture in the grey of a solid cover."""
    values = picture.reshape(-1, 3)
    grey = np.abs(values.astype(int) - np.median(values, axis=0)).max(axis=1) < 4
    return float(grey.mean())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of a walking mark."""
    return film(tmp_path / "in.mp4", [marked(scene(), 60 + 2 * n, 90) for n in range(50)])


def test_a_file_is_played_in_real_time_into_a_recording(clip: Path, tmp_path: Path) -> None:
    out, collector, detector = tmp_path / "out.mp4", Collector(), MarkDetector()
    began = time.monotonic()
    stats = run(
        open_feed(str(clip), SOLID),
        [open_live_sink(str(out)), collector],
        SOLID,
        make=lambda smallest: detector,
    )
    assert time.monotonic() - began > 1.8
    # On a busy machine some are dropped.
    assert 15 < len(collector.pictures) <= stats.frames <= 50
    with av.open(str(out)) as file:
        pictures = [
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in file.decode(video=0)
        ]
    assert len(pictures) > 15
    assert not any(bare(picture) for picture in [*pictures, *collector.pictures])
    assert leftovers(out) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert threads() == []


def test_a_recording_has_one_size_whatever_comes(tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    sink = open_live_sink(str(out))
    for number, side in enumerate((64, 64, 101)):
        sink.write(Frame(number, np.full((side, 2 * side, 3), 90, np.uint8), pts=40 * number))
    sink.close()
    with av.open(str(out)) as file:
        assert {(frame.width, frame.height) for frame in file.decode(video=0)} == {(128, 64)}


def test_a_recording_shows_another_shape_on_black(tmp_path: Path) -> None:
    """As when somebody turns the phone that sends: it was squashed into the first shape."""
    out = tmp_path / "out.mkv"
    sink = open_live_sink(str(out))
    for number, (width, height) in enumerate(((128, 64), (64, 128))):
        sink.write(Frame(number, np.full((height, width, 3), 200, np.uint8), pts=40 * number))
    sink.close()
    with av.open(str(out)) as file:
        wide, high = (frame.to_ndarray(format="gray") for frame in file.decode(video=0))
    assert wide.min() > 150
    assert (high[:, 50:78] > 150).all()
    assert (high[:, :44] < 30).all()
    assert (high[:, 84:] < 30).all()


def test_a_stream_that_changes_its_shape_is_told_of_in_words(tmp_path: Path) -> None:
    path = joined(tmp_path, [{"size": (96, 64)}, {"size": (64, 96)}])
    told: list[str] = []
    feed = Stream(str(path), "it", {}, SOLID)
    feed.endless = False
    run(feed, [Collector()], SOLID, make=lambda smallest: MarkDetector(), on_message=told.append)
    assert any("64x96" in words for words in told), told


@pytest.mark.parametrize("source", [Stream, Played])
@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (Fraction(2), (192, 64)),
        (Fraction(1, 2), (96, 128)),
        (Fraction(1), (96, 64)),
        (Fraction(200), (96, 64)),  # a picture of it would fill the memory
    ],
)
def test_pixels_that_are_not_square_are_shown_as_they_are_meant(
    source: type[Any], aspect: Fraction, size: tuple[int, int], tmp_path: Path
) -> None:
    """Television has such; a page and a virtual camera know only square ones."""
    path = compose(tmp_path / "in.mp4", aspect=aspect, settings=X264, times=range(5))
    feed = Stream(str(path), "it", {}, SOLID) if source is Stream else Played(path, SOLID)
    frames = list(feed.frames())
    assert {frame.size for frame in frames} == {size}
    assert [frame.pts for frame in frames] == [0, 40, 80, 120, 160]


def test_of_a_turned_film_the_displayed_pixels_become_square(tmp_path: Path) -> None:
    path = compose(
        tmp_path / "in.mp4", aspect=Fraction(2), settings=X264, times=range(2), matrix=QUARTERS[90]
    )
    assert {frame.size for frame in Played(path, SOLID).frames()} == {(64, 192)}


def test_a_recording_keeps_the_colours_of_a_stream(tmp_path: Path) -> None:
    """As a phone sends them: without its curve a bright picture would be shown grey."""
    given = compose(
        tmp_path / "in.mkv",
        codec="libx265",
        format="yuv420p10le",
        settings={"preset": "ultrafast", "x265-params": "log-level=0"},
        colours=(1, 9, 18, 9),
        times=range(5),
    )
    sink = open_live_sink(str(tmp_path / "out.mkv"))
    for frame in Stream(str(given), "it", {}, SOLID).frames():
        sink.write(frame)
    sink.close()
    with av.open(str(tmp_path / "out.mkv")) as file:
        context = file.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (9, 18, 9)


def test_a_failed_run_leaves_no_recording(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    feed = open_feed(f"http://127.0.0.1:{free_port()}/x", SOLID)
    sink = open_live_sink(str(out))
    with pytest.raises(UnreadableError, match="connection refused"):
        run(feed, [sink], SOLID, make=lambda smallest: MarkDetector())
    assert list(tmp_path.iterdir()) == []


def test_a_sink_that_fails_ends_the_run(clip: Path) -> None:
    class Broken(Collector):
        def write(self, frame: Frame) -> None:
            raise OutputError("the disk is full")

    with pytest.raises(OutputError, match="full"):
        run(open_feed(str(clip), SOLID), [Broken()], SOLID, make=lambda s: MarkDetector())
    assert threads() == []


def test_a_far_end_that_went_away_is_tried_again() -> None:
    class Flaky(Collector):
        endless = True
        tries = 0

        def write(self, frame: Frame) -> None:
            self.tries += 1
            if self.tries == 1:
                raise OutputError("nobody listens")
            super().write(frame)

    sink, said = Flaky(), list[str]()
    outlet = Outlet(sink, 0.1, said.append)
    for number in range(6):
        outlet.put(Frame(number, scene()), time.monotonic())
        time.sleep(0.05)
    outlet.close()
    assert said == ["nobody listens; next try in 0.1 s"]
    assert sink.pictures
    assert outlet.error is None


def test_a_push_that_never_worked_fails_the_run(clip: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(OutputError, match="connection refused"):
        run(
            open_feed(str(clip), SOLID),
            [open_live_sink(address)],
            SOLID,
            make=lambda s: MarkDetector(),
        )


def test_what_passed_long_ago_is_no_rate() -> None:
    meter = Meter()
    for tenth in range(10):
        meter.add(tenth / 10, 0.2)
    assert meter.rate == pytest.approx(10)
    meter.forget(60.0)
    assert (meter.rate, meter.delays(0.5), meter.count) == (0.0, [0.0], 10)


def test_pauses_double_up_to_the_limit() -> None:
    backoff = Backoff(3.0)
    assert [backoff.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next() == 0.5
    assert Backoff(0).next() is None


@pytest.mark.parametrize("options", [SOLID, SOLID.model_copy(update={"reconnect": 0.0})])
def test_a_missing_camera_is_told_in_words(options: Options) -> None:
    with pytest.raises(UnreadableError, match="camera 7 is not there") as caught:
        list(open_feed("camera:7", options).frames())
    assert "camera:" in caught.value.advice


def test_opencv_reads_a_camera(clip: Path) -> None:
    """A file stands for the device: the same library, without the hardware."""
    frames = Camera(str(clip), Options(camera_size="640x480", camera_fps=30)).frames()
    picture = next(frames).image
    assert picture.shape == (180, 320, 3)
    assert bare(picture)
    frames.close()  # type: ignore[attr-defined]


def test_words_become_feeds_and_sinks(tmp_path: Path) -> None:
    for word in ("camera", "camera:/dev/video2", "/dev/video0"):
        assert isinstance(open_feed(word, SOLID), Camera)
    assert isinstance(open_feed("rtsp://u:p@host/x", SOLID), Stream)
    for source in ("ftp://host/x", "file:///etc/passwd"):
        with pytest.raises(UsageError, match="not read"):
            open_feed(source, SOLID)
    for target in (
        "gopher://host/x",
        "page:x",
        "page:99999",
        str(tmp_path / "x.txt"),
        str(tmp_path / "x.webm"),
    ):
        with pytest.raises(UsageError):
            open_live_sink(target)


def test_passwords_are_not_named() -> None:
    assert public_name("rtsp://me:secret@host:8554/cam?token=1") == "rtsp://host:8554"
    assert open_feed("rtsp://me:secret@host/cam", SOLID).name == "rtsp://host"
    assert open_live_sink("rtsp://me:secret@host/cam").name == "rtsp://host"
    for unquoted in ("rtsp://me:se/cret@host/cam", "rtsp://me:se?cret@host", "rtsp://me:#x@host"):
        assert public_name(unquoted) == "rtsp://..."


def test_without_its_extra_the_virtual_camera_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(UsageError) as caught:
        VirtualCamera()
    assert "install 'pyvirtualcam>=0.14'" in caught.value.advice


@pytest.fixture
def page() -> Iterator[PreviewServer]:
    page = PreviewServer()
    yield page
    page.close()


def ask(page: PreviewServer, path: str, **headers: str) -> http.client.HTTPResponse:
    """Ask for a part of the page, or for a path as it stands, which begins with a slash."""
    parts = urlsplit(page.address)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port)
    whole = path if path.startswith("/") else parts.path + path
    connection.request("GET", whole, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return connection.getresponse()


def test_the_page_shows_the_newest_picture(page: PreviewServer) -> None:
    page.write(Frame(0, scene()))
    with ask(page, "stream") as answer:
        assert answer.status == 200
        assert "multipart/x-mixed-replace" in (answer.getheader("Content-Type") or "")
        head = [answer.readline() for _ in range(4)]
        assert head[1] == b"Content-Type: image/jpeg\r\n"
        size = int(head[2].split(b":")[1])
        assert answer.read(size)[:2] == b"\xff\xd8"
    with ask(page, "") as answer:
        assert b'src="stream"' in answer.read()
        assert "default-src 'none'" in (answer.getheader("Content-Security-Policy") or "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
    ],
)
def test_the_page_is_for_this_machine_alone(
    page: PreviewServer, headers: dict[str, str], status: int
) -> None:
    for path in ("", "stream"):
        assert ask(page, path, **headers).status == status


def test_a_taken_port_is_told(page: PreviewServer) -> None:
    with pytest.raises(OutputError, match="cannot be shown at port"):
        PreviewServer(urlsplit(page.address).port or 0)


def test_other_users_of_the_machine_do_not_see_the_page(page: PreviewServer) -> None:
    page.write(Frame(0, scene()))
    secret = urlsplit(page.address).path
    assert len(secret) > 40
    assert secret not in page.name  # which messages tell
    for wrong in ("/", "/stream", "/style.css", f"/{'x' * 43}/stream"):
        assert ask(page, wrong).status == 404
    for near in (secret[:-1], secret[:-2] + "/", secret.swapcase(), "/%C3%A9/"):
        assert ask(page, near).status == 404
        assert ask(page, near + "stream").status == 404
    other = PreviewServer()
    try:
        assert urlsplit(other.address).path != secret
    finally:
        other.close()


def test_a_preview_tells_its_secret_in_no_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    preview = open_live_sink("preview")
    assert isinstance(preview, PreviewServer)
    try:
        (place,) = opened
        assert urlsplit(preview.address).path not in place
        path = Path(urlsplit(place).path)
        assert path.parent.stat().st_mode & 0o077 == 0
        assert preview.address in path.read_text()
    finally:
        preview.close()
    assert not path.parent.exists()
