"""A bound on the whole of one conversation with a server, whatever that server does; both doors stand on it.

A socket's own timeout counts from the last byte, so a server that drips one byte a second is never late. Here each read
and each write gets what is left of the whole.
"""

from __future__ import annotations

import io
import socket
import threading
from typing import TYPE_CHECKING

from drip import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import WriteableBuffer

SLICE_BYTES = 16_384
"""One TLS record: the most that is written under one look at the clock."""


class Deadline:
    """An instant on the clock that never jumps, *seconds* from now."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = clock.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that remain, always more than 0; `TimeoutError` when none do."""
        seconds = self._ends_at - clock.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for this request is over")
        return seconds


class _BoundedReads(io.RawIOBase):
    """Reads from *sock*, each for at most *left()* seconds."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        super().__init__()
        self._sock = sock
        self._left = left
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Return true: this is what it is for."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Fill *buffer* with what comes within the time that is left; `TimeoutError` when nothing does."""
        self._sock.settimeout(self._left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Give the socket back."""
        self._file.close()
        super().close()


def bounded_reader(sock: socket.socket, left: Callable[[], float]) -> io.BufferedReader:
    """Return a file that reads from *sock* and raises `TimeoutError` as soon as `left` does."""
    return io.BufferedReader(_BoundedReads(sock, left))


def slices(data: bytes) -> Iterator[bytes]:
    """Return *data* in pieces that are small enough to be written under one timeout each."""
    return (data[start : start + SLICE_BYTES] for start in range(0, len(data), SLICE_BYTES))


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Return a connected TCP socket within *seconds*, looking the name up included; `OSError` when that fails.

    The socket's timeout is what is left of *seconds*, so that a TLS handshake after it is bounded too.
    """
    deadline = Deadline(seconds)
    addresses = _addresses(host, port, deadline.left())
    trouble: OSError = OSError("the name has no address")
    for place, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            # A dead first address (IPv6 without a route) must leave time for the next one.
            sock.settimeout(deadline.left() / (len(addresses) - place))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            sock.settimeout(deadline.left())
        except OSError as error:
            sock.close()
            trouble = error
        else:
            return sock
    raise trouble


_Found = list[
    tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
]


def _addresses(host: str, port: int, seconds: float) -> _Found:
    """Return what the resolver says within *seconds*; it has no timeout of its own, so it gets a thread."""
    found: _Found = []
    trouble: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            trouble.append(error)
        except UnicodeError:
            trouble.append(OSError("this is no host name"))

    thread = threading.Thread(target=look_up, name="drip-look-up", daemon=True)
    thread.start()
    thread.join(seconds)
    if trouble:
        raise trouble[0]
    if not found:
        raise TimeoutError("looking the server's name up took too long")
    return list(found)
