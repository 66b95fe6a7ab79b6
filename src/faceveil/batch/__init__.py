"""Many files: finding them, placing their outputs, processing them, and skipping finished ones."""

from __future__ import annotations

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
