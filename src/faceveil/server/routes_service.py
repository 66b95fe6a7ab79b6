"""The service itself: its page, its settings, its health."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from faceveil import detect, weights
from faceveil.errors import FaceVeilError
from faceveil.i18n import Message, languages, say, translated
from faceveil.options import Options
from faceveil.options.groups import DECISIVE
from faceveil.options.presets import PRESETS
from faceveil.server import metrics
from faceveil.server.problems import ProblemError
from faceveil.server.schemas import Health, Limits, OptionsPage
from faceveil.server.state import StateDep

router = APIRouter(tags=["service"])
_PAGE = Path(__file__).with_name("static") / "index.html"
_TEXTS = _PAGE.with_name("texts.json")


@router.get("/", include_in_schema=False)
def page() -> Response:
    """The web page."""
    if not _PAGE.is_file():
        raise ProblemError(404, "not-found", say("this installation has no page; the API works"))
    return FileResponse(_PAGE)


@router.get("/static/i18n/languages.json", include_in_schema=False)
def all_languages() -> list[str]:
    """The languages that the page can be read in."""
    return list(languages())


@router.get("/static/i18n/{language}.json", include_in_schema=False)
def texts(language: str) -> dict[str, str]:
    """The page's own texts in a language, by their keys."""
    english: dict[str, str] = json.loads(_TEXTS.read_text(encoding="utf-8"))
    return {key: translated(Message(words), language) for key, words in english.items()}


@router.get("/api/options")
def options(state: StateDep) -> OptionsPage:
    """The settings that may be given with a file, the presets, and the limits of this service."""
    schema = Options.model_json_schema()
    fields = {name: schema["properties"][name] for name in DECISIVE}
    for name, value in Options(**state.base).model_dump(mode="json").items():
        if name in fields:
            fields[name]["default"] = value
    schema["properties"] = fields
    presets: dict[str, dict[str, Any]] = {name: dict(values) for name, values in PRESETS.items()}
    return OptionsPage(schema=schema, presets=presets, service=_limits(state))


def _limits(state: StateDep) -> Limits:
    service, base = state.service, Options(**state.base)
    try:
        detector = detect.resolve(base)
    except FaceVeilError:
        detector = None
    return Limits(
        version=version("faceveil"),
        detector=detector,
        people=weights.verify("people", base.weights).state == "ok",
        max_pixels=base.max_pixels,
        max_upload_bytes=service.max_upload_bytes,
        **service.model_dump(include=set(Limits.model_fields)),
    )


@router.get("/healthz")
async def healthz(state: StateDep) -> Health:
    """200 if everything in the service works, otherwise 503 with the reason. Needs no token."""
    if reasons := state.care.reasons():
        raise ProblemError(
            503,
            "failing",
            say("the service is not well: {reasons}", reasons=reasons),
            say("It goes on by itself once that is over."),
        )
    states = state.hub.states()
    return Health(
        version=version("faceveil"),
        waiting=states.get("queued", 0),
        working=sum(states.get(name, 0) for name in ("analyzing", "rendering", "checking")),
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {metrics.TYPE.partition(";")[0]: {"schema": {"type": "string"}}}}},
)
async def figures(state: StateDep) -> Response:
    """Figures in Prometheus' text format."""
    await state.hub.refresh()
    return Response(state.metrics.text(), media_type=metrics.TYPE)
