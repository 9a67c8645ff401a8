"""Batches: which deliveries go in one request, and when a worker was last hinted at them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa

from drip.core.delivery import State
from drip.store.session import among
from drip.store.tables import IS_OPEN, batches, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from drip.store.deliveries import Member

HINT_AGAIN_SECONDS = 10.0
HINT_AGAIN_SECONDS_MAX = 300.0
CLAIMS_MAX = 5
"""Claims without a result after which a delivery goes alone; one more alone, and it is parked."""

Group = tuple[dict[str, Any], list[int]]
"""What deliveries that are about to be opened say alike, and the enrollments for which they are."""

_ONE_REQUEST = ("course", "letter", "version_id", "short", "resumed", "kind", "country")
"""In what all deliveries of a batch agree."""


def new_id() -> str:
    """Return the id of a new batch."""
    return uuid4().hex


def group(members: Iterable[Member], size: int) -> list[list[Member]]:
    """Return *members* in batches: one letter, version, length, kind and country each, nobody twice, at most *size*.

    A delivery that may be killing workers goes alone.
    """
    done: list[list[Member]] = []
    current: dict[tuple[object, ...], tuple[list[Member], set[int]]] = {}
    for member in members:
        if member.claims >= CLAIMS_MAX:
            done.append([member])
            continue
        key = tuple([getattr(member, name) for name in _ONE_REQUEST])
        batch, people = current.setdefault(key, ([], set()))
        if len(batch) >= size or member.subscriber_id in people:
            done.append(batch)
            batch, people = current[key] = ([], set())
        batch.append(member)
        people.add(member.subscriber_id)
    return done + [batch for batch, _ in current.values() if batch]


def add(
    connection: Connection, members: Sequence[int], now: datetime, *, batch_id: str | None = None, probe: bool = False
) -> str:
    """Store a batch of pending deliveries as hinted at now, and return its id."""
    batch_id = batch_id or new_id()
    connection.execute(
        batches.insert().values(id=batch_id, size=len(members), made_at=now, published_at=now, publishes=1, probe=probe)
    )
    connection.execute(
        deliveries.update()
        .where(among(deliveries.c.id, members), deliveries.c.state == State.PENDING.value)
        .values(batch_id=batch_id)
    )
    return batch_id


def cut(groups: Iterable[Group], size: int) -> list[Group]:
    """Return *groups* cut so that each says the batch into which it is opened: at most *size*, alike as in `group`.

    Nobody may stand in them twice for one letter.
    """
    done: list[Group] = []
    filling: dict[tuple[object, ...], tuple[str, int]] = {}
    for facts, ids in groups:
        key = tuple([facts[name] for name in _ONE_REQUEST])
        left = ids
        while left:
            batch_id, room = filling.get(key, ("", 0))
            if room == 0:
                batch_id, room = new_id(), size
            done.append(({**facts, "batch_id": batch_id}, left[:room]))
            filling[key] = (batch_id, max(0, room - len(left)))
            left = left[room:]
    return done


def add_many(connection: Connection, groups: Iterable[Group], now: datetime) -> list[str]:
    """Store the batches that *groups* name (see `cut`) as hinted at now, and return their ids."""
    sizes: dict[str, int] = {}
    for facts, ids in groups:
        sizes[facts["batch_id"]] = sizes.get(facts["batch_id"], 0) + len(ids)
    hinted = {"made_at": now, "published_at": now, "publishes": 1, "probe": False}
    if sizes:
        connection.execute(batches.insert(), [{"id": batch_id, "size": size, **hinted} for batch_id, size in sizes.items()])
    return list(sizes)


def unanswered(
    connection: Connection, now: datetime, calendar: datetime, *, since: datetime | None = None, only: str | None = None
) -> list[str]:
    """Return the batches that still wait for a worker long after the last hint, and note a new hint for each.

    The waits double, so that a long queue is not filled with hints about itself. A hint from before *since* does not
    count: the sender was closed then, and whoever heard it turned it down. *only* asks about one batch alone.
    """
    latest = now - timedelta(seconds=HINT_AGAIN_SECONDS)
    waits = sa.exists().where(
        IS_OPEN,
        deliveries.c.batch_id == batches.c.id,
        deliveries.c.state == State.PENDING.value,
        deliveries.c.blocked.is_(False),
        deliveries.c.not_before <= calendar,
    )
    # Ticks at the same time share them out, and never wait for each other in a ring.
    query = (
        sa.select(batches.c.id, batches.c.published_at, batches.c.publishes)
        .where(batches.c.published_at < (latest if since is None else max(latest, since)), waits)
        .order_by(batches.c.id)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(query if only is None else query.where(batches.c.id == only)).all()
    again = [
        row.id
        for row in rows
        if (since is not None and row.published_at < since)
        or now - row.published_at
        >= timedelta(seconds=min(HINT_AGAIN_SECONDS * 2 ** min(row.publishes - 1, 10), HINT_AGAIN_SECONDS_MAX))
    ]
    if again:
        connection.execute(
            batches.update().where(batches.c.id.in_(again)).values(published_at=now, publishes=batches.c.publishes + 1)
        )
    return again


def waiting(connection: Connection, calendar: datetime) -> int:
    """Return how many pending deliveries stand in a batch and wait for a worker."""
    return int(
        connection.execute(
            sa.select(sa.func.count())
            .select_from(deliveries)
            .where(
                IS_OPEN,
                # Whatever is in a batch is due; saying so finds the few by their index, and no table is read.
                deliveries.c.not_before <= calendar,
                deliveries.c.batch_id.is_not(None),
                deliveries.c.state == State.PENDING.value,
            )
        ).scalar_one()
    )


def forget_answered(connection: Connection, before: datetime) -> None:
    """Delete batches made *before* that instant in which nothing is open."""
    open_member = sa.exists().where(
        deliveries.c.batch_id == batches.c.id,
        IS_OPEN,
    )
    connection.execute(batches.delete().where(batches.c.made_at < before, ~open_member))


def is_open(connection: Connection, batch_id: str) -> bool:
    """Whether anything of a batch still waits for its result."""
    query = sa.select(deliveries.c.id).where(
        deliveries.c.batch_id == batch_id,
        IS_OPEN,
        deliveries.c.blocked.is_(False),
    )
    return connection.execute(query.limit(1)).first() is not None
