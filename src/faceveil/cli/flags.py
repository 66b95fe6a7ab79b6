"""Command line flags made from the models of settings, and the wrapper that runs every verb."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Iterable
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import typer
import typer.main
from typer.core import TyperCommand
from typer.models import ArgumentInfo

from faceveil.cli.brief import BRIEF, HELP, HELP_ALL, Verb, shortened
from faceveil.cli.ui import UI
from faceveil.errors import ExitCode, UsageError
from faceveil.i18n import Message, say
from faceveil.i18n.validation import fault_of
from faceveil.system.heap import collect_garbage

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo

    from faceveil.options import Options

M = TypeVar("M", bound="BaseModel")

_DEBUG = inspect.Parameter(
    "debug",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option(
            "--debug",
            rich_help_panel="Trouble",
            help="Show where in the program an error came from.",
        ),
    ],
)


def flag_name(setting: str) -> str:
    """The flag that stands for a setting: ``min_face`` is ``--min-face``."""
    return "--" + setting.replace("_", "-")


def add_verb(
    app: typer.Typer, *, groups: tuple[str, ...] = (), name: str | None = None
) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """Register a function as a verb of ``app``.

    The function takes its own arguments as Typer knows them, and by keyword ``ui``, the `UI` for
    all output, and, if it has such parameters, ``options`` and ``service``, its settings. In place
    of those the verb gets ``--debug`` and one flag for each setting of ``groups``. The function
    returns an exit code; an error that it raises is shown and turned into one.

    Args:
        groups: names of groups, or of single settings.
    """

    def register(function: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        def made(*, only: Collection[str] | None = None, brief: bool = False) -> Any:
            alone = typer.Typer(
                add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
            )
            alone.command(
                verb,
                cls=Verb,
                help=inspect.getdoc(function),
                context_settings={"help_option_names": [*HELP["help_option_names"], HELP_ALL]},
            )(_runner(function, groups, only, brief=brief))
            return typer.main.get_command(alone)

        class Late(TyperCommand):
            """Stands in for the verb until it is used. Most runs need few of its flags, and to
            make all of them takes as long as a small photo.
            """

            def make_context(
                self, info_name: str | None, args: list[str], *rest: Any, **more: Any
            ) -> Any:
                given = {one.partition("=")[0] for one in args if one.startswith("-")}
                command = made(only=given)
                known = {name for one in command.params for name in one.opts + one.secondary_opts}
                if not given <= known or more.get("resilient_parsing"):
                    # Help, completion, or a flag that was misspelt.
                    command = made(brief=HELP_ALL not in given)
                return command.make_context(info_name, args, *rest, **more)

        verb = name or function.__name__
        app.command(verb, help=inspect.getdoc(function), cls=Late)(_nothing)
        return function

    return register


def _nothing() -> None:
    """The body of a stand-in for a verb."""


def _runner(
    function: Callable[..., ExitCode],
    groups: tuple[str, ...],
    only: Collection[str] | None,
    *,
    brief: bool,
) -> Callable[..., None]:
    """The function as Typer is to call it: its own parameters, the flags, ``--debug``.

    Args:
        only: make no other flags than these, and those that the environment sets.
        brief: show in the help only what fits a screen.
    """
    own = inspect.signature(function).parameters
    models = _models(own)
    hints = get_type_hints(
        function,
        localns={model.__name__: model for model in models.values()},
        include_extras=True,
    )
    settings = {
        key: field
        for model in models.values()
        for key, field in model.model_fields.items()
        if key in groups or _group(field) in groups
    }
    if only is not None:
        settings = {key: field for key, field in settings.items() if _is_given(key, field, only)}

    def run(debug: bool = False, **arguments: Any) -> None:
        ui = UI(debug=debug)
        given = {key: arguments.pop(key) for key in settings}
        with ui.guard():
            for name, model in models.items():
                mine = {key: value for key, value in given.items() if key in model.model_fields}
                arguments[name] = make_settings(model, mine)
            collect_garbage()
            ui.exit_code = function(ui=ui, **arguments)
        if ui.exit_code:
            raise typer.Exit(ui.exit_code)

    parameters = [
        parameter.replace(annotation=hints[key])
        for key, parameter in own.items()
        if key != "ui" and key not in models
    ]
    parameters = [
        one.replace(annotation=shortened(one.annotation)) if brief else one
        for one in (*parameters, _DEBUG)
        if only is None or _is_needed(one, only)
    ]
    # The own ones come first in the help, and --debug last.
    last = len(parameters) - (_DEBUG.name in {one.name for one in parameters})
    parameters[last:last] = [_flag(key, field, brief=brief) for key, field in settings.items()]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _models(parameters: Iterable[str]) -> dict[str, type[BaseModel]]:
    """The models of settings that a verb has parameters for."""
    found: dict[str, type[BaseModel]] = {}
    if "options" in parameters:
        from faceveil.options import Options

        found["options"] = Options
    if "service" in parameters:
        from faceveil.server.settings import Service

        found["service"] = Service
    return found


def make_settings(model: type[M], given: dict[str, Any]) -> M:
    """Settings from what was given on the command line; None stands for not given.

    Raises:
        UsageError: a value is out of range or a combination is refused; names the flag.
    """
    from pydantic import ValidationError

    try:
        wanted = {key: value for key, value in given.items() if value is not None}
        return model.model_validate(wanted)
    except ValidationError as error:
        raise UsageError(_in_words(error, model)) from error


def given_of(options: Options) -> dict[str, Any]:
    """The preset, and the options that differ from the ones it stands for."""
    from faceveil.options import Options

    plain = Options(preset=options.preset).model_dump(mode="json")
    given = options.model_dump(mode="json")
    return {key: value for key, value in given.items() if key == "preset" or value != plain[key]}


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    assert isinstance(extra, dict), "every setting names its group"
    return extra


def _group(field: FieldInfo) -> str:
    return str(_extra(field)["group"])


def _env(field: FieldInfo) -> str | None:
    """The environment variable of the setting, because secrets do not belong in process lists."""
    return _extra(field).get("env")


def _flags(name: str, field: FieldInfo) -> list[str]:
    """The flag of a setting, and what turns it off if it can be turned off."""
    flag = flag_name(name)
    return [flag, f"--no-{flag[2:]}"] if field.annotation is bool else [flag]


def _is_needed(parameter: inspect.Parameter, flags: Collection[str]) -> bool:
    """Whether a parameter of a verb itself is an argument, has to be given, or is among the
    flags. Typer builds what reads a value even where none was given.
    """
    _, info, *_ = get_args(parameter.annotation)
    # In an annotation, Typer takes what stands where a default would for the first name.
    names = () if isinstance(info, ArgumentInfo) else (info.default, *(info.param_decls or ()))
    optional = bool(names) and parameter.default is not inspect.Parameter.empty
    return not optional or any(name in flags for one in names for name in one.split("/"))


def _is_given(name: str, field: FieldInfo, flags: Collection[str]) -> bool:
    """Whether a setting is among these flags, or in the environment."""
    return any(flag in flags for flag in _flags(name, field)) or bool(
        os.environ.get(_env(field) or "")
    )


def _flag(name: str, field: FieldInfo, *, brief: bool) -> inspect.Parameter:
    kind, limits = _plain(field.annotation, list(field.metadata))
    summary = BRIEF.get(name, "")
    option = typer.Option(
        "/".join(_flags(name, field)),
        help=f"{field.description}{_remark(limits, _default_text(name, field))}"
        if not brief
        else summary,
        envvar=_env(field),
        show_default=False,  # Typer would have to be given the default itself
        show_envvar=not brief,
        metavar="" if brief and get_origin(kind) is Literal else None,
        hidden=brief and not summary,
        rich_help_panel=None if brief else _group(field).capitalize(),
    )
    # No default of its own: only a flag that was given may win over what a preset sets.
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _default_text(name: str, field: FieldInfo) -> str:
    from faceveil.options.presets import OF_PRESETS

    if field.default in (None, ()):
        return ""
    if isinstance(field.default, bool):
        return "on unless told otherwise" if field.default else ""
    return f"default {field.default}" + (", or the preset's" if name in OF_PRESETS else "")


def _remark(*parts: str) -> str:
    said = "; ".join(filter(None, parts))
    return f" ({said})" if said else ""


def _plain(annotation: Any, metadata: list[Any]) -> tuple[Any, str]:
    """The bare type behind ``Annotated`` and ``| None``, and its limits in words."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (arg for arg in get_args(annotation) if arg is not NoneType)
    if get_origin(annotation) is tuple:
        return list[str], ""  # the setting's own validation reads the text
    if get_origin(annotation) is Annotated:
        annotation, *notes = get_args(annotation)
        for note in notes:
            metadata += note.metadata
    words = (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below"))
    limits = [
        f"{word} {getattr(limit, key):g}"
        for key, word in words
        for limit in metadata
        if getattr(limit, key, None) is not None
    ]
    return annotation, " ".join(limits)


def _in_words(error: ValidationError, model: type[BaseModel]) -> str:
    """One line about the first error that a person has to correct."""
    first = error.errors()[0]
    message = _with_flags(fault_of(first), model)
    if not first["loc"]:
        return message
    name = str(first["loc"][0])
    flag = flag_name(name)
    if not _env(model.model_fields[name]):  # a secret is not repeated
        flag = f"{flag} {first['input']}"
    return say("{name}: {what}", name=flag, what=message)


def _with_flags(words: str, model: type[BaseModel]) -> str:
    """A message that names settings as the command line does."""
    if not isinstance(words, Message):
        return words
    flags = {name: flag_name(name) for name in model.model_fields}
    named = {
        hole: flags.get(value, value) if isinstance(value, str) else value
        for hole, value in words.values.items()
    }
    return Message(words.id, named)
