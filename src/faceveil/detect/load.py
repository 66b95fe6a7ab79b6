"""Choose the detector that the options name, and load it once per process."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from importlib.metadata import entry_points

from faceveil import weights
from faceveil.detect.opinion import Opinion
from faceveil.detect.protocols import Detector, SinglePass
from faceveil.detect.runtime import bounded
from faceveil.errors import NoDetectorError, WeightsError
from faceveil.i18n import say
from faceveil.options import Options
from faceveil.plan import Kind

BUILT_IN = {
    "yunet": "faceveil.detect.yunet:from_options",
    "centerface": "faceveil.detect.centerface:from_options",
    "mediapipe": "faceveil.detect.blazeface:full_range",
    "mediapipe-short": "faceveil.detect.blazeface:short_range",
}
ENTRY_POINTS = "faceveil.detectors"
# Best first. Each name with the weights it needs.
AUTO = {"yunet": "yunet", "centerface": "centerface", "mediapipe": "blazeface-full"}
# Detectors for a second opinion, and the smallest face in pixels that they look for: clear faces
# that the first detector missed matter most, and small ones would cost four times as much.
SECOND = ("yunet", "centerface")
SECOND_MIN_FACE = 20.0

_loaded: dict[tuple[object, ...], SinglePass] = {}
_lock = threading.Lock()


def load_detector(options: Options, kind: Kind = "image") -> Detector:
    """The detector these options ask for, wrapped to look at several scales.

    Args:
        kind: that of the source. In a video every face is seen many times, so fewer scales are
            enough.

    Loading takes a while, so a detector is loaded once per process and shared; do not close it.

    Raises:
        NoDetectorError: no detector of that name.
        WeightsError: its weights are missing or altered.
    """
    return _scaled(resolve(options), options, kind, options.min_face)


def at_once(options: Options) -> tuple[int, Options]:
    """The number of frames a detector may be given at once, and the options to load it with.

    Several frames on one thread each keep the processors busier than one frame on several
    threads. A plugin's detector is never called by two threads.
    """
    ours = {"auto", "none", *BUILT_IN}.issuperset([options.detector, options.second_detector])
    count = bounded(options.threads) if ours else 1
    return count, options.model_copy(update={"threads": 1}) if count > 1 else options


def load_opinion(options: Options, first: Detector, strong: float) -> Opinion | None:
    """Another network for single faces of a video, or None if there is none or none is wanted.

    Args:
        first: the detector whose faces it is asked about.
        strong: its score from which a face counts.
    """
    # The rule was fitted to this pair; a score that somebody chose says what they want covered.
    wanted = options.second_detector in ("auto", "centerface") and options.confidence is None
    if not wanted or first.name.split()[0] != "yunet" or not _has_weights("centerface", options):
        return None
    return Opinion(_loaded_once("centerface", options), strong)


def load_second(options: Options, kind: Kind = "image") -> Detector | None:
    """Another detector for a second opinion, or None if there is none or none is wanted.

    It looks only for clear faces, so that it costs little. Raises as `load_detector` does, for a
    detector that the options name.
    """
    name = options.second_detector
    if name == "auto":
        first = resolve(options)
        others = (other for other in SECOND if other != first)
        name = next((one for one in others if _has_weights(one, options)), "none")
    if name == "none":
        return None
    if kind == "image" and options.min_face is None:
        # In a very large picture it looks for the same sizes as the first one, or it would cost
        # more.
        return _scaled(name, options, kind, None, SECOND_MIN_FACE)
    return _scaled(name, options, kind, max(options.min_face or 0.0, SECOND_MIN_FACE))


def _has_weights(name: str, options: Options) -> bool:
    return weights.available(AUTO[name], options.weights)


def _scaled(
    name: str, options: Options, kind: Kind, min_face: float | None, least: float = 0.0
) -> Detector:
    from faceveil.detect.scaled import STILL, VIDEO, Scaled

    effort = VIDEO if kind == "video" else STILL
    return Scaled(_loaded_once(name, options), min_face, effort, least)


def _loaded_once(name: str, options: Options) -> SinglePass:
    key = (name, options.weights, options.threads, options.device)
    with _lock:
        if key not in _loaded:
            _loaded[key] = _factory(name)(options)
    return _loaded[key]


def threshold(detector: Detector, options: Options) -> float:
    """The score from which a face counts."""
    if options.confidence is not None:
        return options.confidence
    return detector.thresholds[options.sensitivity]


def resolve(options: Options) -> str:
    """The name of the detector that these options mean.

    Raises:
        WeightsError: no detector has its weights.
    """
    if options.detector != "auto":
        return options.detector
    for name in AUTO:
        if _has_weights(name, options):
            return name
    raise WeightsError(
        say("no detector has its weights"), say("run `faceveil weights fetch` once, while online")
    )


def which(options: Options) -> tuple[str, str]:
    """The detector that these options mean and the sha256 of its weights, without loading it.

    Raises:
        WeightsError: they are missing or altered.
    """
    name = resolve(options)
    needed = AUTO.get(name)
    if needed is None:
        return name, ""
    weights.find(needed, options.weights)
    return name, weights.TABLE[needed].sha256


def _factory(name: str) -> Callable[[Options], SinglePass]:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        made: Callable[[Options], SinglePass] = getattr(importlib.import_module(module), attribute)
        return made
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        plugin: Callable[[Options], SinglePass] = entry.load()
        return plugin
    raise NoDetectorError(
        say("there is no detector {name!r}", name=name),
        say("choose one of: {names}", names=", ".join(["auto", *BUILT_IN])),
    )
