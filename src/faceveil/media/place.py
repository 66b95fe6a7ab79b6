"""The place of an output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from faceveil.i18n import say
from faceveil.media import output_suffix, require_suffix
from faceveil.media.kin import is_made_from
from faceveil.media.names import is_shortened, told_apart, veiled_name
from faceveil.media.part import require_writable
from faceveil.options import Options
from faceveil.system.text import shown

if TYPE_CHECKING:
    from faceveil.media import Source


def output_path(
    path: Path, out: Path | None, source: Source, options: Options, name: str = ""
) -> tuple[Path, tuple[str, ...]]:
    """The path of the obscured version of a file, which can be written, and notes about its name.

    An earlier output of the same file is replaced; no other file is.

    Raises:
        UsageError: the name asks for a format in which this cannot be written, or is the input's.
        OutputError: the folder is missing or cannot be written to.
    """
    target, notes = _named(path, out, source, options, name)
    require_writable(target, path)
    return target, notes


def _named(
    path: Path, out: Path | None, source: Source, options: Options, name: str
) -> tuple[Path, tuple[str, ...]]:
    if out is not None and not out.is_dir():
        require_suffix(out, source.media)
        return out, ()
    folder, name = out or path.parent, name or path.name
    suffix = output_suffix(source.media, path.name)
    target = folder / veiled_name(name, suffix)
    notes: tuple[str, ...] = ()
    if is_shortened(name, suffix):
        notes = (say("the name was too long for an output, and is cut"),)
    if not os.path.lexists(target) or is_made_from(target, source, options):
        return target, notes
    notes += (
        say(
            "{name} is another file's, so the output has a name of its own", name=shown(target.name)
        ),
    )
    return folder / veiled_name(told_apart(name), suffix), notes  # which nobody else gives a file
