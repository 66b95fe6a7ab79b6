"""Live: frames in, the same frames a fraction of a second later with every face covered.

    source --> push --> (waiting; meanwhile the detector looks) --> pull --> outlets

A frame is shown with only its faces covered if the detector has looked at the picture shortly
before and shortly after it. In all other cases, whatever fails, the whole picture is covered.
"""

from faceveil.live.live_pipeline import LivePipeline, VeiledFrame
from faceveil.live.stats import Stats

__all__ = ["LivePipeline", "Stats", "VeiledFrame"]
