"""What an output should take over from the way its input was coded."""

from __future__ import annotations

from dataclasses import dataclass

from faceveil.media.density import Density


@dataclass(frozen=True, slots=True)
class Traits:
    """How the input was coded, as far as the output should resemble it.

    Attributes:
        plays: how often an animation runs; 0: for ever.
        lossless: the input's own format lost nothing.
        chroma: JPEG subsampling of the input: 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0; None where
            there is none to follow.
        density: resolution and shape of the pixels, as displayed; None where nothing is said.
    """

    plays: int = 0
    lossless: bool = False
    chroma: int | None = None
    density: Density | None = None
