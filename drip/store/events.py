"""What the provider reported, kept to the fields we need and worked off in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.store.session import add_new
from drip.store.tables import events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Event:
    """One stored report; *address_key* stands in where the provider left out our delivery id."""

    id: int
    delivery: str | None
    address_key: str | None
    kind: str
    outcome: str | None
    suppress: str | None
    at: datetime | None
    received_at: datetime


def store(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store reports that are not known yet, and return how many were new; each row has the unique `key`."""
    unique = {row["key"]: dict(row) for row in rows}
    known: set[str] = set()
    keys = list(unique)
    for start in range(0, len(keys), 500):
        page = keys[start : start + 500]
        known.update(connection.execute(sa.select(events.c.key).where(events.c.key.in_(page))).scalars())
    new = [row for key, row in unique.items() if key not in known]
    # The provider may call twice at once with the same reports.
    return sum(add_new(connection, events, new[start : start + 500]) for start in range(0, len(new), 500))


def unworked(connection: Connection, limit: int) -> list[Event]:
    """Return a page of reports that nothing was made of yet, oldest first; other workers skip it on PostgreSQL."""
    query = (
        sa.select(*(events.c[name] for name in Event.__dataclass_fields__))
        .where(events.c.worked_at.is_(None))
        .order_by(events.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Event(*row) for row in connection.execute(query)]


def count_unworked(connection: Connection) -> int:
    """Return how many reports wait to be worked off."""
    return int(
        connection.execute(sa.select(sa.func.count()).select_from(events).where(events.c.worked_at.is_(None))).scalar_one()
    )


def waits_for(connection: Connection, public_id: str) -> bool:
    """Return whether a report that names this delivery waits to be worked off."""
    query = sa.select(events.c.id).where(events.c.worked_at.is_(None), events.c.delivery == public_id)
    return connection.execute(query.limit(1)).first() is not None


def mark_worked(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Note that these reports are done with."""
    connection.execute(events.update().where(events.c.id.in_(ids)).values(worked_at=now))
