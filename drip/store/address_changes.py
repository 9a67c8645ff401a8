"""New addresses that nobody has confirmed yet, and moving a subscriber to one that was."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.store.tables import address_changes as table
from drip.store.tables import subscribers

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from drip.core.enrollment import Enrollment

MOVED = "moved"
"""How the record of consents calls a change of address."""


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A wish to have letters at another address."""

    id: int
    public_id: str
    subscriber_id: int
    enrollment_id: int
    address: str
    address_key: str
    asked_at: datetime


def replace(connection: Connection, person: Enrollment, *, address: str, address_key: str, now: datetime) -> str:
    """Store the new address that a locked *person* wants, in place of any before, and return the change's public id."""
    connection.execute(table.delete().where(table.c.subscriber_id == person.subscriber_id))
    values = {"subscriber_id": person.subscriber_id, "enrollment_id": person.id, "address": address, "address_key": address_key}
    made = table.insert().values(public_id=secrets.token_urlsafe(12), asked_at=now, **values).returning(table.c.public_id)
    return str(connection.execute(made).scalar_one())


def find(connection: Connection, public_id: str) -> AddressChange | None:
    """Return the change that links call *public_id*; None once it was made, replaced or forgotten."""
    row = connection.execute(sa.select(table).where(table.c.public_id == public_id)).first()
    return None if row is None else AddressChange(*row)


def move(connection: Connection, change: AddressChange) -> None:
    """Give the locked subscriber the new address, and forget the wish for it; her old address is kept nowhere."""
    connection.execute(
        subscribers.update()
        .where(subscribers.c.id == change.subscriber_id)
        .values(address=change.address, address_key=change.address_key)
    )
    connection.execute(table.delete().where(table.c.subscriber_id == change.subscriber_id))


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Delete changes that were asked for earlier than *before* (machine time), at most *limit*, and return how many."""
    old = sa.select(table.c.id).where(table.c.asked_at < before).order_by(table.c.id).limit(limit)
    return connection.execute(table.delete().where(table.c.id.in_(old))).rowcount
