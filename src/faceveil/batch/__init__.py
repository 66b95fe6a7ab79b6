"""Many files: which they are, where each goes, who works on them, and what is done already."""

from __future__ import annotations

from faceveil.batch.executors import Processes, Serial
from faceveil.batch.find import Inputs, Job, Passed, find_inputs, find_jobs
from faceveil.batch.manifest import Manifest
from faceveil.batch.run import veil_files
from faceveil.batch.told import Counts, Done
from faceveil.stages import Executor

__all__ = [
    "Counts",
    "Done",
    "Executor",
    "Inputs",
    "Job",
    "Manifest",
    "Passed",
    "Processes",
    "Serial",
    "find_inputs",
    "find_jobs",
    "veil_files",
]
