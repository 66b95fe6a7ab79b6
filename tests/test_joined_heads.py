"""YuNet's network with joined heads and by strips, against the one that is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from faceveil import weights
from faceveil.detect import onnx_format, yunet_network
from faceveil.detect.joined_heads import (
    BETWEEN,
    CHANNELS,
    HEADS,
    STRIDES,
    halves,
    output,
    with_joined_heads,
)
from faceveil.detect.runtime import session
from faceveil.detect.yunet import YuNet, _decode
from faceveil.detect.yunet_network import Network
from faceveil.frames import Image

if TYPE_CHECKING:
    import onnxruntime

Settings = dict[str, int | list[int]]

HALF: Settings = {"kernel_shape": [2, 2], "strides": [2, 2]}


def tiny(*, without: str = "", pools: int = 2) -> bytes:
    """A network with YuNet's first half, its channels between the halves, and its heads."""
    random = np.random.default_rng(5)
    nodes, constants, outputs = [], [], {}

    def convolve(
        x: str, result: str, shape: tuple[int, ...], name: str, **how: int | list[int]
    ) -> None:
        parts = {"weight": shape, "bias": shape[:1]}
        for kind, sides in parts.items():
            values = random.normal(scale=0.5, size=sides).astype(np.float32)
            constants.append(onnx_format.constant(f"{name}.{kind}", values))
        if not without or name.rpartition(".")[0] != without:
            inputs = [x, *(f"{name}.{kind}" for kind in parts)]
            nodes.append(onnx_format.node("Conv", inputs, [result], **how))

    convolve("input", "a", (BETWEEN, 3, 3, 3), "one", strides=[2, 2], pads=[1] * 4)
    deep: Settings = {"group": BETWEEN, "pads": [1] * 4}
    convolve("a", "b", (BETWEEN, 1, 3, 3), "two", **deep)
    nodes.append(onnx_format.node("MaxPool", ["b"], ["x0"], **HALF))
    for step in range(4):
        convolve(f"x{step}", f"x{step + 1}", (BETWEEN, 1, 3, 3), f"of{step}", **deep)
    pool = "MaxPool" if pools > 1 else "AveragePool"
    for number, operator in enumerate((pool, "AveragePool", "AveragePool")):
        before = f"f{number - 1}" if number else "x4"
        nodes.append(onnx_format.node(operator, [before], [f"f{number}"], **HALF))
    for level, stride in enumerate(STRIDES):
        for head, count in HEADS.items():
            name, result = f"bbox_head.multi_level_{head}.{level}", f"{head}_{stride}"
            convolve(f"f{level}", f"x{result}", (count, BETWEEN, 1, 1), f"{name}.conv1")
            each: Settings = {"group": count, "pads": [1] * 4}
            convolve(f"x{result}", result, (count, 1, 3, 3), f"{name}.conv2", **each)
            if name != without:
                outputs[result] = ("n", count, "rows", "columns")
    return onnx_format.model(
        nodes,
        constants,
        {"input": ("n", 3, "height", "width")},
        outputs,
        name="tiny",
        opset=11,
        ir_version=6,
    )


