"""Choose the detector that the options name, and load it once per process."""

from __future__ import annotations

import importlib
import threading
from collections import defaultdict
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from faceveil.detect.choice import BUILT_IN, ENTRY_POINTS, has_weights, resolve
from faceveil.detect.opinion import Opinion
from faceveil.detect.protocols import Detector, SinglePass
from faceveil.detect.runtime import bounded, providers_of
from faceveil.errors import FaceVeilError, NoDetectorError
from faceveil.i18n import listed, say
from faceveil.options import Options, Sensitivity
from faceveil.options.whereabouts import Whereabouts
from faceveil.plan import Kind

if TYPE_CHECKING:
    from faceveil.detect.rule import Rule
    from faceveil.detect.scaled import Scaled

# Detectors for a second opinion, and the smallest face in pixels that they look for: clear faces
# that the first detector missed matter most, and small ones would cost four times as much.
SECOND = ("yunet", "centerface")
SECOND_MIN_FACE = 20.0
# A small network keeps two cores busier with a tile on each than with one tile on both: beside
# other work, the looks at a picture of 1024 px took 0.8 of the time. The second tile takes 50 MB.
TILES = 2

_Key = tuple[object, ...]
_loaded: dict[_Key, SinglePass] = {}
_locks: defaultdict[_Key, threading.Lock] = defaultdict(threading.Lock)
"""One for each network, so that two can be opened at the same time."""


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


