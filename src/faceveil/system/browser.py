"""Open an address with a secret in the user's browser."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from pathlib import Path

from faceveil.system.files import write_whole

_FILE = "open.html"


def show_in_browser(folder: Path, address: str) -> None:
    """Have the user's browser open an address that nobody else may learn.

    Every user of the machine can read the arguments of a program. So the browser is given the name
    of a file that only its owner can read.

    Args:
        folder: for its owner alone.
    """
    import webbrowser

    path = folder / _FILE
    write_whole(
        path,
        '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={escape(address)}"><title>FaceVeil</title>'
        f'<a href="{escape(address)}">FaceVeil</a>',
    )
    webbrowser.open(path.as_uri())


def forget_address(folder: Path) -> None:
    """Remove the file that `show_in_browser` made."""
    with suppress(OSError):
        (folder / _FILE).unlink(missing_ok=True)
