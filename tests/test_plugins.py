"""The worked plug-in of the documents, installed as it stands there."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

from pages import DOCS, blocks

PAGE = DOCS / "plugins.md"


@pytest.mark.slow
def test_the_worked_detector_hides_what_it_finds(tmp_path: Path) -> None:
    install(tmp_path / "site")
    encoder = cv2.QRCodeEncoder.create()
    sign = cv2.cvtColor(encoder.encode("https://example.org/somebody"), cv2.COLOR_GRAY2BGR)
    picture = np.full((480, 640, 3), 200, np.uint8)
    picture[150:350, 220:420] = cv2.resize(sign, (200, 200), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(tmp_path / "sign.png"), picture)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0]

    command = [sys.executable, "-m", "faceveil", "veil", "sign.png", "--detector", "qr"]
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*command, "--second-detector", "none"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    result = cv2.imread(str(tmp_path / "sign.veiled.png"))
    assert result is not None
    assert not cv2.QRCodeDetector().detectAndDecode(result)[0]
    inside, outside = np.s_[170:330, 240:400], np.s_[:60]
    assert np.abs(result[inside].astype(int) - picture[inside]).mean() > 40
    assert (result[outside] == picture[outside]).all()


def install(site: Path) -> None:
    """Lay the example's package out as an installer does."""
    code, (toml,) = blocks(PAGE, "python")[0], blocks(PAGE, "toml")
    ((group, entries),) = tomllib.loads(toml)["project"]["entry-points"].items()
    ((name, target),) = entries.items()
    module = site.joinpath(*target.partition(":")[0].split(".")).with_suffix(".py")
    module.parent.mkdir(parents=True)
    module.write_text(code, encoding="utf-8")
    (module.parent / "__init__.py").touch()
    about = site / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
