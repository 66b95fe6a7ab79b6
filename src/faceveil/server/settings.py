"""The settings of ``faceveil serve`` and ``faceveil worker``, as `Options` has those of a run."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from faceveil.i18n import say

PORT = 8765
_MARK, _KEY_BYTES = "whsec_", 24


def _setting(group: str, default: Any, help: str, *, env: str = "", **limits: Any) -> Any:
    extra: dict[str, Any] = {"group": group} | ({"env": env} if env else {})
    return Field(default, description=help, json_schema_extra=extra, **limits)


MEGABYTE: Final = 1_000_000
"""Bytes, as browsers and systems show the size of a file; 2^20 of them are a mebibyte."""


class Service(BaseModel):
    """The settings of the web service: its address, limits and lifetimes.

    Raises:
        pydantic.ValidationError: a value is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    # Address
    host: str = _setting(
        "address",
        "127.0.0.1",
        "Address to listen on. Only this machine can reach the default.",
    )
    port: int = _setting("address", PORT, "Port to listen on.", ge=1, le=65535)
    token: Annotated[str, Field(min_length=16)] | None = _setting(
        "address",
        None,
        "Secret that every client has to send. Set it in the variable rather than here, because "
        "others can read the arguments of programs. Unset: a new one for each start, in the "
        "printed address.",
        env="FACEVEIL_TOKEN",
        repr=False,
    )
    browser: bool = _setting(
        "address",
        True,
        "Open the page in the browser, if FaceVeil runs in a terminal and a browser is there.",
    )
    hosts: tuple[str, ...] = _setting(
        "address", (), "Further name under which clients reach this service. May be repeated."
    )

    # Store
    folder: Path | None = _setting(
        "store", None, "Folder for jobs, new or empty. Unset: in the user's own cache."
    )
    queue: str | None = _setting(
        "store",
        None,
        "Where the ids of waiting jobs are kept: redis://HOST/0, or unset: a file in the folder.",
        env="FACEVEIL_QUEUE",
    )

    # Limits
    max_upload_mb: int = _setting("limits", 2048, "Largest upload in megabytes.", ge=1)
    max_files: int = _setting(
        "limits", 1000, "Most files in one upload, including those in archives.", ge=1
    )
    max_queue: int = _setting("limits", 2000, "Most jobs that may wait at the same time.", ge=1)
    max_minutes: Annotated[float, Field(gt=0.0)] = _setting(
        "limits", 180.0, "Longest video in minutes."
    )
    max_recordings: int = _setting(
        "limits",
        100,
        "Most recordings of the page's camera that are kept. None is deleted before its time to "
        "make room: one more is refused.",
        ge=1,
    )
    max_recordings_mb: int = _setting(
        "limits",
        10_000,
        "Most megabytes that they may take together. One that reaches this ends, and is kept.",
        ge=1,
    )

    # Lifetimes
    keep_original_minutes: Annotated[float, Field(gt=0.0, le=60.0)] = _setting(
        "lifetimes",
        60.0,
        "Delete an original this many minutes after its upload, unless it was deleted before.",
    )
    keep_reviewed_minutes: Annotated[float, Field(gt=0.0, le=1440.0)] = _setting(
        "lifetimes",
        240.0,
        "While a person reviews a file, put off the deletion of its original, until this many "
        "minutes after its upload at most.",
    )
    keep_result_hours: Annotated[float, Field(gt=0.0, le=24.0)] = _setting(
        "lifetimes", 24.0, "Delete a result this many hours after it was made."
    )

    # Webhooks
    webhook_secret: str | None = _setting(
        "webhooks",
        None,
        "Secret that webhooks are signed with: whsec_ and at least 24 bytes in Base64. Set it "
        "in the variable rather than here, because others can read the arguments of programs. "
        "Unset: no webhooks.",
        env="FACEVEIL_WEBHOOK_SECRET",
        repr=False,
    )
    webhook_hosts: tuple[str, ...] = _setting(
        "webhooks",
        (),
        "Host, besides this machine, that webhooks may be sent to. May be repeated.",
    )

    @property
    def max_upload_bytes(self) -> int:
        """The same for the page: it need not know what a megabyte is."""
        return self.max_upload_mb * MEGABYTE

    @property
    def max_recordings_bytes(self) -> int:
        """The same of all recordings together."""
        return self.max_recordings_mb * MEGABYTE

    @field_validator("webhook_secret")
    @classmethod
    def _strong(cls, secret: str | None) -> str | None:
        if secret is not None:
            key_of(secret)
        return secret


def key_of(secret: str) -> bytes:
    """The key that a secret of webhooks stands for.

    Raises:
        ValueError: it is too short, or no Base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_MARK), validate=True)
    except ValueError:
        key = b""
    if len(key) < _KEY_BYTES:
        raise ValueError(
            say(
                "{mark} and at least {count} bytes in Base64 are wanted",
                mark=_MARK,
                count=_KEY_BYTES,
            )
        )
    return key
