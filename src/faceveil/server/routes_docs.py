"""The API as a page to read, made from its OpenAPI document. It loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from faceveil.server.entrance import bare_page
from faceveil.server.herald import WebhookMessage

router = APIRouter()


def describe_tokens(app: FastAPI, cookie: str) -> None:
    """Describe in the OpenAPI document how clients send their token.

    Args:
        cookie: the name of the one that browsers get.
    """
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            document["components"]["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
            }
            document["security"] = [{"token": []}, {"session": []}]
            document["paths"]["/healthz"]["get"]["security"] = []
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def describe_webhooks(app: FastAPI) -> None:
    """Describe in the OpenAPI document the webhooks that programs can ask for."""

    @app.webhooks.post("job")
    def told(body: WebhookMessage) -> None:
        """A job has ended, or waits for a look; signed as Standard Webhooks has it."""


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """All requests there are."""
    return bare_page("".join(_sections(request.app.openapi())))


def _sections(document: dict[str, Any]) -> Iterator[str]:
    yield f"<p>{escape(document['info']['summary'])}</p>"
    yield '<p><a href="/openapi.json">openapi.json</a></p>'
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f'<h2 id="{operation["operationId"]}">{method.upper()} {escape(path)}</h2>'
            yield f"<p>{escape(operation['description'])}</p>"
            yield _items("Parameters", map(_parameter, operation.get("parameters", ())))
            yield _items("Body", operation.get("requestBody", {}).get("content", ()))
            yield _items("Answers", _answers(operation["responses"]))


def _parameter(given: dict[str, Any]) -> str:
    told = f"{given['name']} ({given['in']}{', required' if given.get('required') else ''})"
    return f"{told}: {given['description']}" if "description" in given else told


def _answers(responses: dict[str, Any]) -> Iterator[str]:
    for status, answer in responses.items():
        kinds = ", ".join(answer.get("content", ()))
        yield f"{status}: {answer['description']}" + (f" ({kinds})" if kinds else "")


def _items(title: str, items: Any) -> str:
    lines = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<h3>{title}</h3><ul>{lines}</ul>" if lines else ""
