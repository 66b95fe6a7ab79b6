"""A browser that opens an address with a secret in it."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from pathlib import Path

from faceveil.system.files import write_whole

_FILE = "open.html"


def open_page(folder: Path, address: str) -> None:
    """Have the user's browser open an address that nobody else may learn.

    What a program is started with every user of the machine can read, so the browser gets the name
    of a file, and only its owner can read that.

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


def forget_page(folder: Path) -> None:
    """Take away what `open_page` left."""
    with suppress(OSError):
        (folder / _FILE).unlink(missing_ok=True)
