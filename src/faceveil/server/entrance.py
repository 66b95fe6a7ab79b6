"""Pages for a browser without access yet; they need nothing else of the service."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

from faceveil.i18n import languages, say, translated
from faceveil.server.problems import Problem

_STYLE: Final = Path(__file__).with_name("static").joinpath("entrance.css").read_text("utf-8")
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "img-src data:; style-src "
    f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)


def wants_a_page(method: str, headers: Headers) -> bool:
    """Whether a person will see the answer: browsers mark requests for pages that they show."""
    return method == "GET" and "text/html" in headers.get("accept", "")


def refusal_page(problem: Problem, headers: dict[str, str]) -> HTMLResponse:
    """A problem to read, in all languages: nothing is known yet of who reads it."""
    body = "".join(_section(problem, language) for language in languages())
    return bare_page(body, problem.status, headers)


def _section(problem: Problem, language: str) -> str:
    texts = [translated(text, language) for text in (problem.detail, problem.advice) if text]
    again = translated(say("Try again"), language)
    return (
        f'<section lang="{language}">'
        + "".join(f"<p>{escape(_sentence(text))}</p>" for text in texts)
        + f'<p><a href="/">{escape(again)}</a></p></section>'
    )


def welcome_page() -> HTMLResponse:
    """A page that goes on to the real page by itself.

    A redirect would not do: a cookie for this site alone is not sent along a redirect that began
    elsewhere, such as in a link of a mail, or in the file that opens the browser.
    """
    return bare_page(
        '<p><a href="/">FaceVeil</a></p>', head='<meta http-equiv="refresh" content="0;url=/">'
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def bare_page(
    body: str, status: int = 200, headers: Mapping[str, str] | None = None, head: str = ""
) -> HTMLResponse:
    """A page that needs nothing else; ``body`` and ``head`` are HTML."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>FaceVeil</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # No icon: a browser that is told of none asks for one that it may not have.
        '<link rel="icon" href="data:,">'
        f"{head}<style>{_STYLE}</style></head><body><h1>FaceVeil</h1>{body}</body></html>"
    )
    return HTMLResponse(page, status, {"Content-Security-Policy": _POLICY, **(headers or {})})
