"""Answers that are no answers: a reset, a hang, a delay; and the uvicorn protocol that makes them possible."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, cast

from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn._types import ASGI3Application

TRANSPORT = "drip.transport"
"""The ASGI extension under which the connection's transport travels."""


class OpenHandedProtocol(H11Protocol):
    """Uvicorn's own protocol, which also hands the application the connection it speaks over.

    ASGI has no word for "cut the line", and a provider that dies mid-request is what the engine must survive.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the application so that each scope of this connection carries its *transport*."""
        super().connection_made(transport)
        application = cast("ASGIApp", self.app)

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), TRANSPORT: transport}
            await application(scope, receive, send)

        self.app = cast("ASGI3Application", with_transport)


class Reset(Response):
    """Closes the connection with RST instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the connection, and return once the server has noticed."""
        del send
        await _cut(scope, receive)


class Hang(Response):
    """Keeps silent for *seconds* or until the other side gives up, then closes the connection."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait in silence."""
        del send
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await _disconnected(receive)
                return
        await _cut(scope, receive)


class Late(Response):
    """Gives *answer* after *seconds*."""

    def __init__(self, answer: Response, seconds: float) -> None:
        super().__init__()
        self._answer = answer
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then answer."""
        await asyncio.sleep(self._seconds)
        await self._answer(scope, receive, send)


async def _disconnected(receive: Receive) -> None:
    """Return when the server says that the other side has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the connection with RST and wait until the server has noticed, so that it does not try to answer."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    line = transport.get_extra_info("socket")
    if line is not None:
        # To linger for zero seconds makes close() send RST where it would send FIN.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _disconnected(receive)
