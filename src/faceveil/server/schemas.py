"""The answers to clients."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from faceveil.plan import Kind
from faceveil.server.client_names import result_name
from faceveil.server.herald import Word, word_of
from faceveil.server.language import Words
from faceveil.server.problems import Problem
from faceveil.server.store import ENDED, ORIGINAL, PLAN, Progress, Record, State, Store

_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
}
_SAME = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".apng": ".png", ".tiff": ".tif"}
_SAME |= {".dib": ".bmp", ".m4v": ".mp4", ".qt": ".mov"}
BINARY = {"schema": {"type": "string", "format": "binary"}}
"""A body that is a file, in the words of OpenAPI."""
ANY_RESULT = dict.fromkeys([*_TYPES.values(), "application/octet-stream"], BINARY)
"""The media types that a result can have."""
_ID = "Vd2hx0m0k1qzq0TQ3C0jXw"


class Job(BaseModel):
    """One photo or video, after its upload.

    ``faces`` are different faces that are covered, ``kept`` those left visible on request,
    ``filled`` face boxes covered without having been seen. ``position`` counts from 1 in the line
    of waiting jobs. ``webhook`` is the state of the message about it.
    """

    id: str = Field(examples=[_ID])
    batch: str = Field(examples=["q5zrB2mJ6m4JcW1m3t1n8A"])
    name: str = Field(examples=["holiday/beach.jpg"])
    kind: Kind | None = Field(examples=["image"])
    state: State = Field(examples=["done"])
    review: bool = False
    position: int | None = None
    progress: Progress | None = None
    faces: int | None = Field(None, examples=[4])
    kept: int | None = Field(None, examples=[0])
    filled: int | None = Field(None, examples=[0])
    width: int | None = Field(None, examples=[1280])
    height: int | None = Field(None, examples=[800])
    frames: int | None = Field(None, examples=[1])
    problem: Problem | None = None
    warnings: tuple[Words, ...] = ()
    notes: tuple[Words, ...] = ()
    dropped: tuple[Words, ...] = Field((), examples=[["GPS"]])
    created: datetime
    original_expires: datetime | None = None
    result_expires: datetime | None = None
    has_original: bool
    has_plan: bool
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


class Limits(BaseModel):
    """The limits of the service on uploads and on lifetimes."""

    version: str
    detector: str | None = Field(description="null: no weights are there; nothing can be done")
    max_upload_mb: int
    max_upload_bytes: int = Field(description="the same in bytes, of all files of an upload")
    max_files: int
    max_queue: int
    max_minutes: float
    max_pixels: int
    keep_original_minutes: float
    keep_result_hours: float


class OptionsPage(BaseModel):
    """The settings and presets for a form."""

    schema_: dict[str, Any] = Field(alias="schema")
    presets: dict[str, dict[str, Any]]
    service: Limits


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
    return Job(
        **record.model_dump(
            include=Job.model_fields.keys()
            - {"created", "progress", "problem", "options", "webhook"}
        ),
        problem=record.problem,
        options=record.options,
        position=position if record.state == "queued" else None,
        progress=None if record.state in ENDED else store.progress(record.id),
        created=_time(record.created),
        original_expires=_time(record.original_until) if has_original else None,
        result_expires=None if ends is None else _time(ends),
        has_original=has_original,
        has_plan=has_original and store.has(record.id, PLAN),
        has_result=has_result,
        result_name=result_name(record.name, record.result) if has_result else None,
        result_type=type_of(record.result) if has_result else None,
        webhook=word_of(store, record),
    )


def type_of(result: str) -> str:
    """The media type of a result, by the suffix that this program gave it."""
    suffix = "." + result.rpartition(".")[2].lower()
    return _TYPES.get(_SAME.get(suffix, suffix), "application/octet-stream")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
