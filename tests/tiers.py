"""Cases of a test that run every time; the others wait for `make long`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def daily(cases: Iterable[Any], *kept: Any, every: int = 0) -> list[Any]:
    """The cases for ``parametrize``, all but a few of them marked `long`.

    For relatives that are dear one by one and fail together. What is named runs every time, so a
    case that is added is a long one until somebody decides otherwise.

    Args:
        cases: a tuple is one value for each argument.
        kept: the cases that run every time. Each must be there.
        every: one in so many runs every time, the first one among them; 0: those that are kept.
    """
    listed = list(cases)
    assert all(one in listed for one in kept), f"no such case among {listed}"
    assert kept or every, "at least one runs every time"
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=[] if case in kept or (every and number % every == 0) else [pytest.mark.long],
        )
        for number, case in enumerate(listed)
    ]
