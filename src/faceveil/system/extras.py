"""Advice on getting the packages of an extra, with the installer of this very installation."""

from __future__ import annotations

import re
import shlex
import sys
from importlib.util import find_spec

from faceveil.i18n import Message, say


def advice_for(extra: str) -> Message:
    """Advice with a command that works where FaceVeil is installed.

    It names the packages of the extra, because FaceVeil itself may have come from a copy of its
    repository, and this Python, because the shell's ``pip`` may belong to another one.
    """
    if getattr(sys, "frozen", False):
        return say("The executable does not contain it; install FaceVeil with pip, pipx or uv.")
    wanted = packages_of(extra) or [f"faceveil[{extra}]"]
    if find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", *wanted]
    else:  # as uv makes environments
        command = ["uv", "pip", "install", "--python", sys.executable, *wanted]
    return say("Get it with: {command}", command=shlex.join(command))


def packages_of(extra: str) -> list[str]:
    """The requirements that an extra adds, as installers read them."""
    # Takes a fifth of what the command line needs to begin, which imports this module.
    from importlib.metadata import PackageNotFoundError, requires

    try:
        needs = requires("faceveil") or []
    except PackageNotFoundError:
        return []
    halves = (need.partition(";")[::2] for need in needs)
    mine = re.compile(rf"""extra\s*==\s*["']{re.escape(extra)}["']""")
    return [name.strip() for name, marker in halves if mine.search(marker)]
