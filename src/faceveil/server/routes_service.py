"""The service itself: its page, its settings, its health."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from faceveil import detect, i18n
from faceveil.errors import FaceVeilError
from faceveil.i18n import LIST
from faceveil.options import DECISIVE, PRESETS, Options
from faceveil.server import metrics
from faceveil.server.problems import ProblemError
from faceveil.server.schemas import Health, Limits, OptionsPage
from faceveil.server.state import StateDep

router = APIRouter(tags=["service"])
_PAGE = Path(__file__).with_name("static") / "index.html"


@router.get("/", include_in_schema=False)
def page() -> Response:
    """The web page."""
    if not _PAGE.is_file():
        raise ProblemError(404, "not-found", "this installation has no page; the API works")
    return FileResponse(_PAGE)


@router.get("/static/i18n/zh-messages.json", include_in_schema=False)
def messages() -> Response:
    """The Chinese texts of the service's messages, for the page."""
    return FileResponse(i18n.CATALOGUE)


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
            f"the service is not well: {LIST.join(reasons)}",
            "It goes on by itself once that is over.",
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
