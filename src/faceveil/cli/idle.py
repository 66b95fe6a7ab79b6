"""Flags that were given and cannot do anything, named so that nobody waits for their effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from faceveil.cli.flags import flag_name
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.options import Options
    from faceveil.plan import Media


def idle_flags(options: Options, media: Sequence[Media | None]) -> Iterator[str]:
    """A note for each kind of flags that none of the files has a use for.

    Args:
        media: of each file; None for one that holds others, in which anything may be.
    """
    from faceveil.options.groups import group_of

    known = [one for one in media if one is not None]
    if not known or len(known) < len(media):
        return
    fields = type(options).model_fields
    given = [
        name
        for name in fields
        if name in options.model_fields_set and getattr(options, name) != fields[name].default
    ]
    kinds = {"video" if one.films else one.kind for one in known} | {one.kind for one in known}
    video = [flag_name(name) for name in given if group_of(name) == "video" or name == "parts"]
    if video and "video" not in kinds:
        yield say("without effect, as no input is a video: {flags}", flags=video)
    moving = [flag_name(name) for name in given if group_of(name) == "tracking"]
    if moving and not kinds & {"video", "animation"}:
        yield say("without effect, as nothing moves in the input: {flags}", flags=moving)
    still = [flag_name(name) for name in given if name in ("quality", "jpeg")]
    if still and kinds == {"video"}:
        yield say("without effect, as every input is a video: {flags}", flags=still)
