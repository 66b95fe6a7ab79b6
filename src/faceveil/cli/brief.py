"""The help of the verbs: a screen with what is used most, and all by groups on demand."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Annotated, Any, Final, get_args

from typer.core import TyperCommand, TyperGroup

from faceveil.i18n import say

HELP: Final = {"help_option_names": ["-h", "--help"]}
HELP_ALL: Final = "--help-all"

BRIEF: Final = {
    "preset": say("strict (grey), balanced, or light (protects less)."),
    "method": say("blur, pixelate, solid, cartoon or gaussian."),
    "cover_zones": say("Always cover this area: left,top,right,bottom."),
    "password": say("Opens encrypted PDFs."),
    "min_face": say("Smallest face to look for, in pixels."),
    "audio": say("copy, or drop the sound."),
    "check": say("sample, full (every frame of a video), or off."),
    "host": say("Address to listen on; only this machine can reach the default."),
    "port": say("Port to listen on."),
    "token": say("Secret of the clients; better in FACEVEIL_TOKEN."),
    "folder": say("Folder for jobs, new or empty."),
}
"""The settings that the short help of a verb shows, and its words for them."""


class Verb(TyperCommand):
    """A verb whose help shows its flags by groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for one in self.get_params(ctx):
            row = one.get_help_record(ctx)
            if row is not None and HELP_ALL not in one.opts:
                kind = "Arguments" if one.param_type_name == "argument" else "Options"
                group = getattr(one, "rich_help_panel", None) or kind
                sections.setdefault(group, []).append((_as_called(row[0]), row[1]))
        sections.setdefault("Options", []).extend(
            [
                (", ".join(HELP["help_option_names"]), say("Show what is used most.")),
                (HELP_ALL, say("Show everything, by groups.")),
            ]
        )
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


class Verbs(TyperGroup):
    """All verbs. A file in place of a verb is a file to veil."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and (Path(args[0]).exists() or Path(args[0]).suffix):
            args = ["veil", *args]
        return super().resolve_command(ctx, args)


def _as_called(name: str) -> str:
    """A flag or an argument in its help: its value as people call it, choices in the text."""
    name, _, kind = name.partition(" <")
    kind = kind.removesuffix(">").removeprefix("list[").removesuffix("]").lower()
    words = {"str": "text", "int": "number", "float": "number"}
    return f"{name} <{words.get(kind, kind)}>" if kind and name.startswith("-") else name.rstrip()


def shortened(annotation: Any) -> Any:
    """A parameter of a verb itself, as the short help shows it: one sentence; no groups."""
    kind, info, *rest = get_args(annotation)
    info = copy.copy(info)
    info.help = (info.help or "").partition(". ")[0].removesuffix(".") + "."
    info.hidden = info.rich_help_panel is not None
    return Annotated[kind, info, *rest]
