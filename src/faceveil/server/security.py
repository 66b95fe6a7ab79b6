"""Access and limits for every request. Pure ASGI, around everything else.

Binding to this machine alone does not keep out pages in its browsers: a page from elsewhere can
send requests here (CSRF), or make its own name point here (DNS rebinding). So the Host header has
to be a name of this service, and requests from other sites' pages are refused.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceveil.i18n import say
from faceveil.server.draining import drain_when_refused
from faceveil.server.entrance import refusal_page, wants_a_page, welcome_page
from faceveil.server.problems import MEDIA_TYPE, Problem, ProblemError, problem
from faceveil.server.sessions import SECONDS, Sessions
from faceveil.server.settings import MEGABYTE, Service

OPEN = "/healthz"
"""The path that needs no token."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104
_SMALL = 64 * MEGABYTE
"""The largest body in bytes without a file: the plan of a long video has tens of megabytes."""
_UPLOADS = frozenset({"/api/jobs", "/api/veil"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_UPLOAD_ROOM = MEGABYTE - 1
"""Room in a multipart body beside the files: less than one megabyte, so that the limit rounds down
to the one that was set."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; media-src 'self' blob:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def is_local(host: str) -> bool:
    """Whether an address can be reached only from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A secret for clients to send."""
    return secrets.token_urlsafe(24)


class Guard:
    """Lets only permitted requests through to the app.

    Args:
        token: what clients have to send.
    """

    def __init__(self, app: ASGIApp, service: Service, token: str) -> None:
        self._app = app
        self._service = service
        self._token = token
        self._sessions = Sessions()
        self._cookie = cookie_of(service)
        names = {service.host.lower(), *map(str.lower, service.hosts)} - _ANY
        self._hosts = names | (_LOOPBACK if is_local(service.host) else frozenset())
        self._any_address = not is_local(service.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            if self._refusal(scope, headers) or self._without_token(scope, headers):
                await send({"type": "websocket.close", "code": 1008})  # answered with 403
            else:
                await self._app(scope, receive, send)
            return
        receive, send = drain_when_refused(receive, _with_headers(send), headers)
        refusal = self._refusal(scope, headers)
        if refusal is None and (answer := self._login(scope, headers)) is not None:
            await answer(scope, receive, send)
            return
        refusal = refusal or self._without_token(scope, headers)
        limit = self._limit(scope)
        if refusal is None and _declared(headers) > limit:
            refusal = _too_large(limit).problem
        if refusal is not None:
            # The rest of the request is not read, so the connection cannot be used again.
            await _answer(refusal, scope["method"], headers)(scope, receive, send)
            return
        await self._app(scope, _limit_body(receive, limit), send)

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._known(hosts[0]):
            return problem(421, "foreign-host", say("this service is not known under that name"))
        for origin in headers.getlist("origin"):
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or parts.netloc.lower() != hosts[0].lower():
                return problem(403, "foreign-origin", say("requests from other sites are refused"))
        site = headers.get("sec-fetch-site", "none")
        safe = scope.get("method") in _SAFE  # a WebSocket has none
        page = safe and not scope["path"].startswith("/api/")
        if not page and site not in ("same-origin", "none"):
            return problem(403, "foreign-origin", say("requests from other sites are refused"))
        return None

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            _ = urlsplit(f"//{host}").port
        except ValueError:
            return False
        if name in self._hosts:
            return True
        # The owner of a name can make it point here; nobody can do so with an address.
        return self._any_address and _is_address(name)

    def _login(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to ``/?token=...``: a cookie, and an address without the token."""
        if scope["path"] != "/" or scope["method"] != "GET":
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if len(given) != 1 or not _same(given[0], self._token):
            return None
        answer = welcome_page()
        answer.set_cookie(
            self._cookie,
            self._sessions.begin(),
            max_age=SECONDS,
            httponly=True,
            samesite="strict",
            # Trusting the proxy's header can only make the cookie safer.
            secure="https" in (scope["scheme"], headers.get("x-forwarded-proto", "")),
        )
        return answer

    def _without_token(self, scope: Scope, headers: Headers) -> Problem | None:
        if scope["path"] == OPEN:
            return None
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(given.strip(), self._token):
            return None
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            cookie = None
        if cookie is not None and self._sessions.holds(cookie.value):
            return None
        return problem(
            401,
            "no-token",
            say("this service needs its token"),
            say(
                "Open the address that `faceveil serve` printed, or send "
                "Authorization: Bearer TOKEN."
            ),
        )

    def _limit(self, scope: Scope) -> int:
        if scope["path"] in _UPLOADS:
            return self._service.max_upload_bytes + _UPLOAD_ROOM
        return _SMALL


def cookie_of(service: Service) -> str:
    """The name of the cookie. It has the port, because browsers send cookies to all ports of a
    host.
    """
    return f"faceveil-{service.port}"


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _too_large(limit: int) -> ProblemError:
    return ProblemError(
        413,
        "limit",
        say("the upload is larger than {limit} MB", limit=limit // MEGABYTE),
        say("Send less at a time."),
        headers={"Connection": "close"},
    )


def _limit_body(receive: Receive, limit: int) -> Receive:
    """Cuts off a body that is too long, whatever length it declared."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            policy = headers.get("Content-Security-Policy", HEADERS["Content-Security-Policy"])
            headers.update(HEADERS | {"Content-Security-Policy": policy})
        await send(message)

    return sending


def _answer(refusal: Problem, method: str, asked: Headers) -> Response:
    headers = {"Connection": "close"}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if wants_a_page(method, asked):
        return refusal_page(refusal, headers)
    return JSONResponse(
        refusal.model_dump(), refusal.status, headers=headers, media_type=MEDIA_TYPE
    )
