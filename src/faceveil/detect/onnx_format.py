"""The few messages of ONNX that are written here, in the wire format of Protocol Buffers.

The package ``onnx`` has all of them, but takes 50 MB and a fifth of a second to load. The numbers
of the fields are those of ``onnx/onnx.proto``, format version 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED: Final = {_FIXED64: 8, _FIXED32: 4}

_IR_VERSION, _GRAPH, _OPSETS = 1, 7, 8  # ModelProto
_NODES, _GRAPH_NAME, _CONSTANTS, _INPUTS, _OUTPUTS, _VALUES = 1, 2, 5, 11, 12, 13  # GraphProto
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_KINDS: Final = {np.dtype(np.float32): _FLOAT, np.dtype(np.int64): _INT64}
_INT, _INTS = 2, 7  # AttributeProto.AttributeType


class NoModelError(ValueError):
    """The bytes are no message of Protocol Buffers."""


AxisLengths = Sequence[int | str]
"""Length of each axis; a name stands for any length."""


def model(
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Mapping[str, AxisLengths],
    outputs: Mapping[str, AxisLengths],
    *,
    name: str,
    opset: int,
    ir_version: int,
) -> bytes:
    """A model of floats.

    Args:
        nodes: as `node` makes them, in the order in which they run.
        constants: as `constant` makes them.
        opset: version of the operators; ``ir_version``: of the format.
    """
    graph = b"".join(
        [
            *(_field(_NODES, one) for one in nodes),
            _field(_GRAPH_NAME, name),
            *(_field(_CONSTANTS, one) for one in constants),
            *_values(_INPUTS, inputs),
            *_values(_OUTPUTS, outputs),
        ]
    )
    operators = _field(2, opset)
    return _field(_IR_VERSION, ir_version) + _field(_GRAPH, graph) + _field(_OPSETS, operators)


def node(
    operator: str, inputs: Iterable[str], outputs: Iterable[str], **settings: int | Sequence[int]
) -> bytes:
    """A step of a graph."""
    attributes = (
        _field(1, key) + _field(3, value) + _field(20, _INT)
        if isinstance(value, int)
        else _field(1, key) + b"".join(_field(8, one) for one in value) + _field(20, _INTS)
        for key, value in settings.items()
    )
    return b"".join(
        [
            *(_field(1, one) for one in inputs),
            *(_field(2, one) for one in outputs),
            _field(4, operator),
            *(_field(5, one) for one in attributes),
        ]
    )


def constant(name: str, values: NDArray[Any]) -> bytes:
    """An array of float32 or int64."""
    sizes = b"".join(_field(1, size) for size in values.shape)
    little = values.astype(values.dtype.newbyteorder("<"))
    return sizes + _field(2, _KINDS[values.dtype]) + _field(8, name) + _field(9, little.tobytes())


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a graph that was read.

    Attributes:
        operator, inputs, outputs: names.
        raw: as it was written.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    raw: bytes


def steps(contents: bytes) -> list[Step]:
    """The steps of a model, in the order in which they run."""
    found = []
    for raw in _parts_of_graph(contents, _NODES):
        names: dict[int, list[str]] = {1: [], 2: [], 4: []}
        for number, value, _ in _fields(raw):
            if number in names and isinstance(value, memoryview):
                names[number].append(bytes(value).decode())
        found.append(Step("".join(names[4]), tuple(names[1]), tuple(names[2]), bytes(raw)))
    return found


def floats(contents: bytes) -> dict[str, NDArray[np.float32]]:
    """The constant arrays of a model that are float32 and kept as bytes, by name."""
    found = {}
    for raw in _parts_of_graph(contents, _CONSTANTS):
        fields = [(number, value) for number, value, _ in _fields(raw)]
        told = dict(fields)
        name, data = told.get(8), told.get(9)
        if told.get(2) == _FLOAT and isinstance(name, memoryview) and isinstance(data, memoryview):
            shape = [value for number, value in fields if number == 1 and isinstance(value, int)]
            found[bytes(name).decode()] = np.frombuffer(data, "<f4").reshape(shape)
    return found


def with_shapes(
    contents: bytes, inputs: Mapping[str, AxisLengths], outputs: Mapping[str, AxisLengths]
) -> bytes:
    """A model with these inputs and outputs in place of those it declares.

    Raises:
        NoModelError: it is none.
    """
    written = [*_values(_INPUTS, inputs), *_values(_OUTPUTS, outputs)]
    return _with(contents, (_INPUTS, _OUTPUTS), written)


def with_steps(
    contents: bytes,
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Mapping[str, AxisLengths],
    outputs: Mapping[str, AxisLengths],
) -> bytes:
    """A model with these steps, inputs and outputs in place of its own, and further constants.

    Raises:
        NoModelError: it is none.
    """
    written = [
        *(_field(_NODES, one) for one in nodes),
        *(_field(_CONSTANTS, one) for one in constants),
        *_values(_INPUTS, inputs),
        *_values(_OUTPUTS, outputs),
    ]
    return _with(contents, (_NODES, _INPUTS, _OUTPUTS, _VALUES), written)


def _with(contents: bytes, replaced: Sequence[int], by: Iterable[bytes]) -> bytes:
    """A model whose graph has other fields in place of those with these numbers."""
    written: list[bytes | memoryview] = []
    # Views, because copies of all constants would take longer than to open the model.
    for number, value, raw in _fields(memoryview(contents)):
        if number == _GRAPH and isinstance(value, memoryview):
            kept = (raw for part, _, raw in _fields(value) if part not in replaced)
            graph: list[bytes | memoryview] = [*kept, *by]
            written += [_head(_GRAPH, sum(map(len, graph))), *graph]
        else:
            written.append(raw)
    return b"".join(written)


def _parts_of_graph(contents: bytes, wanted: int) -> Iterator[memoryview]:
    for number, graph, _ in _fields(memoryview(contents)):
        if number == _GRAPH and isinstance(graph, memoryview):
            for part, value, _ in _fields(graph):
                if part == wanted and isinstance(value, memoryview):
                    yield value


def _values(number: int, shapes: Mapping[str, AxisLengths]) -> Iterator[bytes]:
    """ValueInfoProto: the names and shapes of what goes in or comes out."""
    for name, shape in shapes.items():
        sizes = (_field(2 if isinstance(size, str) else 1, size) for size in shape)
        dimensions = b"".join(_field(1, size) for size in sizes)
        tensor = _field(1, _FLOAT) + _field(2, dimensions)
        yield _field(number, _field(1, name) + _field(2, _field(1, tensor)))


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _head(number, len(data)) + data


def _head(number: int, size: int) -> bytes:
    """The start of a field of so many bytes."""
    return _varint(number << 3 | _BYTES) + _varint(size)


def _varint(value: int) -> bytes:
    """An integer that is not negative, seven bits a byte, the lowest first."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview, memoryview]]:
    """The fields of a message: number, value, and both as they are written."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _read_varint(data, at)
        kind = tag & 7
        value: int | memoryview
        if kind == _VARINT:
            value, at = _read_varint(data, at)
        elif kind == _BYTES or kind in _FIXED:
            size, at = _read_varint(data, at) if kind == _BYTES else (_FIXED[kind], at)
            value, at = data[at : at + size], at + size
        else:
            raise NoModelError
        if at > len(data):
            raise NoModelError
        yield tag >> 3, value, data[start:at]


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise NoModelError
