"""Keeps the preview to this machine: names of other hosts are refused, and what another site's page asks for."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drip.errors import where

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, no script but the one file of ours, no form that leads away, no frame around."""

# Its own page may read how far a letter is scrolled, and put it back there; scripts stay forbidden in it.
CAGE = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"

LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    f"frame-ancestors 'self'; sandbox {CAGE}"
)
"""A letter in its frame is as caged as it would be in one of no page of ours."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

log = structlog.get_logger("drip.preview")

_NAMES = ("127.0.0.1", "localhost")


def why_refused(scope: Scope) -> str:
    """Return why a request is refused, '' when it is not.

    A page of another site may name this machine by a name of its own (DNS rebinding), or load from its address; a link
    that a person follows is neither.
    """
    headers = Headers(scope=scope)
    port = (scope.get("server") or ("", None))[1]
    if headers.get("host", "") not in {f"{name}:{port}" for name in _NAMES}:
        return "The preview answers to the names of this machine only."
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if headers.get("sec-fetch-site") == "cross-site" and not followed:
        return "The preview is not for pages of other sites."
    return ""


class Guard:
    """ASGI middleware round all pages of the preview; *broken* makes the page for a fault in the program."""

    def __init__(self, app: ASGIApp, *, broken: Callable[[], Response]) -> None:
        self._app = app
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        reason = why_refused(scope)
        if reason:
            await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, guarded)
            return
        try:
            await self._app(scope, receive, guarded)
        except Exception as trouble:
            log.error("page-broke", error=type(trouble).__name__, at=where(trouble))  # noqa: TRY400 - see `where`
            if started:
                raise
            await self._broken()(scope, receive, guarded)
