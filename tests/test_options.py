"""Every setting exists once and is offered everywhere."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from faceveil.cli import app
from faceveil.cli.flags import flag_name, make_settings
from faceveil.cli.verbs import FILES, FIND, LIVE, PAINT, PEOPLE, TRACK
from faceveil.errors import UsageError
from faceveil.options import Options

FIELDS = Options.model_fields


def group(name: str) -> str:
    extra = FIELDS[name].json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["group"])


def help_of(verb: str) -> str:
    done = CliRunner().invoke(app, [verb, "--help-all"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert done.exit_code == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


@pytest.mark.parametrize("name", FIELDS)
def test_has_help_and_group(name: str) -> None:
    help_text = FIELDS[name].description
    assert help_text
    assert help_text.endswith(".")
    assert group(name)


@pytest.mark.parametrize(
    ("verb", "groups"),
    [
        ("veil", {group(name) for name in FIELDS} - {"live"}),
        ("live", {*LIVE}),
        ("detect", {*PEOPLE, *FILES, *FIND, *TRACK}),
        ("render", {*FIND, *PAINT}),
        ("check", {*FILES, *FIND}),
    ],
)
def test_a_verb_offers_the_settings_it_uses(verb: str, groups: set[str]) -> None:
    offered = help_of(verb)
    for name in FIELDS:
        there = re.search(rf"{flag_name(name)}(?![-\w])", offered) is not None
        assert there == (group(name) in groups), name


def test_nothing_given_is_the_default() -> None:
    assert make_settings(Options, dict.fromkeys(FIELDS)) == Options()


def test_a_preset_yields_to_what_is_given() -> None:
    nothing = dict.fromkeys(FIELDS)
    assert make_settings(Options, nothing | {"preset": "strict"}).method == "solid"
    assert (
        make_settings(Options, nothing | {"preset": "strict", "method": "cartoon"}).method
        == "cartoon"
    )
    assert make_settings(Options, nothing | {"preset": "light", "cells": 2}).cells == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"quality": 800}, "--quality 800: .*100"),
        ({"cells": 8}, "8 cells .*--allow-weak"),
        ({"min_face": 1.0}, "--min-face 1.0: "),
    ],
)
def test_what_is_refused_is_named_by_its_flag(given: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_settings(Options, given)
