"""Everything that is held about one subscriber, in any table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.core.holding import ABOUT
from drip.store.tables import askings, deliveries, enrollments, events, metadata, omissions, subscribers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from drip.store.subscribers import Subscriber


def of(connection: Connection, person: Subscriber) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows about a subscriber by table, oldest first, with the columns that `core.holding` shows."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for name, labels in ABOUT.items():
        table = metadata.tables[name]
        query = (
            sa.select(*(table.c[column] for column in labels)).where(_hers(table, person)).order_by(*table.primary_key.columns)
        )
        found[name] = [dict(row) for row in connection.execute(query).mappings()]
    return found


def _hers(table: sa.Table, person: Subscriber) -> sa.ColumnElement[bool]:
    """Return the condition that a row of *table* is about this subscriber."""
    if table is subscribers:
        return table.c.id == person.id
    if table in {omissions, askings}:
        hers = sa.select(enrollments.c.id).where(enrollments.c.subscriber_id == person.id)
        return table.c.enrollment_id.in_(hers)
    if table is events:
        ours = sa.cast(deliveries.c.id, sa.Text()) + sa.literal("-") + deliveries.c.nonce
        hers = sa.select(ours).where(deliveries.c.subscriber_id == person.id)
        return sa.or_(table.c.delivery.in_(hers), table.c.address_key == person.address_key)
    if "subscriber_id" in table.c:
        return table.c.subscriber_id == person.id
    if "address_key" in table.c:
        return table.c.address_key == person.address_key
    # A form holds what was typed: whose it is, nobody has looked up yet.
    return sa.func.lower(table.c.address) == (person.address or "").lower()
