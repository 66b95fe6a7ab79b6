"""A parrot attacker: a small network trained on faces hidden in the same way.

It is shown hidden faces of people it has to know again, as an attacker does who has pictures of
them and this program. Needs PyTorch, the extra ``attack``. After McPherson and others 2016 (arXiv
1609.00408) and Hao and others 2019 (arXiv 1905.05243).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from attack_faces import Portrait
from attack_operators import Operator, luma
from faceveil.frames import Image

SIDE = 48
"""Pixels each way that the network sees."""
CROP = (0.25, 0.40, 0.25, 0.15)
"""The picture it sees beyond the face: FaceVeil's margins, all of it painted ..."""
CONTEXT = (0.45, 0.60, 0.45, 0.35)
"""... or what lies around them as well."""
BATCH = 64
MOST = 64
"""Pictures of a person, evenly spaced, so that none weighs more than others."""
TRAIN_SHARE, TEST_SHARE = 0.6, 0.25
"""The first and the last of each person's pictures. Those between are left out: neighbours in a
video are nearly the same."""


@dataclass(frozen=True)
class Pictures:
    """Faces for the network.

    Attributes:
        train, test: (n, 3, SIDE, SIDE) uint8.
        train_who, test_who: (n,) numbers of people.
    """

    train: NDArray[np.uint8]
    train_who: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_who: NDArray[np.int64]

    @property
    def chance(self) -> float:
        """The share of the test pictures that show the commonest person."""
        return float(np.bincount(self.test_who).max() / len(self.test_who))


def hide(
    people: Mapping[str, Sequence[Portrait]],
    operator: Operator | None,
    around: tuple[float, float, float, float],
    views: int,
    seed: int,
) -> Pictures:
    """Hide each face as if a detector had found it a little off, ``views`` times for training.

    Args:
        operator: None for clear faces.
        around: what is shown beyond the face, see CROP and CONTEXT.
    """
    random = np.random.default_rng(seed)
    parts: tuple[list[Image], list[int], list[Image], list[int]] = ([], [], [], [])
    for who, portraits in enumerate(people.values()):
        portraits = _spaced(portraits)
        first = max(1, int(len(portraits) * TRAIN_SHARE))
        last = max(1, int(len(portraits) * TEST_SHARE))
        for portrait in portraits[:first]:
            for _ in range(views):
                parts[0].append(_view(portrait, operator, around, random))
                parts[1].append(who)
        for portrait in portraits[-last:]:
            parts[2].append(_view(portrait, operator, around, random))
            parts[3].append(who)
    train, train_who, test, test_who = map(np.array, parts)
    return Pictures(train, train_who, test, test_who)


def _spaced(portraits: Sequence[Portrait]) -> list[Portrait]:
    count = min(len(portraits), MOST)
    return [portraits[i * len(portraits) // count] for i in range(count)]


def _view(
    portrait: Portrait,
    operator: Operator | None,
    around: tuple[float, float, float, float],
    random: np.random.Generator,
) -> Image:
    image, face = _exposed(portrait, random), portrait.face
    dx, dy = random.normal(0, 0.02, 2) * face.size
    found = face.padded(*random.normal(0, 0.015, 4)).transformed(1, dx, dy)
    if operator is not None:
        image = operator.paint(image, found)
    x0, y0, x1, y1 = found.padded(*around).as_tuple()
    matrix = np.array([[SIDE / (x1 - x0), 0, 0], [0, SIDE / (y1 - y0), 0]])
    matrix[:, 2] = -matrix[0, 0] * x0, -matrix[1, 1] * y0
    # Twice as fine first, then halved by area: no false detail, and close to what is there.
    large = cv2.warpAffine(
        image,
        matrix * 2,
        (2 * SIDE, 2 * SIDE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    small = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small.transpose(2, 0, 1), np.uint8)


def _exposed(portrait: Portrait, random: np.random.Generator) -> Image:
    """The picture as another camera in other light might have taken it.

    All pictures of a person may come from one place, where the light alone would tell who it is.
    So each face is brought to the same brightness and contrast, and then to a random one.
    """
    image, face = portrait
    x0, y0, x1, y1 = (round(side) for side in face.as_tuple())
    part = luma(image[y0:y1, x0:x1])
    gain = min(45.0 / max(float(part.std()), 1.0), 6.0) * random.normal(1, 0.12)
    level = 115 + random.normal(0, 12)
    tint = random.normal(1, 0.05, 3)
    exposed = (image.astype(np.float32) - part.mean()) * gain + level
    return np.asarray((exposed * tint).clip(0, 255), np.uint8)


def _network(people: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 5, stride=2, padding=2, bias=False)]
    for width, wider in ((16, 32), (32, 64), (64, 0)):
        layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        if wider:
            layers.append(nn.Conv2d(width, wider, 3, padding=1, bias=False))
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 9, people))


def top1(pictures: Pictures, epochs: int, seed: int) -> float:
    """Train a network from scratch; the share of the test pictures it names right."""
    torch.manual_seed(seed)
    people = int(max(pictures.train_who.max(), pictures.test_who.max())) + 1
    train, test = (
        torch.from_numpy(part).float().sub(128).div(64) for part in (pictures.train, pictures.test)
    )
    who = torch.from_numpy(pictures.train_who)
    network = _network(people)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    steps = epochs * -(-len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for some in torch.randperm(len(train)).split(BATCH):
            if len(some) < 2:
                schedule.step()
                continue
            loss = nn.functional.cross_entropy(
                network(_jitter(train[some])), who[some], label_smoothing=0.05
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()
    with torch.inference_mode():
        named = torch.cat([network(part).argmax(1) for part in test.split(256)])
    return float((named.numpy() == pictures.test_who).mean())


def _jitter(batch: torch.Tensor) -> torch.Tensor:
    """Shift each batch by up to 2 px and change each picture's brightness and contrast a little."""
    dy, dx = (int(step) for step in torch.randint(-2, 3, (2,)))
    batch = torch.roll(batch, (dy, dx), (2, 3))
    gain = 1 + 0.1 * torch.randn(len(batch), 1, 1, 1)
    return batch * gain + 0.1 * torch.randn(len(batch), 1, 1, 1)
