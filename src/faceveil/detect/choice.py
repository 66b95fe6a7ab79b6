"""Choose the detector that is meant, by its name and by the weights there are. Loads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from faceveil import weights
from faceveil.errors import WeightsError
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.options import Options

BUILT_IN = {
    "yunet": "faceveil.detect.yunet:from_options",
    "centerface": "faceveil.detect.centerface:from_options",
    "mediapipe": "faceveil.detect.blazeface:full_range",
    "mediapipe-short": "faceveil.detect.blazeface:short_range",
}
ENTRY_POINTS = "faceveil.detectors"
# Best first. Each name with the weights it needs.
AUTO = {"yunet": "yunet", "centerface": "centerface", "mediapipe": "blazeface-full"}


def resolve(options: Options) -> str:
    """The name of the detector that these options mean.

    Raises:
        WeightsError: no detector has its weights.
    """
    return options.detector if options.detector != "auto" else first_there(options.weights)


def first_there(folder: Path | None = None) -> str:
    """The name of the best detector whose weights are on this machine.

    Args:
        folder: with weights, searched before all other places.

    Raises:
        WeightsError: no detector has its weights.
    """
    for name, needed in AUTO.items():
        if weights.available(needed, folder):
            return name
    raise WeightsError(
        say("no detector has its weights"), say("run `faceveil weights fetch` once, while online")
    )


def has_weights(name: str, options: Options) -> bool:
    """Whether the weights of a detector of `AUTO` are on this machine."""
    return weights.available(AUTO[name], options.weights)


def which() -> tuple[str, str]:
    """The detector that is used unless another is named, and the sha256 of its weights.

    Raises:
        WeightsError: they are missing or altered.
    """
    name = first_there()
    weights.find(AUTO[name])
    return name, weights.TABLE[AUTO[name]].sha256
