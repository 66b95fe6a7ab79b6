"""Plans and boxes as files that verbs save and read."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from faceveil.cli.ui import private_file
from faceveil.errors import OutputError, UsageError
from faceveil.i18n import reason_of, say
from faceveil.i18n.validation import first_fault

if TYPE_CHECKING:
    from faceveil.dataset import Annotation
    from faceveil.plan import Plan


class Format(StrEnum):
    """Formats of data sets."""

    COCO = "coco"
    YOLO = "yolo"
    CSV = "csv"


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan for its owner alone."""
    with private_file(path) as file:
        if file is not None:
            file.write(plan.to_json())


def write_dataset(found: Sequence[Annotation], form: str, out: Path) -> int:
    """Write boxes in the format of a data set; returns how many files that took."""
    from faceveil.dataset import write

    files = write(found, form)
    if "" not in files:
        try:
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                say("cannot write {path}: {reason}", path=out, reason=reason_of(error))
            ) from error
    for name, text in files.items():
        with private_file(out / name if name else out) as file:
            if file is not None:
                file.write(text)
    return len(files)


def read_plan(path: Path) -> Plan:
    """A plan that was saved and perhaps edited.

    Raises:
        UsageError: the file is not there or holds no plan; says what is wrong with it.
    """
    from pydantic import ValidationError

    from faceveil.plan import Plan

    try:
        return Plan.from_json(path.read_bytes())
    except ValidationError as error:
        reason = first_fault(error.errors())
    except OSError as error:
        reason = reason_of(error)
    raise UsageError(
        say("{path} cannot be used as a plan: {reason}", path=path, reason=reason),
        say("Change a copy of what detect --plan has saved."),
    )
