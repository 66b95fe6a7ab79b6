"""``faceveil weights``: list, fetch and verify the detectors' weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceveil.cli.flags import add_verb
from faceveil.cli.ui import UI, describe
from faceveil.errors import ExitCode, WeightsError
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.weights import FetchEvent, Located

weights_app = typer.Typer(help="List, fetch and verify the detectors' weights.")

Folder = Annotated[
    Path | None, typer.Option("--weights", help="Folder with weights, searched before all others.")
]


@add_verb(weights_app, name="list")
def list_weights(folder: Folder = None, *, ui: UI) -> ExitCode:
    """Say which weights there are and where they lie."""
    from faceveil.weights import listing

    for located in listing(folder):
        _show(ui, located)
    ui.second_choice(folder)
    return ExitCode.OK


@add_verb(weights_app)
def verify(folder: Folder = None, *, ui: UI) -> ExitCode:
    """Compare the weights on this machine with what they should be. Ends with 4 if one is wrong."""
    from faceveil.weights import listing

    there = [located for located in listing(folder) if located.state != "missing"]
    for located in there:
        _show(ui, located)
    if not there:
        raise WeightsError(
            say("no weights on this machine"), say("Get them with: faceveil weights fetch")
        )
    ui.second_choice(folder)
    wrong = any(located.state == "wrong" for located in there)
    return ExitCode.WEIGHTS if wrong else ExitCode.OK


@add_verb(weights_app)
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Which; all but people if not given.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--to", help="Folder to put them in. Unset: the user's own cache."),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="One line for what could not be had, nothing else."),
    ] = False,
    *,
    ui: UI,
) -> ExitCode:
    """Bring weights onto this machine. The only verb that uses the network.

    Ends with 0 if what was named is there, or, if nothing was named, any detector.
    """
    from faceveil import weights

    def tell(event: FetchEvent) -> None:
        if event.kind == "trying":
            ui.note(say("{name}: asking {source}", name=event.entry.name, source=event.source))

    missing = False
    usual = [name for name, entry in weights.TABLE.items() if not entry.on_request]
    for name in names or usual:
        try:
            path = weights.fetch(name, folder, on_event=None if quiet else tell)
        except WeightsError as error:
            missing = True
            if quiet:
                ui.note(describe(error))
            else:
                ui.error(error)
        else:
            if not quiet:
                ui.result(say("{name}: {what}", name=name, what=path))
    usable = ui.second_choice(folder)
    return ExitCode.WEIGHTS if missing and (names or not usable) else ExitCode.OK


def _show(ui: UI, located: Located) -> None:
    entry = located.entry
    states = {"ok": say("ok"), "wrong": say("wrong"), "missing": say("missing")}
    state, where = states[located.state], located.path or say("not on this machine")
    ui.result(f"{entry.name:16} {ui.told(state):8} {entry.licence:11} {ui.told(str(where))}")
