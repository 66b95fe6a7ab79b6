"""The verb that watches a camera or a stream."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from faceveil.cli.idle import idle_beside, idle_in_live
from faceveil.cli.ui import UI
from faceveil.errors import ExitCode
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.live.stats import Stats
    from faceveil.options import Options

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="camera, camera:1, camera:/dev/video2, screen, an address (rtsp, http, udp, rtmp, "
        "...), or a video file, played in real time.",
    ),
]
Sinks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SINK]...",
        help="page (a page on this machine; page:8765), preview (the same, opened in the "
        "browser), a video file, an address (rtsp, udp, http, tcp, rtmp), or virtual (a virtual "
        "camera). Unset: page.",
    ),
]


def live(source: SourceArgument, sinks: Sinks = None, *, ui: UI, options: Options) -> ExitCode:
    """Obscure faces as they come: a camera, a stream, the screen, or a file in real time."""
    from faceveil.live.loop import run
    from faceveil.live.outlets import LiveSink, open_live_sink
    from faceveil.live.sources import open_feed

    feed = open_feed(source, options)
    for note in (*idle_in_live(options, source, sinks or ()), *idle_beside(options)):
        ui.note(note)
    opened: list[LiveSink] = []
    try:
        for target in sinks or ["page"]:
            opened.append(open_live_sink(target))
            if (address := getattr(opened[-1], "address", None)) is not None:
                ui.result(say("watch at {address}", address=address))
            elif (path := getattr(opened[-1], "path", None)) is not None:
                ui.note(
                    say(
                        "recording as {part}, which is {name} once it has ended",
                        part=path.name,
                        name=opened[-1].name,
                    )
                )
    except BaseException:
        for sink in opened:
            sink.close()
        raise
    stop = threading.Event()
    with ui.status() as show:
        try:
            stats = run(
                feed,
                opened,
                options,
                stop=stop,
                on_message=ui.warn,
                on_stats=lambda stats: show(status_line(stats)),
            )
        except KeyboardInterrupt:
            ui.note(say("stopped"))
            return ExitCode.OK
        except SystemExit:  # told to end
            ui.note(say("stopped; what was recorded is kept"))
            raise
    ui.result(
        say(
            "{frames} frames, {whole} of them covered whole, {dropped} dropped",
            frames=stats.frames,
            whole=stats.whole,
            dropped=stats.dropped,
        )
    )
    return ExitCode.OK


def status_line(stats: Stats) -> str:
    """The moment in one line."""
    line = say(
        "{width}x{height}, {fps:.0f} frames a second, delay {delay:.0f} "
        "ms (95 %: {delay_95:.0f}), faces of {smallest_face:.0f} px or "
        "more: {faces}",
        width=stats.width,
        height=stats.height,
        fps=stats.fps,
        delay=stats.delay,
        delay_95=stats.delay_95,
        smallest_face=stats.smallest_face,
        faces=stats.faces,
    )
    return (
        say("{moment}; covered whole: {reason}", moment=line, reason=stats.reason)
        if stats.reason
        else line
    )
