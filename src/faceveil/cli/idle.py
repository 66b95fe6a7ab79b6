"""Flags that were given and cannot do anything, named so that nobody waits for their effect."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from faceveil.cli.flags import flag_name, given_of
from faceveil.i18n import say

if TYPE_CHECKING:
    from faceveil.batch import Inputs
    from faceveil.cli.ui import UI
    from faceveil.options import Options
    from faceveil.plan import Media

_NEVER_LIVE: Final = frozenset(
    {"max_entries", "max_unpacked", "max_ratio", "max_pages", "password", "names_in", "time_limit"}
)
_CHOICE: Final = frozenset({"include", "exclude", "hidden", "links"})
_CAMERA: Final = frozenset({"camera_size", "camera_fps"})


def tell_idle(
    ui: UI,
    options: Options,
    media: Sequence[Media | None],
    found: Inputs | None = None,
    *,
    every: int = 1,
    many: bool = False,
    searched: bool = True,
) -> None:
    """Print all notes at the end of a run.

    Args:
        media: of the files that were done; see `idle_flags`.
        found, many, searched: as the others below take them.
        every: how many files there were. What failed may have been of another kind.
    """
    by_media = idle_flags(options, media) if len(media) == every else ()
    by_inputs = idle_for_inputs(options, found, many=many)
    for note in (*by_media, *by_inputs, *idle_beside(options, searched=searched)):
        ui.note(note)


def idle_flags(options: Options, media: Sequence[Media | None]) -> Iterator[str]:
    """A note for each kind of flags that none of the files has a use for.

    Args:
        media: of each file; None for one that holds others, in which anything may be.
    """
    from faceveil.options.groups import group_of

    known = [one for one in media if one is not None]
    if not known or len(known) < len(media):
        return
    given = _given(options)
    kinds = {"video" if one.films else one.kind for one in known} | {one.kind for one in known}
    video = [flag_name(name) for name in given if group_of(name) == "video" or name == "parts"]
    if video and "video" not in kinds:
        yield say("without effect, as no input is a video: {flags}", flags=video)
    moving = [flag_name(name) for name in given if group_of(name) == "tracking"]
    if moving and not kinds & {"video", "animation"}:
        yield say("without effect, as nothing moves in the input: {flags}", flags=moving)
    still = _among(given, {"quality", "jpeg"})
    if still and kinds == {"video"}:
        yield say("without effect, as every input is a video: {flags}", flags=still)
    papers = _among(given, {"password", "invalidate_signatures", "max_pages"})
    if papers and "document" not in kinds:
        yield say("without effect, as no input is a document: {flags}", flags=papers)


def idle_for_inputs(
    options: Options, found: Inputs | None = None, *, many: bool = False
) -> Iterator[str]:
    """A note for each kind of flags that does nothing with such inputs, whatever is in the files.

    Args:
        found: the files behind the inputs; None for a single one that is no archive.
        many: they are worked on in other processes.
    """
    given = _given(options)
    folders = found is not None and found.folders > 0
    chosen, names = _among(given, _CHOICE), _among(given, {"names_in"})
    if (chosen or names) and not folders:
        from faceveil.batch.work import is_archive  # brings what a single file does not take

        archives = found is not None and any(map(is_archive, found.jobs))
        if not archives:
            yield say(
                "without effect, as no input is a folder or an archive: {flags}",
                flags=chosen + names,
            )
    if (alone := _among(given, {"jobs", "time_limit"})) and not many:
        yield say("without effect, as there is only one file: {flags}", flags=alone)
    if (parts := _among(given, {"parts"})) and many:
        yield say(
            "without effect with several files, a manifest, boxes from elsewhere or Ray: {flags}",
            flags=parts,
        )


def idle_beside(options: Options, *, searched: bool = True) -> Iterator[str]:
    """A note for each kind of flags that does nothing beside the others.

    Args:
        searched: faces are looked for before the check.
    """
    from faceveil.options.groups import group_of

    given = _given(options)
    unused = {
        *(() if options.method == "gaussian" else ("gaussian_scale", "gaussian_passes")),
        *(() if options.method in ("blur", "pixelate") else ("cells",)),
    }
    if idle := _among(given, unused):
        yield say(
            "without effect with --method {method}: {flags}", method=options.method, flags=idle
        )
    if options.check == "off":
        looked = () if searched else [name for name in given if group_of(name) == "detection"]
        alone = () if searched else ("second_detector", "device", "threads")
        if idle := _among(given, {"on_fail", *looked, *alone}):
            yield say("without effect with --check off: {flags}", flags=idle)


def idle_in_live(options: Options, source: str, sinks: Iterable[str]) -> Iterator[str]:
    """A note for each kind of flags that does nothing in live, or with its source."""
    given = _given(options)
    if idle := _among(given, _NEVER_LIVE):
        yield say("without effect in live: {flags}", flags=idle)
    camera = source.partition(":")[0] in ("camera", "screen") or source.startswith("/dev/video")
    unused = {"loop"} if camera else {*_CAMERA, "loop"} if "://" in source else {*_CAMERA}
    if not (camera or any("://" in one for one in (source, *sinks))):
        unused.add("reconnect")
    if idle := _among(given, unused):
        yield say("without effect with this source: {flags}", flags=idle)


def _given(options: Options) -> list[str]:
    """The settings that somebody has set for this run."""
    given = given_of(options)
    if os.environ.get("FACEVEIL_PASSWORD"):  # that of all runs, whatever they are given
        given.pop("password", None)
    return list(given)


def _among(given: Iterable[str], names: Collection[str]) -> list[str]:
    """The flags of those settings that are among these."""
    return [flag_name(name) for name in given if name in names]
