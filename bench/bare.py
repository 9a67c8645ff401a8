"""The reference: how fast the engine's own request bodies go to the same sink, with nothing else done."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drip.mail.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEADERS = {"Authorization": "Bearer SG.bench", "Content-Type": "application/json", "Accept": "application/json"}
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Rates:
    """Letters per second: *posted* as bytes that lie ready, *encoded* from values that lie ready (JSON, then the same).

    *unread* is *posted* to a sink that throws the bytes away.
    """

    posted: float
    encoded: float
    unread: float


class Line:
    """A pooled connection to the sink, as the engine's door has one."""

    def __init__(self, sink: str) -> None:
        self._sink = sink
        self._transport = Transport(request_seconds=20.0, connect_seconds=5.0, idle_seconds_max=4.0)

    def ask(self, path: str) -> bytes:
        """Return the answer to a control request."""
        return self._transport.request("GET", f"{self._sink}{path}", headers={}, body=None).body

    def figures(self) -> dict[str, int]:
        """Return what the sink has counted of the engine."""
        found: dict[str, int] = json.loads(self.ask("/figures"))
        return found

    def post(self, body: bytes, path: str = "/bare") -> None:
        """Post one body to the place where the sink counts the reference, or to another *path*."""
        reply = self._transport.request("POST", f"{self._sink}{path}", headers=HEADERS, body=body)
        if reply.status != 202:
            raise OSError(f"the sink answered {reply.status}")

    def bodies(self) -> list[bytes]:
        """Return the first bodies that the engine posted, for as long as the sink keeps them."""
        found: list[bytes] = []
        while body := self._body(len(found)):
            found.append(body)
        return found

    def _body(self, place: int) -> bytes:
        """Return one body, in pieces: an answer of the provider is never long, so the client reads no more of it."""
        parts: list[bytes] = []
        while part := self.ask(f"/body/{place}/{len(parts)}"):
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        """Give the connection back."""
        self._transport.close()


def sample(line: Line, bodies: Sequence[bytes]) -> Rates:
    """Measure once: the very bytes, and the very values."""
    values = [json.loads(body) for body in bodies]
    letters = statistics.mean(len(value["personalizations"]) for value in values)
    return Rates(
        posted=letters * _per_second(line.post, bodies),
        encoded=letters * _per_second(lambda value: line.post(json.dumps(value).encode()), values),
        unread=letters * _per_second(lambda body: line.post(body, "/bytes"), bodies),
    )


def _per_second(post: Callable[[Any], None], requests: Sequence[object]) -> float:
    for request in requests:
        post(request)
    done, begun = 0, time.perf_counter()
    while (seconds := time.perf_counter() - begun) < SAMPLE_SECONDS:
        for request in requests:
            post(request)
        done += len(requests)
    return done / seconds