def test_joined_heads_say_what_single_ones_do() -> None:
    picture = np.random.default_rng(1).normal(size=(1, 3, 64, 96)).astype(np.float32)
    published: Any = session(tiny(), 1)
    joined: Any = session(with_joined_heads(tiny()), 1)
    assert [one.name for one in joined.get_outputs()] == [output(stride) for stride in STRIDES]
    for stride in STRIDES:
        single = published.run([f"{head}_{stride}" for head in HEADS], {"input": picture})
        (together,) = joined.run([output(stride)], {"input": picture})
        assert together.shape == (1, CHANNELS, 64 // stride, 96 // stride)
        np.testing.assert_allclose(together, np.concatenate(single, axis=1), rtol=1e-3, atol=1e-3)


def test_what_only_led_to_the_single_heads_is_gone() -> None:
    before, after = (onnx_format.steps(one) for one in (tiny(), with_joined_heads(tiny())))
    assert len(before) - len(after) == (2 * len(HEADS) - 2) * len(STRIDES)


def shown_to(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The rows that a network is shown from now on: one entry for each of its runs."""
    rows, blob = list[tuple[int, int]](), yunet_network._blob

    def seen(image: Image, top: int, bottom: int, width: int) -> Any:
        rows.append((top, bottom))
        return blob(image, top, bottom, width)

    monkeypatch.setattr(yunet_network, "_blob", seen)
    return rows


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("size", [(160, 96), (149, 70), (192, 32)])
def test_strips_change_no_number(
    size: tuple[int, int], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(2).integers(0, 255, (*size, 3), np.uint8)
    padded = np.prod([-(-side // STRIDES[-1]) * STRIDES[-1] for side in size])
    monkeypatch.setattr("faceveil.detect.yunet_network.STRIP", float(padded) / count)
    opened: list[bytes] = []
    shown = shown_to(monkeypatch)

    def start(model: bytes) -> onnxruntime.InferenceSession:
        opened.append(model)
        return session(model, 1)

    whole, parts = (Network(tiny(), start, strips=strips) for strips in (False, True))
    for one, other in zip(whole.heads(image), parts.heads(image), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert len(opened) == 1 + 2
    assert len(shown) == 1 + count
    assert [len(onnx_format.steps(one)) for one in opened[1:]] == [8, 2 + 2 * len(STRIDES)]


def test_a_small_picture_is_no_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_to(monkeypatch)
    network = Network(tiny(), lambda model: session(model, 1), strips=True)
    assert [head.shape for head in network.heads(np.zeros((40, 70, 3), np.uint8))] == [
        (CHANNELS, 64 // stride, 96 // stride) for stride in STRIDES
    ]
    assert shown == [(0, 64)]


def test_another_network_is_refused() -> None:
    with pytest.raises(onnx_format.NoModelError):
        with_joined_heads(tiny(without="bbox_head.multi_level_cls.1"))
    with pytest.raises(onnx_format.NoModelError):
        with_joined_heads(b"")
    with pytest.raises(onnx_format.NoModelError):
        halves(with_joined_heads(tiny(pools=1)))


def heads_with(row: int, column: int, values: list[float]) -> list[np.ndarray]:
    """Outputs for a picture of 64 x 96, of which one cell of stride 8 says something."""
    heads = [np.full((CHANNELS, 64 // s, 96 // s), -20.0, np.float32) for s in STRIDES]
    heads[0][:, row, column] = values
    return heads


def test_a_cell_is_decoded_where_it_is() -> None:
    logit = float(np.log(0.81 / 0.19))
    heads = heads_with(3, 7, [logit, logit, 0.5, 0.25, np.log(4), np.log(2), *[1.0] * 10])
    ((x0, y0, x1, y1, score, *marks),) = _decode(heads, 0.5).tolist()
    assert score == pytest.approx(0.81, abs=1e-4)
    assert (x0, y0, x1, y1) == pytest.approx((60 - 16, 26 - 8, 60 + 16, 26 + 8), abs=1e-3)
    assert marks == pytest.approx([64.0, 32.0] * 5)


@pytest.mark.parametrize("floor", [0.0, 0.2, 0.5, 0.95, 1.0])
def test_no_cell_from_the_floor_on_is_passed_over(floor: float) -> None:
    random = np.random.default_rng(3)
    heads = [random.normal(scale=4, size=(CHANNELS, 8, 12)).astype(np.float32) for _ in STRIDES]
    product = [np.prod(1 / (1 + np.exp(-head[:2].astype(np.float64))), axis=0) for head in heads]
    expected = sum(int((np.sqrt(one) >= floor).sum()) for one in product)
    assert len(_decode(heads, floor)) == expected


def test_the_published_network_finds_the_same(astronaut: Image) -> None:
    if not weights.available("yunet"):
        pytest.skip("no weights of YuNet here: faceveil weights fetch")
    path = weights.find("yunet", None)
    image = astronaut[:448, :480]
    published = session(path, 1)
    blob = image.transpose(2, 0, 1)[None].astype(np.float32)
    names = [f"{head}_{stride}" for stride in STRIDES for head in ("cls", "obj")]
    values = dict(zip(names, published.run(names, {"input": blob}), strict=True))
    best = max(
        float(np.sqrt(values[f"cls_{stride}"] * values[f"obj_{stride}"]).max())
        for stride in STRIDES
    )
    (found,) = YuNet(path, threads=1).detect([np.ascontiguousarray(image)], 0.5)
    assert len(found) == 1
    assert found.scores[0] == pytest.approx(best, abs=1e-4)


def test_strips_change_no_number_of_the_published_network(astronaut: Image) -> None:
    if not weights.available("yunet"):
        pytest.skip("no weights of YuNet here: faceveil weights fetch")
    contents = weights.find("yunet", None).read_bytes()
    large = np.tile(astronaut, (2, 2, 1))[:, :700]
    whole, parts = (
        Network(contents, lambda one: session(one, 1), strips=strips) for strips in (False, True)
    )
    for one, other in zip(whole.heads(large), parts.heads(large), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
