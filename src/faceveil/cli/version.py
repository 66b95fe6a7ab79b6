"""The answer to ``faceveil --version``."""

from __future__ import annotations

import typer

from faceveil.cli.ui import UI
from faceveil.i18n import say


def show_version(wanted: bool) -> None:
    """Print the version and end, before any other flag is looked at, which would take longer."""
    if not wanted:
        return
    from importlib.metadata import version as installed

    from faceveil.detect import which
    from faceveil.errors import WeightsError

    ui = UI()
    with ui.guard():
        ui.result(f"faceveil {installed('faceveil')}")
        try:
            name, sha256 = which()
            ui.result(say("detector {name}, weights sha256 {sha256}", name=name, sha256=sha256))
        except WeightsError as error:
            ui.result(say("no detector: {problem}; {advice}", problem=error, advice=error.advice))
    raise typer.Exit(ui.exit_code)
