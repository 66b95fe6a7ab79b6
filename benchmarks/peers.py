"""Other programs beside which FaceVeil is measured, each run by an interpreter of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceveil import weights

INTERPRETERS = {"deface": "1.5.0", "open-redactor": "0.2.18"}
"""Programs to install elsewhere, in the version that was measured."""
TUTORIAL = "tutorial"
"""The system FaceVeil began as. It is small and stands in peer_masks.py."""
NAMES = (*INTERPRETERS, TUTORIAL)


class PeerError(RuntimeError):
    """A peer could not be run."""


def add_options(parser: argparse.ArgumentParser, commands: bool = False) -> None:
    """``--deface PYTHON``, ``--open-redactor PYTHON`` and ``--tutorial``.

    Args:
        commands: only those that have a command line.
    """
    for name, version in INTERPRETERS.items():
        text = f"an interpreter in which {name} {version} is installed"
        parser.add_argument(f"--{name}", metavar="PYTHON", help=text)
    if not commands:
        text = "the system FaceVeil began as; needs the extra mediapipe"
        parser.add_argument(f"--{TUTORIAL}", action="store_const", const=sys.executable, help=text)


def chosen(given: argparse.Namespace) -> dict[str, str]:
    """The peers that were asked for, each with its interpreter."""
    asked = {name: getattr(given, name.replace("-", "_"), None) for name in NAMES}
    return {name: python for name, python in asked.items() if python}


def album(name: str, python: str, files: Sequence[Path], out: Path) -> tuple[list[str], Path, str]:
    """The command that obscures a folder of JPEG files; folder and pattern of what it writes."""
    folder = files[0].parent
    if name == "deface":
        # It takes no folder for its output and writes each file beside the input.
        command = [python, "-m", "deface.deface", *map(str, files), "--backend", "onnxrt"]
        return command, folder, "*_anonymized.jpg"
    return [*_open_redactor(python), str(folder), "--batch", "--output", str(out)], out, "*.jpg"


def film(name: str, python: str, clip: Path, out: Path) -> list[str]:
    """The command that obscures a clip with a peer's own command line, sound kept."""
    if name == "deface":
        knobs = ["-o", str(out), "--backend", "onnxrt", "--keep-audio"]
        return [python, "-m", "deface.deface", str(clip), *knobs]
    return [*_open_redactor(python), str(clip), "--output", str(out)]


def _open_redactor(python: str) -> list[str]:
    script = _beside("peer_open_redactor.py")
    return [python, script, _yunet(), "--provider", "yunet", "--target", "face"]


def _beside(script: str) -> str:
    return str(Path(__file__).with_name(script))


def _yunet() -> str:
    return str(weights.find("yunet"))


def masks(
    name: str, python: str, pictures: Sequence[Path]
) -> tuple[list[NDArray[np.bool_]], list[float]]:
    """The pixels that a peer paints in each picture, (H, W), and its milliseconds of processor
    time.

    Raises:
        PeerError: it failed; the message is its last words.
    """
    stand_in = [_yunet()] if name == "open-redactor" else []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, _beside("peer_masks.py"), name, folder, *stand_in],
            input="\n".join(map(str, pictures)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PeerError(done.stderr.strip().rpartition("\n")[2] or str(done.returncode))
        *said, times = done.stdout.splitlines()
        for line in said:
            if line.startswith(name):
                print(line)
        return [np.load(Path(folder, f"{i}.npy")) for i in range(len(pictures))], json.loads(times)
