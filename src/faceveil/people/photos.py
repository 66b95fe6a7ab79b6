"""Photos of the person who is to be kept or hidden."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from faceveil import media
from faceveil.detect import load_detector, threshold
from faceveil.errors import InputError, UsageError
from faceveil.faces import Faces
from faceveil.i18n import say
from faceveil.options import Options
from faceveil.people.chip import aligned
from faceveil.people.embedder import Embedder, Points, apart, embed_both, load_embedder
from faceveil.people.judge import APART
from faceveil.people.stretches import LEAST_SIZE, shortcoming

_SCENERY: Final = 0.5
"""A smaller face in a photo, as a share of the largest, is one of the background."""

_read: dict[str, tuple[Any, Points]] = {}
_lock = threading.Lock()


def photos_of(options: Options, embedder: Embedder | None = None) -> Points:
    """(n, any length) one row for each photo in the options, read once per process.

    Args:
        embedder: in place of dlib's network.

    Raises:
        UsageError: a photo does not show one face, or they show several people.
        WeightsError: weights are missing or altered.
    """
    paths = options.keep or options.hide
    network = embedder or load_embedder(options)
    key = (tuple(_stamp(path) for path in paths), options.detector, options.weights, network)
    with _lock:
        if _read.get("photos", (None,))[0] != key:
            _read["photos"] = (key, _all(paths, options, network))
        return _read["photos"][1]


def _stamp(path: Path) -> tuple[object, ...]:
    try:
        told = path.stat()
    except OSError as error:
        raise UsageError(say("{path} cannot be read", path=path.name)) from error
    return path.absolute(), told.st_size, told.st_mtime_ns, told.st_ino


def _all(paths: Sequence[Path], options: Options, network: Embedder) -> Points:
    rows = np.concatenate([_one(path, options, network) for path in paths])
    far = apart(rows, rows)
    if far.max() >= APART:
        one, other = np.unravel_index(int(far.argmax()), far.shape)
        raise UsageError(
            say(
                "{one} and {other} seem to show different people",
                one=paths[int(one)].name,
                other=paths[int(other)].name,
            ),
            say("Give photos of one person only."),
        )
    return rows


def _one(path: Path, options: Options, network: Embedder) -> Points:
    try:
        with media.open_source(path, options) as source:
            if source.media.kind != "image":
                raise UsageError(say("{name} is no photo", name=path.name))
            frame = next(iter(source.skim()))
    except InputError as error:
        raise UsageError(
            say("{name} cannot be read: {reason}", name=path.name, reason=error)
        ) from error
    detector = load_detector(options)
    faces = Faces.of(detector.detect(frame, threshold(detector, options)))
    large = faces[faces.sizes >= _SCENERY * faces.sizes.max(initial=0.0)]
    advice = say("Give photos that show the person alone, near, and from the front.")
    if not len(large):
        raise UsageError(say("no face was found in {name}", name=path.name), advice)
    if len(large) > 1:
        raise UsageError(
            say("{name} shows {count} faces", name=path.name, count=len(large)),
            say("Cut out the one that is meant."),
        )
    short = shortcoming(large[0])
    if short == "small":
        raise UsageError(
            say(
                "the face in {name} is {size:.0f} pixels large, too small to tell whose it is; "
                "{least:.0f} are needed",
                name=path.name,
                size=large[0].box.size,
                least=LEAST_SIZE,
            ),
            advice,
        )
    if short:
        raise UsageError(say("the face in {name} is turned away", name=path.name), advice)
    return embed_both(network, [aligned(frame.image, large.landmarks[0])])
