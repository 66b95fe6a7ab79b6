"""Every verb of the command line as a user would give it, and what is needed to run them all.

A new verb is one line in `VERBS`; a test says so where it is missing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from faceveil.frames import Image
from faceveil.options import Options
from faceveil.pipeline import analyze_file
from films import film, head, put, scenery
from servers import free_port

PATIENCE = 120.0

# Libraries that report to their makers keep quiet where these are set, and would pass unnoticed.
_TELLTALE = (
    *("APPVEYOR", "BUILDKITE", "BUILD_ID", "CI", "CIRCLECI", "CODEBUILD_BUILD_ID"),
    *("CONTINUOUS_INTEGRATION", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL"),
    *("ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"),
    *("TEAMCITY_VERSION", "TF_BUILD", "TRAVIS"),
)


@dataclass(frozen=True)
class Verb:
    """A verb and its arguments, for a folder that `furnish` has furnished.

    Attributes:
        line: what is given after ``faceveil``.
        codes: exit codes that are no failure.
        until: for one that never ends by itself: what it says when it is ready to be interrupted.
        listens: it may open sockets, for this machine alone.
    """

    line: str
    codes: tuple[int, ...] = (0,)
    until: str = ""
    listens: bool = False


VERBS = {
    "veil": Verb("veil photo.jpg clip.mp4 -o out --report r.jsonl --report-html r.html"),
    "detect": Verb("detect photo.jpg clip.mp4 --json"),
    "render": Verb("render photo.jpg plan.json -o rendered.png"),
    "check": Verb("check photo.jpg clip.mp4", codes=(5,)),
    "demo": Verb("demo sample"),
    "export": Verb("export plan.json --format yolo -o boxes"),
    "live": Verb("live clip.mp4 seen.mp4"),
    "serve": Verb(
        f"serve --port {free_port()} --folder jobs --jobs 1",
        codes=(0, 130),
        until="http://",
        listens=True,
    ),
    "worker": Verb("worker --folder jobs", codes=(0, 130), until="waiting for jobs"),
    "weights list": Verb("weights list"),
    "weights verify": Verb("weights verify", codes=(0, 4)),
}
ONLINE = {"weights fetch"}
"""The verbs that are there to use the network."""


def everyday() -> dict[str, str]:
    """The environment as a user has it, not a test."""
    return {name: value for name, value in os.environ.items() if name not in _TELLTALE}


def furnish(folder: Path, astronaut: Image) -> None:
    """Put what the verbs work on into a folder."""
    (folder / "photo.jpg").write_bytes(cv2.imencode(".jpg", astronaut)[1].tobytes())
    actor, _ = head(astronaut)
    film(
        folder / "clip.mp4",
        [put(scenery(1), actor, 10 + 3 * n, 20) for n in range(12)],
        sound="aac",
    )
    plan = analyze_file(folder / "photo.jpg", Options(threads=1))
    (folder / "plan.json").write_text(plan.to_json())


def run(verb: Verb, folder: Path, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a verb, perhaps inside of another program; one that never ends is interrupted."""
    command = [*before, sys.executable, "-m", "faceveil", *verb.line.split()]
    if not verb.until:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, env=everyday()
        )
    return interrupted(command, verb.until, folder)


def interrupted(
    command: Sequence[str], until: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a program until it says something, then interrupt it as Ctrl-C does."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        process_group=0, env=everyday(),
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if until in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(command, process.returncode, said + rest, "")
