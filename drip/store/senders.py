"""The sender of each door: whether it is in use, backing off, probing or paused, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.delivery import Answer, Breaker, Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.store.session import add_new
from drip.store.tables import senders

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

FIRST_BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Sender:
    """The stored state of one door; *retry_at* is machine time."""

    door: str
    state: str
    reason: str
    remedy: str
    since: datetime
    retry_at: datetime | None
    failures: int
    probe_batch: str | None

    def allows(self, batch_id: str | None) -> bool:
        """Whether a request of this batch may begin."""
        return self.state == Breaker.CLOSED or (
            self.state == Breaker.PROBING and batch_id is not None and self.probe_batch == batch_id
        )


def find(connection: Connection, door: str, now: datetime) -> Sender:
    """Return the sender of *door*, made on first use."""
    row = connection.execute(sa.select(senders).where(senders.c.door == door)).first()
    if row is None:
        return Sender(door, Breaker.CLOSED.value, "", "", now, None, 0, None)
    return Sender(*row)


def ensure(connection: Connection, door: str, now: datetime) -> None:
    """Make the row of *door* unless it is there."""
    if connection.execute(sa.select(senders.c.door).where(senders.c.door == door)).first() is None:
        # It was never closed to anybody: no hint from before this moment was turned down.
        long_since = now - timedelta(days=1)
        add_new(connection, senders, [{"door": door, "state": Breaker.CLOSED.value, "since": long_since}])


def backoff_seconds(failures: int, asked: float | None = None) -> float:
    """Return how long the sender waits after so many failures in a row; what the provider *asked* for wins."""
    if asked is not None:
        return max(1.0, min(asked, 3600.0))
    return float(min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10)))


def note(connection: Connection, door: str, answer: Answer, *, batch_id: str, now: datetime, backoff_scale: float = 1.0) -> None:
    """Let *answer* act on the breaker of *door*.

    The first unknown answer opens it; certain refusals for now open it too; a refusal of the sender pauses it. Only a
    probe closes it again, so that a late success of a request that began before the trouble does not.
    """
    sender = find(connection, door, now)
    if sender.state == Breaker.PAUSED and isinstance(answer, TryLater | Unknown):
        # A request from before the pause: why the sender is paused matters more, and its probes go on.
        return
    row = senders.update().where(senders.c.door == door)
    match answer:
        case Submitted() | Refused():
            if sender.state == Breaker.PROBING and sender.probe_batch == batch_id:
                connection.execute(
                    row.values(
                        state=Breaker.CLOSED.value, reason="", remedy="", since=now, retry_at=None, failures=0, probe_batch=None
                    )
                )
        case TryLater() | Unknown():
            failures = sender.failures + 1 if sender.allows(batch_id) else max(sender.failures, 1)
            asked = answer.retry_after_seconds if isinstance(answer, TryLater) else None
            wait = timedelta(seconds=backoff_seconds(failures, asked) * (1.0 if asked is not None else backoff_scale))
            connection.execute(
                row.values(
                    state=Breaker.OPEN.value,
                    reason=answer.reason,
                    remedy="drip tries again by itself; nobody loses a letter",
                    since=now if sender.state == Breaker.CLOSED else sender.since,
                    retry_at=now + wait,
                    failures=failures,
                    probe_batch=None,
                )
            )
        case SenderRefused():
            failures = sender.failures + 1 if sender.allows(batch_id) else max(sender.failures, 1)
            wait = timedelta(seconds=backoff_seconds(failures + 3) * backoff_scale)
            connection.execute(
                row.values(
                    state=Breaker.PAUSED.value,
                    reason=answer.reason,
                    remedy=answer.remedy,
                    since=now if sender.state == Breaker.CLOSED else sender.since,
                    retry_at=now + wait,
                    failures=failures,
                    probe_batch=None,
                )
            )


def begin_probe(connection: Connection, door: str, batch_id: str, now: datetime) -> bool:
    """Let one batch of one letter try the door; False when it is not time or somebody else probes."""
    won = connection.execute(
        senders.update()
        .where(
            senders.c.door == door,
            senders.c.state.in_([Breaker.OPEN.value, Breaker.PAUSED.value]),
            sa.or_(senders.c.retry_at.is_(None), senders.c.retry_at <= now),
        )
        .values(state=Breaker.PROBING.value, probe_batch=batch_id, retry_at=now)
    )
    return won.rowcount == 1


def give_up_probe(connection: Connection, door: str, batch_id: str, now: datetime) -> None:
    """Take back a probe that came to nothing (its letter was withheld, its worker died), so that another may follow."""
    connection.execute(
        senders.update()
        .where(senders.c.door == door, senders.c.state == Breaker.PROBING.value, senders.c.probe_batch == batch_id)
        .values(state=Breaker.OPEN.value, probe_batch=None, retry_at=now)
    )


def try_again(connection: Connection, now: datetime) -> None:
    """Let every sender that backs off or is paused probe with the next tick."""
    waiting = senders.c.state.in_([Breaker.OPEN.value, Breaker.PAUSED.value])
    connection.execute(senders.update().where(waiting).values(retry_at=now))
