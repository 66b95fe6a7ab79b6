"""The language of an answer: the one that the request asks for."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any
from urllib.parse import parse_qs

from pydantic import PlainSerializer, PlainValidator, SerializationInfo, WithJsonSchema
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from faceveil.i18n import ENGLISH, accepted, from_data, language_of, to_data, translated

STORED = "stored"
"""Context in which a model is written so that its messages can be read again as such."""
_language = ContextVar("language", default=ENGLISH)


class Languages:
    """Reads what language a request wants: ``?lang=``, or its header ``Accept-Language``.

    The parameter is for what a browser asks by itself, as it does for events.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("lang")
            header = Headers(scope=scope).get("accept-language", "")
            _language.set(language_of(given) if given else accepted(header))
        await self._app(scope, receive, send)


def asked_for() -> str:
    """The language that the request at hand asks for."""
    return _language.get()


def in_their_language(words: str) -> str:
    """A message as whoever sent the request at hand reads it."""
    return translated(words, asked_for())


def _written(words: str, info: SerializationInfo) -> Any:
    return to_data(words) if info.context == STORED else in_their_language(words)


Wording = Annotated[
    str,
    PlainValidator(from_data),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema({"type": "string"}),
]
"""A field of words for a person: a plain text in answers, a message in what is stored."""
