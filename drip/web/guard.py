"""What stands round every page: headers that keep it to itself, a bound on bodies, and presses from other sites refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drip.errors import where

POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""Nothing from elsewhere, no script at all, no form that leads away, no frame around."""

SCRIPT_POLICY = f"{POLICY}; script-src 'self'"
"""For the one page with a script, which is a file of ours."""

CONSOLE_POLICY = f"{SCRIPT_POLICY}; connect-src 'self'"
"""For the console, where a script of ours fetches parts of pages of ours."""

LETTER_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""A letter brings its styles in its elements, as mail programs want them."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries, unless its page says otherwise."""

PROBLEM_JSON = "application/problem+json"

BODY_BYTES_MAX = 64 * 1024
WEBHOOK_BODY_BYTES_MAX = 2 * 1024 * 1024
DRAINED_BYTES_MAX = 32 * 1024 * 1024
"""An answer given before the body was read is often lost; so more than the bound is read, and thrown away."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Mail providers press the one-click address and the webhook from wherever they are; the API asks for a key, not for a cookie.
_FROM_ANYWHERE = re.compile(r"/leave/[^/]*|/webhooks/.*|/api/.*")

log = structlog.get_logger("drip.web")


def is_from_elsewhere(method: str, path: str, headers: Headers) -> bool:
    """Whether a press comes from a page of another site.

    Our pages send no referrer, so older browsers say `Origin: null` of our own forms; the token in the address, which
    another site does not know, is what guards those.
    """
    if method in _SAFE or _FROM_ANYWHERE.fullmatch(path):
        return False
    fetched_from = headers.get("sec-fetch-site")
    if fetched_from is not None:
        return fetched_from not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and origin != "null" and origin.partition("//")[2] != headers.get("host", "")


def problem(
    status: int,
    title: str,
    detail: str = "",
    *,
    headers: dict[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """Return a trouble as machines read it (RFC 9457)."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, headers=headers, media_type=PROBLEM_JSON)


def framed(policy: str, sites: Sequence[str]) -> str:
    """Return a policy that lets the pages of *sites*, and nobody else's, put a frame around."""
    return policy.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(sites)}") if sites else policy


class Guard:
    """ASGI middleware around all pages; *trouble_page* makes the answer for a status and a path.

    *prefix* is the path in the public address; a proxy may pass it on or take it off.
    """

    def __init__(self, app: ASGIApp, *, prefix: str, trouble_page: Callable[[int, str], Response]) -> None:
        self._app = app
        self._prefix = prefix
        self._trouble_page = trouble_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._prefix and scope["path"].startswith(f"{self._prefix}/"):
            scope = {**scope, "path": scope["path"].removeprefix(self._prefix)}
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        body = await _body(scope, receive)
        if body is None:
            await self._trouble_page(413, scope["path"])(scope, receive, guarded)
        elif is_from_elsewhere(scope["method"], scope["path"], Headers(scope=scope)):
            await self._trouble_page(403, scope["path"])(scope, receive, guarded)
        else:
            try:
                await self._app(scope, _replayed(body, receive), guarded)
            except Exception as trouble:
                log.error("page-broke", error=type(trouble).__name__, at=where(trouble))  # noqa: TRY400 - see `where`
                if started:
                    raise
                await self._trouble_page(500, scope["path"])(scope, receive, guarded)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the whole body of a request; None when it is larger than any honest one."""
    bytes_max = WEBHOOK_BODY_BYTES_MAX if scope["path"].startswith("/webhooks/") else BODY_BYTES_MAX
    chunks: list[bytes] = []
    length, more = 0, scope["method"] not in _SAFE
    while more and length <= DRAINED_BYTES_MAX:
        message = await receive()
        chunk = message.get("body", b"")
        length += len(chunk)
        if length <= bytes_max:
            chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks) if length <= bytes_max else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a *receive* that gives *body* first."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
