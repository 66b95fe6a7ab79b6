"""The memory and the processor time of one command, with nothing of the tests' own in it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

_LAUNCH = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=sys.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_maxrss * 1024, used.ru_utime + used.ru_stime]))
sys.exit(code)
"""
"""A small process in between: Linux counts the memory of whoever starts a process as that
process's, too, and adds up all processes that the tests have started so far.
"""


@dataclass(frozen=True)
class Used:
    """A command's use of the machine.

    Attributes:
        bytes: the most memory that it held at once.
        seconds: of processor time.
        said: all of its output.
    """

    bytes: int
    seconds: float
    said: str


def used_by(*arguments: str) -> Used:
    """Run ``python -m faceveil`` with these arguments; it must end with 0."""
    command = [sys.executable, "-c", _LAUNCH, sys.executable, "-m", "faceveil", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    most, seconds = json.loads(done.stdout)
    return Used(most, seconds, done.stderr)
