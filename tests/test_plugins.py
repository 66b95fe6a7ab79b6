"""The worked plug-in of the documents, run as it stands there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from faceveil import detect
from faceveil.options import Options
from faceveil.pipeline import veil_image
from pages import DOCS, blocks

PAGE = DOCS / "plugins.md"


def test_the_worked_detector_hides_what_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks(PAGE, "python")
    module: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, str(PAGE), "exec"), module)
    entry = SimpleNamespace(load=lambda: module["from_options"])
    monkeypatch.setattr(detect, "entry_points", lambda group, name: [entry] if name == "qr" else [])
    encoder = cv2.QRCodeEncoder.create()
    sign = cv2.cvtColor(encoder.encode("https://example.org/somebody"), cv2.COLOR_GRAY2BGR)
    sign = cv2.resize(sign, (200, 200), interpolation=cv2.INTER_NEAREST)
    picture = np.full((480, 640, 3), 200, np.uint8)
    picture[150:350, 220:420] = sign
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0]

    options = Options(detector="qr", second_detector="none")
    result = veil_image(picture, options)

    assert not cv2.QRCodeDetector().detectAndDecode(result)[0]
    inside, outside = np.s_[170:330, 240:400], np.s_[:60]
    assert np.abs(result[inside].astype(int) - picture[inside]).mean() > 40
    assert (result[outside] == picture[outside]).all()
