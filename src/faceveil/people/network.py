"""The face network of dlib, read from dlib's own file and run by ONNX Runtime.

D. King: dlib_face_recognition_resnet_model_v1 (CC0): a ResNet of 29 layers, trained so that two
pictures of one person lie less than 0.6 apart. The layers and their sizes are those of dlib's
example ``dnn_face_recognition_ex.cpp``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faceveil.detect import onnx_format

SIDE: Final = 150
"""Width and height of the network's input."""
LENGTH: Final = 128
"""Numbers in its output."""

_MEAN = (122.782, 117.001, 104.298)
_STAGES: Final = ((3, 32, False), (4, 64, True), (3, 128, True), (3, 256, True), (1, 256, True))
"""Blocks of each stage, their channels, and whether the first one halves the picture."""

Values = NDArray[np.float32]
_NOTHING: Final[Values] = np.empty(0, np.float32)


class OtherNetworkError(ValueError):
    """The file does not hold this network."""


def build(contents: bytes) -> bytes:
    """The network as an ONNX model: (n, 3, 150, 150) RGB from 0 to 255 -> (n, 128).

    Takes a quarter of a second, so nothing of it is kept on disk.

    Args:
        contents: of dlib's file.

    Raises:
        OtherNetworkError: it is not this network's.
    """
    convolutions = _layers(contents, b"con_4")
    scales = _layers(contents, b"affine_")
    graph = _Graph()
    x = graph.add("Sub", "faces", graph.constant(np.reshape(_MEAN, (1, 3, 1, 1))))
    x = graph.add("Div", x, graph.constant(np.array(256.0)))

    def convolve(x: str, before: int, channels: int, side: int, stride: int) -> str:
        """A convolution with dlib's scale of each channel folded into it."""
        values, scale = next(convolutions, _NOTHING), next(scales, _NOTHING)
        shape = (channels, before, side, side)
        if values.size != np.prod(shape) + channels or scale.size != 2 * channels:
            raise OtherNetworkError
        filters, bias = values[:-channels].reshape(shape), values[-channels:]
        gain, shift = scale[:channels], scale[channels:]
        weights = graph.constant(filters * gain[:, None, None, None])
        pad = 0 if stride > 1 else side // 2
        biases = graph.constant(bias * gain + shift)
        return graph.add("Conv", x, weights, biases, strides=[stride] * 2, pads=[pad] * 4)

    x = graph.add("Relu", convolve(x, 3, 32, 7, 2))
    x = graph.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
    channels, side = 32, ((SIDE - 7) // 2 + 1 - 3) // 2 + 1
    for blocks, after, halves in _STAGES:
        for block in range(blocks):
            half = halves and block == 0
            y = graph.add("Relu", convolve(x, channels, after, 3, 2 if half else 1))
            y = convolve(y, after, after, 3, 1)
            if half:
                # dlib adds what is of different sizes by taking zero for what is missing.
                x = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
                there, kept = (side - 3) // 2 + 1, side // 2
                side = max(there, kept)
                y = graph.padded(y, 0, side - there)
                x = graph.padded(x, after - channels, side - kept)
            x = graph.add("Relu", graph.add("Add", y, x))
            channels = after
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    (last,) = _layers(contents, b"fc_2", integers=2)
    graph.add("MatMul", x, graph.constant(last.reshape(channels, LENGTH)), result="embeddings")
    if [*convolutions, *scales]:
        raise OtherNetworkError
    return graph.model()


def _layers(contents: bytes, name: bytes, integers: int = 0) -> Iterator[Values]:
    """The parameters of all layers of a kind, in the order of the file: from the input on.

    dlib writes a layer as its name, a few integers, and a tensor: version 2, four sizes and the
    values. Integers are the number of their bytes and then these.
    """
    marker = bytes([1, len(name)]) + name
    at = contents.find(marker)
    while at >= 0:
        at += len(marker)
        numbers = []
        for _ in range(integers + 5):
            size = contents[at]
            numbers.append(int.from_bytes(contents[at + 1 : at + 1 + size], "little"))
            at += 1 + size
        if numbers[integers] != 2:
            raise OtherNetworkError
        count = int(np.prod(numbers[integers + 1 :]))
        yield np.frombuffer(contents, "<f4", count, at)
        at = contents.find(marker, at + 4 * count)


class _Graph:
    """The nodes and constants of a model under construction."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, values: NDArray[np.floating] | Values) -> str:
        return self._held(np.asarray(values, np.float32))

    def add(self, operator: str, *inputs: str, result: str = "", **settings: Sequence[int]) -> str:
        result = result or f"x{len(self._nodes)}"
        self._nodes.append(onnx_format.node(operator, inputs, [result], **settings))
        return result

    def padded(self, x: str, channels: int, side: int) -> str:
        """Zeros for further channels, and below and to the right."""
        if not (channels or side):
            return x
        return self.add("Pad", x, self._held(np.array([0, 0, 0, 0, 0, channels, side, side])))

    def model(self) -> bytes:
        # The oldest formats that have these operators, for any runtime that may be installed.
        return onnx_format.model(
            self._nodes,
            self._constants,
            {"faces": ("n", 3, SIDE, SIDE)},
            {"embeddings": ("n", LENGTH)},
            name="dlib",
            opset=17,
            ir_version=8,
        )

    def _held(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(onnx_format.constant(name, np.ascontiguousarray(values)))
        return name
