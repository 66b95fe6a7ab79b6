"""YuNet's graph with the heads of each level as one, and in two halves.

In the published file each of the three levels has four heads (class, object, box and landmarks) of
two convolutions each, and twelve outputs that are turned, reshaped and squashed by steps of their
own. Side by side in one convolution, the heads cost a twentieth less of the whole network, with the
same numbers; what is done to each cell is done afterwards, to the few cells that may be faces.

The first half, down to an eighth of the picture's size, costs two thirds of all, and moves more
than a processor's caches hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from faceveil.detect import onnx_format
from faceveil.detect.onnx_format import AxisLengths, NoModelError, Step

STRIDES = (8, 16, 32)
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""The heads and the number of their channels, in the order in which they come out."""
CHANNELS = sum(HEADS.values())
INPUT, BETWEEN = "input", 64
"""The name of the input, and the channels between the halves."""
_INPUTS: Final[Mapping[str, AxisLengths]] = {INPUT: ("n", 3, "height", "width")}
_OF_A_HEAD: Final[Sequence[Mapping[str, int | Sequence[int]]]] = (
    {},
    {"group": CHANNELS, "pads": [1] * 4},
)
"""Settings of the first convolution of each head, of single cells, and of the second."""


def with_joined_heads(contents: bytes) -> bytes:
    """The network as published -> one with an output (n, 16, rows, columns) for each stride.

    Class and object are the logits of what the published network gives.

    Raises:
        NoModelError: it is another network.
    """
    steps, values = onnx_format.steps(contents), onnx_format.floats(contents)
    nodes, constants, features = [], [], []
    for level, stride in enumerate(STRIDES):
        names = [f"bbox_head.multi_level_{head}.{level}" for head in HEADS]
        features.append(_input_of(f"{names[0]}.conv1.weight", steps))
        x = features[-1]
        for number, settings in enumerate(_OF_A_HEAD, 1):
            inputs = [x]
            for kind in ("weight", "bias"):
                inputs.append(f"joined.{level}.conv{number}.{kind}")
                parts = [values[f"{name}.conv{number}.{kind}"] for name in names]
                constants.append(onnx_format.constant(inputs[-1], np.concatenate(parts)))
            x = output(stride) if number > 1 else f"joined.{level}"
            nodes.append(onnx_format.node("Conv", inputs, [x], **settings))
    kept = [step.raw for step in _leading_to(features, steps)]
    outputs = {output(stride): ("n", CHANNELS, "rows", "columns") for stride in STRIDES}
    return onnx_format.with_steps(contents, [*kept, *nodes], constants, _INPUTS, outputs)


def halves(joined: bytes) -> tuple[bytes, bytes, str]:
    """The network with joined heads -> its halves, and the name of what goes from one to the other:
    (n, 64, rows, columns), an eighth of the picture's size.

    Raises:
        NoModelError: it is another network.
    """
    steps = onnx_format.steps(joined)
    pools = [step.outputs[0] for step in steps if step.operator == "MaxPool"]
    if len(pools) < 2:
        raise NoModelError
    first = _leading_to([pools[1]], steps)
    second = [step for step in steps if step not in first]
    between: Mapping[str, AxisLengths] = {pools[1]: ("n", BETWEEN, "rows", "columns")}
    outputs = {output(stride): ("n", CHANNELS, "rows", "columns") for stride in STRIDES}
    return (
        onnx_format.with_steps(joined, [step.raw for step in first], (), _INPUTS, between),
        onnx_format.with_steps(joined, [step.raw for step in second], (), between, outputs),
        pools[1],
    )


def output(stride: int) -> str:
    """The name of the output for a stride."""
    return f"heads_{stride}"


def _input_of(weight: str, steps: list[Step]) -> str:
    """The input of the convolution with these weights."""
    for step in steps:
        if weight in step.inputs:
            return step.inputs[0]
    raise NoModelError


def _leading_to(wanted: list[str], steps: list[Step]) -> list[Step]:
    """The steps without which these values cannot be had, in their order."""
    needed, found = set(wanted), []
    for step in reversed(steps):
        if needed.intersection(step.outputs):
            needed.update(step.inputs)
            found.append(step)
    return found[::-1]
