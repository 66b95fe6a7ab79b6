"""The command line as a user runs it, for the many tests that look at what comes of it.

Tests of how a process begins or is interrupted start one themselves.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread

PATIENCE = 400
"""Seconds: a cluster of Ray beside other work takes a minute to begin."""
AS_SEEN = {"COLUMNS": "200", "NO_COLOR": "1"}
"""Of the terminal, in the environment."""
_READY = Path(__file__).with_name("ready.py")


def faceveil(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own, to its end; stdout and stderr as it wrote them."""
    done = faceveil_bytes(*arguments, **environment)
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def faceveil_on_a_terminal(*arguments: str | Path, **environment: str) -> tuple[int, str, str]:
    """The same with a terminal for stdout: exit code, what was shown there, stderr."""
    leader, follower = os.openpty()
    shown = bytearray()

    def read() -> None:
        with suppress(OSError):  # it is closed
            while piece := os.read(leader, 4096):
                shown.extend(piece)

    reader = Thread(target=read, daemon=True)
    reader.start()
    done = faceveil_bytes(*arguments, stdout=os.ttyname(follower), **environment)
    os.close(follower)
    reader.join(PATIENCE)
    os.close(leader)
    return done.returncode, shown.decode().replace("\r\n", "\n"), done.stderr.decode()


def faceveil_bytes(
    *arguments: str | Path, stdout: str | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """The same, undecoded.

    Args:
        stdout: what it is written to, in place of what is returned.
    """
    words = [*map(str, arguments)]
    surroundings = os.environ | AS_SEEN | environment
    if not hasattr(os, "fork"):
        command = [sys.executable, "-m", "faceveil", *words]
        return subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE,
            env=surroundings, check=False,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        new = os.O_WRONLY | os.O_CREAT
        asked = {
            "arguments": words,
            "environment": dict(surroundings),
            "folder": str(Path.cwd()),
            "patience": PATIENCE,
            "streams": [(os.devnull, os.O_RDONLY), (stdout or str(out), new), (str(err), new)],
        }
        process = _ready(os.getpid())
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        wrote = b"" if stdout else out.read_bytes()
        return subprocess.CompletedProcess(words, code, wrote, err.read_bytes())


@cache
def _ready(_of: int) -> subprocess.Popen[str]:
    """The process that runs are forked from, one for each that runs tests."""
    process = subprocess.Popen(
        [sys.executable, str(_READY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | AS_SEEN,
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()
