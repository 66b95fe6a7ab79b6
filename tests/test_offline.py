"""Nothing but ``weights fetch`` opens a socket: shown by taking the sockets away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faceveil import weights

SCRIPT = Path(__file__).with_name("offline.py")


# On a machine for tests, libraries report less than they do with users.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("CI", "GITHUB_", "ORT_", "PYTEST_"))
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=ENVIRONMENT,
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


DETECTORS = pytest.mark.parametrize(
    ("name", "file"),
    [("yunet", "yunet"), ("centerface", "centerface"), ("mediapipe", "blazeface-full")],
)


@DETECTORS
@pytest.mark.parametrize("job", ["whole_run", "wait_for_whoever_reports_later"])
def test_a_run_opens_no_socket(job: str, name: str, file: str, photo: Path) -> None:
    if not weights.available(file):
        pytest.skip(f"no weights of {file} here: faceveil weights fetch")
    if name == "mediapipe":
        pytest.importorskip("ai_edge_litert", reason="the extra mediapipe is not installed")
    done = run(job, str(photo), name)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout
