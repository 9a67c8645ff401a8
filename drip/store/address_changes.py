"""New addresses that nobody has confirmed yet, and moving a subscriber to one that was."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.delivery import ADDRESS_CHANGE, IN_MAILBOX, State
from drip.store import chores
from drip.store.tables import address_changes as table
from drip.store.tables import deliveries, subscribers

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from drip.core.enrollment import Enrollment
    from drip.store.subscribers import Subscriber

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


def take_back(connection: Connection, subscriber_id: int) -> list[AddressChange]:
    """Delete what a locked subscriber asked, and return those of it whose letter went to an address of nobody else here."""
    went = (
        sa.exists()
        .where(
            deliveries.c.subscriber_id == subscriber_id,
            deliveries.c.letter == ADDRESS_CHANGE,
            deliveries.c.occasion == sa.literal("change:") + table.c.public_id,
            deliveries.c.state.in_([State.SUBMITTING.value, *(one.value for one in IN_MAILBOX)]),
        )
        .correlate(table)
    )
    other = sa.exists().where(subscribers.c.address_key == table.c.address_key).correlate(table)
    rows = connection.execute(sa.select(table).where(table.c.subscriber_id == subscriber_id, went, ~other).order_by(table.c.id))
    found = [AddressChange(*row) for row in rows]
    connection.execute(table.delete().where(table.c.subscriber_id == subscriber_id))
    return found


def move(connection: Connection, change: AddressChange, old: Subscriber, now: datetime) -> None:
    """Give the locked subscriber *old* the new address, and forget the wish for it; *now* is machine time.

    Her old address is kept nowhere, but where the provider is still to be told to erase it. That names nobody: she stays.
    """
    chores.drop(connection, chores.CLEAR, old.address_key)
    chores.drop_clearings(connection, [old.id])
    chores.drop_moved(connection, change.address_key)
    if old.address is not None:
        chores.rename(connection, chores.ERASE, old.address_key, secrets.token_hex(32))
        chores.ask(
            connection,
            chores.ERASE,
            address=old.address,
            address_key=old.address_key,
            subscriber_id=None,
            reason=chores.MOVED,
            now=now,
        )
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
