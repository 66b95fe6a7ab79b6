"""Many files: finding them, placing their outputs, processing them, and skipping finished ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceveil.system.late import late

if TYPE_CHECKING:
    from faceveil.batch.counts import Counts, Done
    from faceveil.batch.executors import Processes, Serial
    from faceveil.batch.find import InputFile, Inputs, Passed, find_files, find_inputs
    from faceveil.batch.manifest import Manifest
    from faceveil.batch.run import veil_files
    from faceveil.system.stages import Executor

__all__ = [
    "Counts",
    "Done",
    "Executor",
    "InputFile",
    "Inputs",
    "Manifest",
    "Passed",
    "Processes",
    "Serial",
    "find_files",
    "find_inputs",
    "veil_files",
]

# A single file takes `find` alone.
__getattr__ = late(
    __name__,
    {
        **dict.fromkeys(("InputFile", "Inputs", "Passed", "find_files", "find_inputs"), "find"),
        **dict.fromkeys(("Counts", "Done"), "counts"),
        **dict.fromkeys(("Executor", "Processes", "Serial"), "executors"),
        "Manifest": "manifest",
        "veil_files": "run",
    },
)
