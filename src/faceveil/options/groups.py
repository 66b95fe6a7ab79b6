"""The groups of settings, and those that decide what an output looks like."""

from __future__ import annotations

from faceveil.options import Options

APART = ("people", "input", "files", "machine", "live", "batch")
"""Groups of settings that have no say in what an output looks like."""


def group_of(name: str) -> str:
    """The group in which a setting is shown."""
    extra = Options.model_fields[name].json_schema_extra
    assert isinstance(extra, dict), "every setting names its group"
    return str(extra["group"])


DECISIVE = tuple(name for name in Options.model_fields if group_of(name) not in APART)
"""The settings that decide what an output looks like."""
