"""How many letters an hour may leave, shared by all workers through Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from limits import RateLimitItemPerHour
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger("drip.rates")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a course may have: *per_hour* now, of which the database counts *went* in this hour of the clock.

    *ahead* is by how many seconds the sandbox's calendar has been moved: the hours that it passed over are over.
    """

    per_hour: int
    went: int = 0
    ahead: int = 0


class _Hourly(RateLimitItemPerHour):
    """A limit that counts under the course alone: an applied edit of the limit must not begin to count anew."""

    def key_for(self, *identifiers: bytes | str | float) -> str:
        """Return the key of the count, without the limit itself."""
        return "/".join([self.namespace, *map(str, identifiers), "hour"])


class Rates:
    """Grants letters within each course's limit, over a moving hour of the machine's clock.

    What the database counted in this hour bounds it once more: a Redis that was lost and comes back empty grants no second
    hour's letters.
    """

    def __init__(self, storage_url: str, allowed: Callable[[str], Allowance | None], *, namespace: str = "drip") -> None:
        """Count in the Redis at *storage_url*; *allowed* tells a course's limit, None for none."""
        self._storage_url = storage_url
        self._allowed = allowed
        self._namespace = namespace
        self._limiter: MovingWindowRateLimiter | None = None

    def granted(self, course: str, wanted: int) -> int:
        """Return how many of *wanted* letters may leave now, and count them; 0 while Redis does not answer."""
        limit = self._allowed(course)
        if limit is None:
            return wanted
        wanted = min(wanted, limit.per_hour - limit.went)
        if wanted <= 0:
            return 0
        try:
            name = (course, f"+{limit.ahead}") if limit.ahead else (course,)
            return self._take(_Hourly(limit.per_hour, namespace=self._namespace), name, wanted)
        except Exception as trouble:  # noqa: BLE001 - each storage has errors of its own
            # Any trouble of a storage of any kind: the letters wait, they are not lost.
            log.warning("rate-unknown", why=type(trouble).__name__)
            return 0

    def _take(self, item: RateLimitItemPerHour, name: tuple[str, ...], wanted: int) -> int:
        limiter = self._opened()
        while (left := min(wanted, limiter.get_window_stats(item, *name).remaining)) > 0:
            # Another worker may have taken some since: then there are fewer left, and one looks again.
            if limiter.hit(item, *name, cost=left):
                return int(left)
        return 0

    def _opened(self) -> MovingWindowRateLimiter:
        if self._limiter is None:
            self._limiter = MovingWindowRateLimiter(storage_from_string(self._storage_url))
        return self._limiter


def storage_url(redis_url: str) -> str:
    """Return a Redis address as `limits` spells it, from the one that Celery uses."""
    if redis_url.startswith("redis+socket://"):
        path, _, query = redis_url.removeprefix("redis+socket://").partition("?")
        number = next((part.partition("=")[2] for part in query.split("&") if part.startswith("virtual_host=")), "0")
        return f"redis+unix://{path}?db={number}"
    return redis_url
