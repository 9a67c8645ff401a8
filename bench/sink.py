"""The sink: stands where the provider stands, in a process of its own, and does the least that a provider can.

It reads each request before it accepts it: the JSON, and in it the delivery id of every person, which must not have come
before. Then it answers 202 with an `X-Message-Id`, and that is all. Run as `python -m bench.sink`; it prints its port and
ends when its standard input does. Posts to `/bare` cost the same and are counted apart; posts to `/bytes` are thrown away
unread. Control requests: `GET /figures`, and `GET /body/N/P` (piece P of the N-th body of those kept).
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from dataclasses import dataclass, field
from uuid import uuid4

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
BODIES_KEPT = 8
PIECE_BYTES = 500_000


@dataclass(slots=True)
class Figures:
    """What came in; *ids* holds every delivery id once."""

    requests: int = 0
    size: int = 0
    letters: int = 0
    ids: set[str] = field(default_factory=set)
    bodies: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> None:
        """Count one request."""
        found = [person["custom_args"]["drip_delivery"] for person in json.loads(body)["personalizations"]]
        with self.lock:
            self.requests += 1
            self.size += len(body)
            self.letters += len(found)
            self.ids.update(found)
            if len(self.bodies) < BODIES_KEPT:
                self.bodies.append(body)

    def told(self) -> bytes:
        """Return the figures as JSON; a duplicate is a letter whose delivery id had come before."""
        with self.lock:
            duplicates = self.letters - len(self.ids)
            figures = {"requests": self.requests, "bytes": self.size, "letters": self.letters, "duplicates": duplicates}
        return json.dumps(figures).encode()


@dataclass(frozen=True, slots=True)
class Desk:
    """Where requests are answered: the engine's figures, and those of the reference."""

    engine: Figures = field(default_factory=Figures)
    bare: Figures = field(default_factory=Figures)

    def answer(self, method: bytes, path: bytes, body: bytes) -> bytes:
        """Return the whole answer to a request."""
        if method == b"POST":
            if path != b"/bytes":
                (self.bare if path == b"/bare" else self.engine).take(body)
            return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: %s\r\nContent-Length: 0\r\n\r\n" % uuid4().hex.encode()
        answer = b""
        if path == b"/figures":
            answer = self.engine.told()
        elif path.startswith(b"/body/"):
            place, piece = (int(word) for word in path.removeprefix(b"/body/").split(b"/"))
            if place < len(self.engine.bodies):
                answer = self.engine.bodies[place][piece * PIECE_BYTES : (piece + 1) * PIECE_BYTES]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)


def _serve(line: socket.socket, desk: Desk) -> None:
    """Answer the requests of one connection until the other side closes it."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with line, line.makefile("rb", buffering=0) as stream:
        while True:
            head = bytearray()
            while b"\r\n\r\n" not in head:
                piece = stream.read(65_536)
                if not piece:
                    return
                head += piece
            top, _, begun = bytes(head).partition(b"\r\n\r\n")
            method, path, _ = top.split(b" ", 2)
            length = LENGTH.search(top)
            body = bytearray(int(length[1]) if length else 0)
            body[: len(begun)] = begun
            view, filled = memoryview(body), len(begun)
            while filled < len(body):
                more = stream.readinto(view[filled:])
                if not more:
                    return
                filled += more
            view.release()
            line.sendall(desk.answer(method, path, bytes(body)))


def main() -> int:
    """Listen on a free port of this machine until standard input ends."""
    desk = Desk()
    server = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept() -> None:
        while True:
            line, _ = server.accept()
            threading.Thread(target=_serve, args=[line, desk], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(server.getsockname()[1], flush=True)
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
