"""Nothing but ``weights fetch`` opens a socket: shown by taking the sockets away."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faceveil import weights

SCRIPT = Path(__file__).with_name("offline.py")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=300
    )


def test_the_guard_sees_python() -> None:
    done = run("open_in_python")
    assert done.returncode == 1
    assert "SocketOpenedError" in done.stderr


def test_the_guard_sees_native_code() -> None:
    done = run("open_in_native_code")
    if "done" in done.stdout:
        pytest.skip("native code cannot be watched on this system")
    assert done.returncode == -signal.SIGSYS


def test_importing_everything_opens_no_socket() -> None:
    done = run("import_everything")
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout


@pytest.mark.parametrize(
    ("name", "file"),
    [("yunet", "yunet"), ("centerface", "centerface"), ("mediapipe", "blazeface-full")],
)
def test_a_whole_run_opens_no_socket(name: str, file: str, photo: Path) -> None:
    if not weights.available(file):
        pytest.skip(f"no weights of {file} here: faceveil weights fetch")
    if name == "mediapipe":
        pytest.importorskip("ai_edge_litert", reason="the extra mediapipe is not installed")
    done = run("whole_run", str(photo), name)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout
