"""Keeps other pages and other hosts away: the sandbox is for whoever sits at this machine."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def why_refused(method: str, headers: Headers) -> str | None:
    """Return why a request is refused: a name that is not this machine's (DNS rebinding), or a press on another site."""
    host = headers.get("host", "")
    if host.rsplit(":", 1)[0] not in _LOOPBACK and host not in _LOOPBACK:
        return "The sandbox answers to the names of this machine only."
    if method in _SAFE:
        return None
    fetched_from = headers.get("sec-fetch-site")
    if fetched_from is not None:
        return None if fetched_from in {"same-origin", "none"} else "This press came from another site."
    origin = headers.get("origin")
    return None if origin is None or origin.partition("//")[2] == host else "This press came from another site."


class Guard:
    """ASGI middleware: refuses with 403 what `why_refused` has a reason for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        reason = why_refused(scope["method"], Headers(scope=scope)) if scope["type"] == "http" else None
        if reason is None:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(reason, status_code=403)(scope, receive, send)
