"""Notes on devices that were to do the work of detectors, and did not."""

from __future__ import annotations

from collections.abc import Sequence

from faceveil.i18n import say
from faceveil.options import Device
from faceveil.options.whereabouts import Whereabouts


def device_notes(names: Sequence[str], wanted: Device) -> tuple[str, ...]:
    """Notes if a device was asked for by name and the processor did the work, or if it failed.

    Args:
        names: those of the detectors that did the work, the first one before the others.
        wanted: the device that was asked for now; a plan may have been made with another.
    """
    placed = [Whereabouts.of(name) for name in names]
    failed = next((one for one in placed if one.failed), None)
    notes: list[str] = []
    if wanted not in ("cpu", "auto") and placed[0].device == "cpu" and not placed[0].failed:
        notes.append(
            say(
                "the device that was asked for is not there or does not start ({name}); "
                "docs/accelerators.md says what it needs",
                name=names[0],
            )
            if placed[0].missing
            else say(
                "the detector {name} always works on the processor: --device is for yunet and "
                "centerface",
                name=placed[0].detector,
            )
        )
    if failed is not None:
        notes.append(
            # The process goes on without the device, so later files and jobs are told the same.
            say(
                "the accelerator failed at work ({name}), on this file or one before it: since "
                "then the processor does it, with the same result; with --device cpu it is not "
                "tried",
                name=str(failed),
            )
        )
    return tuple(notes)
