"""The answers to clients."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from faceveil.media.media_types import MEDIA_TYPES, type_of
from faceveil.plan import Kind
from faceveil.server.client_names import result_name
from faceveil.server.herald import Word, word_of
from faceveil.server.language import Wording
from faceveil.server.problems import Problem
from faceveil.server.store import DRAFT, ENDED, ORIGINAL, PLAN, JobProgress, JobState, Record, Store

BINARY = {"schema": {"type": "string", "format": "binary"}}
"""A body that is a file, in the words of OpenAPI."""
ANY_RESULT = dict.fromkeys([*MEDIA_TYPES.values(), "application/octet-stream"], BINARY)
"""The media types that a result can have."""
_ID = "Vd2hx0m0k1qzq0TQ3C0jXw"


class Job(BaseModel):
    """One photo, video or document, after its upload.

    ``faces`` are different faces that are covered, ``kept`` those left visible on request,
    ``filled`` face boxes covered without having been seen; ``longest_fill`` is the longest stretch
    of them in seconds. ``added`` faces were found by the check only, and ``doubts`` are places in
    the result that may still show one. ``edited``: a person changed the plan. A document has
    ``pages`` and ``pictures``, and ``places`` are those on which faces are covered, with their
    number.
    ``position`` counts from 1 in the line
    of waiting jobs. ``webhook`` is the state of the message about it. The deletion of the original
    at ``original_expires`` can be put off until ``original_latest``. ``has_draft``: somebody made
    edits that were not applied yet.
    """

    id: str = Field(examples=[_ID])
    batch: str = Field(examples=["q5zrB2mJ6m4JcW1m3t1n8A"])
    name: str = Field(examples=["holiday/beach.jpg"])
    kind: Kind | None = Field(examples=["image"])
    state: JobState = Field(examples=["done"])
    review: bool = False
    position: int | None = None
    progress: JobProgress | None = None
    faces: int | None = Field(None, examples=[4])
    kept: int | None = Field(None, examples=[0])
    filled: int | None = Field(None, examples=[0])
    longest_fill: float | None = Field(None, examples=[0.0])
    added: int | None = Field(None, examples=[0])
    doubts: int | None = Field(None, examples=[0])
    edited: bool = False
    width: int | None = Field(None, examples=[1280])
    height: int | None = Field(None, examples=[800])
    frames: int | None = Field(None, examples=[1])
    pages: int | None = Field(None, examples=[0])
    pictures: int | None = Field(None, examples=[0])
    places: tuple[Wording, ...] = Field((), examples=[["page 3: 2"]])
    problem: Problem | None = None
    warnings: tuple[Wording, ...] = ()
    notes: tuple[Wording, ...] = ()
    dropped: tuple[Wording, ...] = Field((), examples=[["GPS"]])
    created: datetime
    original_expires: datetime | None = None
    original_latest: datetime | None = None
    result_expires: datetime | None = None
    has_original: bool
    has_plan: bool
    has_draft: bool = False
    has_result: bool
    result_name: str | None = Field(None, examples=["beach.veiled.jpg"])
    result_type: str | None = Field(None, examples=["image/jpeg"])
    options: dict[str, Any] = Field({}, examples=[{"preset": "strict"}])
    webhook: Word | None = None


class Refused(BaseModel):
    """A file that did not become a job."""

    name: str
    problem: Problem


class Accepted(BaseModel):
    """The answer to an upload."""

    batch: str
    jobs: list[Job]
    refused: list[Refused]


class Jobs(BaseModel):
    """All jobs, oldest first."""

    jobs: list[Job]


class Render(BaseModel):
    """Changes of options before rendering again; those that are left out stay."""

    model_config = {"extra": "forbid"}

    options: dict[str, Any] = Field({}, examples=[{"preset": "strict"}])
    anew: bool = Field(False, description="the options are all there are; those of before go")
    scan: bool = Field(
        False, description="look for the faces anew; what was changed in the plan is lost"
    )


class Limits(BaseModel):
    """The limits of the service on uploads and on lifetimes."""

    version: str
    detector: str | None = Field(description="null: no weights are there; nothing can be done")
    people: bool = Field(description="whether people can be told apart: the weights are there")
    max_upload_mb: int
    max_upload_bytes: int = Field(description="the same in bytes, of all files of an upload")
    max_files: int
    max_queue: int
    max_minutes: float
    max_pixels: int
    keep_original_minutes: float
    keep_reviewed_minutes: float
    keep_result_hours: float


class OptionsPage(BaseModel):
    """The settings and presets for a form."""

    schema_: dict[str, Any] = Field(alias="schema")
    presets: dict[str, dict[str, Any]]
    service: Limits


class Recording(BaseModel):
    """A recording of the page's camera, obscured.

    ``open``: it is being made. ``broken``: nobody ended it, it was broken off.
    """

    id: str = Field(examples=[_ID])
    name: str = Field(examples=["camera-2026-01-31-16-20-00.veiled.mp4"])
    begun: datetime
    result_expires: datetime | None
    seconds: float = Field(examples=[12.5])
    bytes: int = Field(examples=[1_200_000])
    width: int = Field(examples=[640])
    height: int = Field(examples=[360])
    broken: bool = False
    open: bool = False


class RecordingList(BaseModel):
    """All recordings, oldest first; the bytes that they take, and may take, together."""

    recordings: list[Recording]
    bytes: int = Field(examples=[1_200_000])
    most_bytes: int = Field(examples=[10_000_000_000])


class Health(BaseModel):
    """The service answers, and how busy it is."""

    status: Literal["ok"] = "ok"
    version: str
    waiting: int
    working: int


def job_of(store: Store, record: Record, position: int | None = None) -> Job:
    """A job as clients see it."""
    has_original = store.has(record.id, ORIGINAL)
    has_result = record.state == "done" and store.has(record.id, record.result)
    ends = None if record.ended is None else record.ended + record.keep_seconds
    latest = max(record.original_until, record.original_latest or 0.0)
    return Job(
        **record.model_dump(
            include=Job.model_fields.keys()
            - {"created", "progress", "problem", "options", "webhook", "original_latest"}
        ),
        problem=record.problem,
        options=record.options,
        position=position if record.state == "queued" else None,
        progress=None if record.state in ENDED else store.progress(record.id),
        created=moment_of(record.created),
        original_expires=moment_of(record.original_until) if has_original else None,
        original_latest=moment_of(latest) if has_original else None,
        result_expires=None if ends is None else moment_of(ends),
        has_original=has_original,
        has_plan=has_original and store.has(record.id, PLAN),
        has_draft=has_original and store.has(record.id, DRAFT),
        has_result=has_result,
        result_name=result_name(record.name, record.result) if has_result else None,
        result_type=type_of(record.result) if has_result else None,
        webhook=word_of(store, record),
    )


def moment_of(seconds: float) -> datetime:
    """A time of the store, as clients get it."""
    return datetime.fromtimestamp(seconds, UTC)
