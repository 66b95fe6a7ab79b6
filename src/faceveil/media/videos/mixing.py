"""Sound as an encoder takes it: its rate, its layout of channels, its kind of samples."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

from av.audio.layout import AudioLayout
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as Ended
from av.filter import Graph

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame

# Only what every player takes: FFmpeg's AAC encoder writes others by a description of its own
# ("program config element"), which browsers refuse and FFmpeg itself reads back without names.
_LAYOUTS: Final[dict[str, tuple[str, ...]]] = {
    "aac": ("mono", "stereo", "3.0", "4.0", "5.0", "5.1"),
    "libopus": ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"),
}
_ANY_ENCODER: Final = ("mono", "stereo")
_USUAL: Final = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""The layouts of one, two and more channels where the file names none."""

_NAMELESS: Final = "NONE"
_SAME_PLACE: Final = {"SL": "BL", "SR": "BR", "DL": "FL", "DR": "FR"}
_MIXED_BY_PLACE: Final = 8
"""More channels than these have some above one's head, which FFmpeg's mixer leaves out."""

_USUAL_RATE: Final = 48_000
_LONGEST_SILENCE: Final = Fraction(10)
"""Seconds. A shorter gap is filled with silence, a longer one stays a gap."""

_STEADY: Final = {"async": "1", "min_hard_comp": "0.03"}
"""Sound that is off by more than so many seconds is filled or trimmed: less than the time of a
picture.
"""


def layout_for(encoder: str, source: AudioLayout) -> str:
    """The layout, of those an encoder takes, that keeps most of the source's channels apart."""
    known = _LAYOUTS.get(encoder, _ANY_ENCODER)
    if source.name in known:
        return source.name
    if source.nb_channels > _MIXED_BY_PLACE:
        return "stereo"
    if any(channel.name == _NAMELESS for channel in source.channels):
        source = AudioLayout(_USUAL[source.nb_channels - 1])
    wanted = _places(source)
    return next((name for name in known if wanted <= _places(AudioLayout(name))), known[-1])


def rate_for(context: AudioCodecContext, rate: int) -> int:
    """The rate, of those an encoder takes, that loses least."""
    known = sorted(context.codec.audio_rates or ())
    if not known or rate in known:
        return rate
    return next((one for one in known if one >= rate), _USUAL_RATE)


def is_mixed(source: AudioLayout, target: AudioLayout) -> bool:
    """Whether channels are merged or moved."""
    if source.nb_channels != target.nb_channels:
        return True
    nameless = any(channel.name == _NAMELESS for channel in source.channels)
    return not nameless and _places(source) != _places(target)


def _places(layout: AudioLayout) -> set[str]:
    names = {channel.name for channel in layout.channels}
    # Files with a single pair of them call it side or back at random.
    return names if "BL" in names else {_SAME_PLACE.get(name, name) for name in names}


class Mixer:
    """Turns decoded frames of any kind into those that an encoder takes.

    The source may change its rate and its layout on the way. Gaps are filled with silence and
    repeated sound is left out, so that sound and picture stay together.

    Args:
        target: the encoder, open.
    """

    def __init__(self, target: AudioCodecContext) -> None:
        self._target = target
        self._kind: tuple[object, ...] = ()
        self._converter: Graph | None = None
        self._steady: Graph | None = None
        self._end: Fraction | None = None

    def mixed(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """The sound of the next frame; of None, the rest.

        Raises:
            av.error.FFmpegError: sound of this kind cannot be mixed.
        """
        if frame is None:
            yield from self._drained()
            return
        if not frame.samples or not frame.sample_rate:
            return
        base = frame.time_base or Fraction(1, frame.sample_rate)
        if frame.pts is None:
            frame.pts = round((self._end or 0) / base)
        begin = frame.pts * base
        if self._end is not None and begin - self._end > _LONGEST_SILENCE:
            yield from self._drained()
        kind = frame.sample_rate, frame.format.name, frame.layout.name, base
        if self._converter is None or kind != self._kind:
            yield from self._converted(None)
            self._converter, self._kind = self._made(frame, base), kind
        self._end = begin + Fraction(frame.samples, frame.sample_rate)
        yield from self._converted(frame)

    def _converted(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        if self._converter is not None:
            for one in _through(self._converter, frame):
                _count_in_samples(one)
                if self._steady is None:
                    self._steady = _graph(one, ("aresample", _STEADY))
                yield from _through(self._steady, one)
        if frame is None:
            self._converter = None

    def _drained(self) -> Iterator[AudioFrame]:
        yield from self._converted(None)
        if self._steady is not None:
            yield from _through(self._steady, None)
            self._steady = None

    def _made(self, frame: AudioFrame, base: Fraction) -> Graph:
        frame.time_base = base
        target = self._target
        wanted = {
            "sample_rates": str(target.sample_rate),
            "sample_fmts": target.format.name,
            "channel_layouts": target.layout.name,
        }
        if _needs_hand(frame.layout):
            return _graph(frame, ("pan", _by_hand(frame.layout)), ("aformat", wanted))
        return _graph(frame, ("aformat", wanted))


def _graph(frame: AudioFrame, *filters: tuple[str, str | dict[str, str]]) -> Graph:
    graph = Graph()
    source = {
        "sample_rate": str(frame.sample_rate),
        "sample_fmt": frame.format.name,
        "channel_layout": frame.layout.name,
        "time_base": str(frame.time_base),
    }
    chain = [graph.add("abuffer", **source)]
    for name, settings in filters:
        one = graph.add(name, settings) if isinstance(settings, str) else None
        chain.append(one or graph.add(name, **cast("dict[str, str]", settings)))
    graph.link_nodes(*chain, graph.add("abuffersink")).configure()
    return graph


def _through(graph: Graph, frame: AudioFrame | None) -> Iterator[AudioFrame]:
    graph.push(frame)
    while True:
        try:
            yield cast("AudioFrame", graph.pull())
        except (NothingYet, Ended):
            return


def _count_in_samples(frame: AudioFrame) -> None:
    """Sound that needs no conversion keeps its unit of time; what comes after it may not."""
    unit = Fraction(1, frame.sample_rate)
    if frame.pts is not None and frame.time_base is not None:
        frame.pts, frame.time_base = round(frame.pts * frame.time_base / unit), unit


def _needs_hand(layout: AudioLayout) -> bool:
    """FFmpeg's mixer would refuse the layout, or leave channels out."""
    names = {channel.name for channel in layout.channels}
    if layout.nb_channels > _MIXED_BY_PLACE:
        return True
    return names != {_NAMELESS} and not names & {"FC", "FL", "FR", "DL", "DR"}


def _by_hand(layout: AudioLayout) -> str:
    """Every channel into the left, the right or both, as words for FFmpeg's filter ``pan``."""
    left, right = [], []
    for index, channel in enumerate(layout.channels):
        name = channel.name.removesuffix("2").replace("LFE", "")
        if name == _NAMELESS:
            name = "LR"[index % 2]
        if name.startswith("AMBI") and name != "AMBI0":
            continue  # the directions; the first is the sound from all of them
        if "R" not in name:
            left.append(f"c{index}")
        if "L" not in name:
            right.append(f"c{index}")
    # "<" has the filter scale each sum so that it cannot overflow.
    return f"stereo|c0<{'+'.join(left or right)}|c1<{'+'.join(right or left)}"
