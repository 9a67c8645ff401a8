"""HTTP requests over kept-alive connections, each bounded in time as a whole, never repeated, never redirected."""

from __future__ import annotations

import http.client
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from drip import clock
from drip.mail import deadline

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

ANSWER_BYTES_MAX = 1_000_000
"""How much of an answer is read; the rest is not worth the memory."""


class NothingSent(Exception):
    """The request failed before its first byte was written: the server cannot have received it."""


class MayHaveArrived(Exception):
    """The request was written, wholly or in part, and no answer came that says what became of it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered: *status* 200 to 999, *headers* by name in any case, *body* up to 1 MB.

    The status line is enough: where the body was cut short, *body* is empty and the status stands.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Call:
    """One request under way, seen by the connection that carries it."""

    deadline: deadline.Deadline
    connect_seconds: float
    idle_seconds_max: float
    written: bool = False


_CALL: ContextVar[_Call] = ContextVar("call")


class _NotConnected(urllib3.exceptions.HTTPError):
    """No connection came about, for the reason given."""


class _Answer(http.client.HTTPResponse):
    """An answer that is read within the time left for the call: status line, headers and body."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp.close()
        self.fp = deadline.bounded_reader(sock, _CALL.get().deadline.left)


class _Bounded(HTTPConnection):
    """A connection that keeps to the call's deadline and notes the first byte written."""

    response_class = _Answer
    used_at = 0.0

    def _new_conn(self) -> socket.socket:
        call = _CALL.get()
        try:
            return deadline.connect(self.host, self.port, min(call.connect_seconds, call.deadline.left()))
        except OSError as error:
            # urllib3 takes a reset for one in the middle of writing, and would go on to read the answer.
            raise _NotConnected(error) from None

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use this connection again; one that was idle for long may be about to be closed."""
        return super().is_connected and clock.monotonic() - self.used_at < _CALL.get().idle_seconds_max

    def send(self, data: Any) -> None:  # noqa: ANN401 - the signature of the class above
        """Write *data* within the time left for the call."""
        call = _CALL.get()
        for piece in deadline.slices(bytes(data)):
            if self.sock is None:
                if call.written:
                    raise ConnectionAbortedError("the connection was lost between two parts of the request")
                self.connect()
            self.sock.settimeout(call.deadline.left())
            call.written = True
            super().send(piece)
        self.used_at = clock.monotonic()


class _BoundedTls(_Bounded, HTTPSConnection):
    """The same over TLS; certificates are checked against the system's."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Bounded


class _PoolTls(urllib3.HTTPSConnectionPool):
    ConnectionCls = _BoundedTls


class Transport:
    """A pool of connections for requests of at most *request_seconds*, of which *connect_seconds* for a new connection.

    A connection that was idle for *idle_seconds_max* is not used again: a server closes idle ones, and a request that
    meets the closing has an uncertain fate. Build it after a fork, never before.
    """

    def __init__(self, *, request_seconds: float, connect_seconds: float, idle_seconds_max: float) -> None:
        self._request_seconds = request_seconds
        self._connect_seconds = connect_seconds
        self._idle_seconds_max = idle_seconds_max
        self._pools = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=connect_seconds, total=request_seconds))
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTls}

    def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Make the request once and return the answer; `NothingSent` or `MayHaveArrived` when there is none."""
        call = _Call(deadline.Deadline(self._request_seconds), self._connect_seconds, self._idle_seconds_max)
        token = _CALL.set(call)
        try:
            response = self._pools.request(
                method, url, body=body, headers=dict(headers), retries=False, redirect=False, preload_content=False
            )
            reply = Reply(response.status, response.headers, _body_of(response))
        except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            raise (MayHaveArrived if call.written else NothingSent)(_named(error)) from None
        finally:
            _CALL.reset(token)
        if reply.status < 200:
            # The real answer to this request would be read as the answer to the next one.
            self.close()
            raise MayHaveArrived(f"the answer began with {reply.status} and did not end")
        return reply

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        self._pools.clear()


def _body_of(response: urllib3.BaseHTTPResponse) -> bytes:
    """Return the body, empty when it does not arrive whole; the connection goes back to the pool only when it does."""
    try:
        body = response.read(ANSWER_BYTES_MAX)
        # A chunked answer ends with a chunk of its own, which only a further read takes off the connection.
        complete = not response.read(1)
    except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError):
        body, complete = b"", False
    if not complete:
        response.close()
    response.release_conn()
    return body


def _named(error: Exception) -> str:
    """Return what went wrong in a few words: the innermost cause that the library wraps."""
    inner: object = error
    while isinstance(inner, Exception) and inner.args and isinstance(inner.args[-1], Exception):
        inner = inner.args[-1]
    return f"{type(inner).__name__}: {inner}"
