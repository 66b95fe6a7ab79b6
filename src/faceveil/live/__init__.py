"""Live: frames in, the same frames a fraction of a second later with every face covered.

    feed --> Veil.push --> (waiting; meanwhile the detector looks) --> Veil.pull --> outlets

A frame leaves bare of a whole cover only if the detector has spoken about its time, from before
and from after. Whatever fails, and however, the picture is covered whole.
"""

from faceveil.live.stats import Stats
from faceveil.live.veil import Veil, Veiled

__all__ = ["Stats", "Veil", "Veiled"]
