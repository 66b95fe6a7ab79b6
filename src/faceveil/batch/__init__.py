"""Many files: which they are, where each goes, who works on them, and what is done already."""

from __future__ import annotations

from faceveil.batch.executors import Processes, Serial
from faceveil.batch.find import Job, find_jobs
from faceveil.batch.manifest import Manifest
from faceveil.batch.run import Counts, Done, veil_files
from faceveil.stages import Executor

__all__ = [
    "Counts",
    "Done",
    "Executor",
    "Job",
    "Manifest",
    "Processes",
    "Serial",
    "find_jobs",
    "veil_files",
]
