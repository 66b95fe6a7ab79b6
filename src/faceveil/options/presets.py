"""Bundles of settings under one name."""

from __future__ import annotations

from typing import Any, Literal

Preset = Literal["strict", "balanced", "light"]

# What a preset stands for. N = 3 is where a trained attacker gains nothing measurable over what
# the surroundings of the face give away; see docs/privacy.md.
PRESETS: dict[Preset, dict[str, Any]] = {
    "strict": {"method": "solid"},
    "balanced": {"method": "blur", "cells": 3},
    "light": {"method": "blur", "cells": 5},
}
OF_PRESETS = frozenset(name for bundle in PRESETS.values() for name in bundle)
"""The settings that presets set."""
MAX_CELLS = 6
"""More cells than this across a face protect no better than a plain blur."""
