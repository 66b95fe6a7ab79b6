"""Live: frames in, the same frames a fraction of a second later with every face covered.

    source --> push --> (waiting; meanwhile the detector looks) --> pull --> outlets

A frame leaves bare of a whole cover only if the detector has spoken about its time, from before
and from after. Whatever fails, and however, the picture is covered whole.
"""

from faceveil.live.live_pipeline import LivePipeline, Veiled
from faceveil.live.stats import Stats

__all__ = ["LivePipeline", "Stats", "Veiled"]