def _tiles_at_once(name: str, options: Options, kind: Kind) -> tuple[int, Options]:
    """The number of parts of a frame a detector is shown at once, and the options to load it with.

    As `at_once`, for a picture that is alone: it is looked at in tiles and at several scales.
    """
    threads = bounded(options.threads)
    many = (name, kind) == ("yunet", "image") and _is_on_processor(name, options)
    count = min(threads, TILES) if many else 1
    shared = options if count == 1 else options.model_copy(update={"threads": threads // count})
    return count, shared


def _is_on_processor(name: str, options: Options) -> bool:
    """Whether the processor does the work of a detector, asked to or not."""
    if not providers_of(options.device):
        return True
    return Whereabouts.of(_loaded_once(name, options).name).on_processor


def load_opinion(options: Options, first: Detector, strong: float) -> Opinion | None:
    """Another network for single faces of a video, or None if there is none or none is wanted.

    Args:
        first: the detector whose faces it is asked about.
        strong: its score from which a face counts.
    """
    # The rule was fitted to this pair; a score that somebody chose says what they want covered.
    wanted = options.second_detector in ("auto", "centerface") and options.confidence is None
    if not wanted or first.name.split()[0] != "yunet" or not has_weights("centerface", options):
        return None
    return Opinion(_loaded_once("centerface", options), strong)


def load_judged(options: Options, first: Detector) -> Detector:
    """A detector of stills with scores that are probabilities, and another network's opinion.

    Args:
        first: as `load_detector` gives it.

    Returns:
        ``first`` itself if there is no rule for it.
    """
    from faceveil.detect.judged import Judged, Thorough
    from faceveil.detect.rules import rule_of
    from faceveil.detect.scaled import Scaled

    rule = rule_of(first.name)
    if rule is None or not isinstance(first, Scaled):
        return first
    other = _asked(rule, options)
    thorough = other is not None and options.sensitivity == "thorough"
    judged = Judged(first, rule, other, everything=thorough)
    other_rule = rule_of(rule.other)
    if not thorough or other_rule is None:
        return judged
    second = _scaled(rule.other, options, "image", options.min_face)
    return Thorough([judged, Judged(second, other_rule, first.inner, everything=True)])


def _asked(rule: Rule, options: Options) -> SinglePass | None:
    """The network that is asked about what the first one finds; None: not there, or not wanted."""
    if options.second_detector in ("auto", rule.other) and has_weights(rule.other, options):
        return _loaded_once(rule.other, _tiles_at_once(rule.other, options, "image")[1])
    return None


@contextmanager
def opened_beside(options: Options) -> Generator[None, None, None]:
    """Open the network that `load_judged` will ask, while the block opens the first one.

    Most of that is no work of Python's. What goes wrong is met again where it is asked for.
    """
    from faceveil.detect.rules import rule_of

    def open_it() -> None:
        with suppress(FaceVeilError):
            rule = rule_of(resolve(options))
            if rule is not None:
                _asked(rule, options)

    with ThreadPoolExecutor(1, thread_name_prefix="faceveil-open") as pool:
        opened = pool.submit(open_it)
        yield
        opened.result()


def second_of(detector: Detector, opinion: Opinion | None) -> str:
    """The name of the other network that is asked; "" for none."""
    return getattr(detector, "second", "") if opinion is None else opinion.name


def load_second(options: Options, kind: Kind = "image") -> Detector | None:
    """Another detector for a second opinion, or None if there is none or none is wanted.

    It looks only for clear faces, so that it costs little. Raises as `load_detector` does, for a
    detector that the options name.
    """
    name = options.second_detector
    if name == "auto":
        first = resolve(options)
        others = (other for other in SECOND if other != first)
        name = next((one for one in others if has_weights(one, options)), "none")
    if name == "none":
        return None
    if kind == "image" and options.min_face is None:
        # In a very large picture it looks for the same sizes as the first one, or it would cost
        # more.
        return _scaled(name, options, kind, None, SECOND_MIN_FACE)
    return _scaled(name, options, kind, max(options.min_face or 0.0, SECOND_MIN_FACE))


def _scaled(
    name: str, options: Options, kind: Kind, min_face: float | None, least: float = 0.0
) -> Scaled:
    from faceveil.detect.scaled import STILL, VIDEO, Scaled

    effort = VIDEO if kind == "video" else STILL
    workers, shared = _tiles_at_once(name, options, kind)
    return Scaled(_loaded_once(name, shared), min_face, effort, least, workers)


def _loaded_once(name: str, options: Options) -> SinglePass:
    key = (name, options.weights, options.threads, options.device)
    with _locks[key]:
        if key not in _loaded:
            _loaded[key] = _factory(name)(options)
    return _loaded[key]


def threshold(detector: Detector, options: Options) -> float:
    """The score from which a face counts."""
    if options.confidence is not None:
        return options.confidence
    return level(detector, options.sensitivity)


def level(detector: Detector, sensitivity: Sensitivity) -> float:
    """The score that a sensitivity stands for. What is thorough is the search, not the score."""
    levels = detector.thresholds
    return levels["high"] if sensitivity == "thorough" else levels[sensitivity]


def _imported(place: str) -> Callable[[Options], SinglePass]:
    module, _, attribute = place.partition(":")
    made: Callable[[Options], SinglePass] = getattr(importlib.import_module(module), attribute)
    return made


def _named(place: str) -> Callable[[Options], SinglePass]:
    module, _, attribute = place.partition(":")
    cause: Exception | None = None
    why: object = say("{module} has no function {attribute}", module=module, attribute=attribute)
    try:
        made = _imported(place)
        if callable(made):
            return made
    except ModuleNotFoundError as error:
        cause, why = error, say("there is no module {name}", name=error.name)
    except (ImportError, ValueError) as error:
        cause = why = error
    except AttributeError as error:
        cause = error
    raise NoDetectorError(
        say("there is no detector '{name}': {reason}", name=place, reason=why),
        say("name it as module:factory, where Python finds the module"),
    ) from cause


def _factory(name: str) -> Callable[[Options], SinglePass]:
    if name in BUILT_IN:
        return _imported(BUILT_IN[name])
    if ":" in name:
        return _named(name)
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS, name=name):
        plugin: Callable[[Options], SinglePass] = entry.load()
        return plugin
    raise NoDetectorError(
        say("there is no detector '{name}'", name=name),
        say("choose one of: {names}", names=listed(["auto", *BUILT_IN])),
    )
