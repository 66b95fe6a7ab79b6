"""The constants of the rules, by the first network.

From ``benchmarks/fit_opinion.py faces masked close_ups no_faces --first NAME``, 2026-11-27: 107
pictures of crowds from the validation part of WIDER FACE, 63 with masks and bad light, 40
close-ups, 30 without people.
"""

from __future__ import annotations

from typing import Final

from faceveil.detect.rule import Rule

RULES: Final = {
    "yunet": Rule(
        other="centerface",
        looks=(2.395, 0.620, 0.023, -11.146, 8.995, 1.268, 1.365, 0.168),
        alone=(0.216, 0.982, 0.006, 0.106, -0.274, 0.124, -0.019),
        together=(
            1.450,
            0.760,
            0.310,
            0.056,
            -2.342,
            0.314,
            -0.012,
            1.013,
            0.029,
            -0.026,
            0.020,
            0.094,
            -0.853,
        ),
    ),
    "centerface": Rule(
        other="yunet",
        looks=(1.005, 1.646, -0.064, 0.000, 0.000, 0.968, 0.051, 0.041),
        alone=(0.110, 0.979, 0.344, 0.390, 0.001, 0.204, 0.067),
        together=(
            1.174,
            0.547,
            0.617,
            0.154,
            -1.951,
            0.318,
            0.064,
            0.627,
            0.007,
            -0.080,
            0.013,
            0.057,
            -0.525,
        ),
    ),
}


def rule_of(name: str) -> Rule | None:
    """The rule for a detector of this name, which may say where it runs; None: there is none."""
    return RULES.get(name.split()[0])
