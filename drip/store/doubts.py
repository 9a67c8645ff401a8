"""Doubts: deliveries of which nobody knows whether the provider took them, and how an operator settles one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from drip.core.delivery import IN_MAILBOX, Kind, State
from drip.store.tables import deliveries

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.engine import Connection

    from drip.core.timing import Slot
    from drip.store.deliveries import Delivery

SETTLED = "settled"
"""The reason of what an operator called submitted."""


class Doubt(NamedTuple):
    """A delivery in doubt with its evidence; `state_at` is machine time."""

    id: int
    nonce: str
    enrollment_id: int
    course: str
    letter: str
    occasion: str
    kind: str
    version_id: int
    went_on: date | None
    state_at: datetime
    detail: str
    outcome: str | None
    message_id: str | None

    @property
    def public_id(self) -> str:
        """The opaque id that the provider keeps."""
        return f"{self.id}-{self.nonce}"


def page(connection: Connection, after: int, limit: int) -> list[Doubt]:
    """Return deliveries in doubt whose ids come after *after*, in their order."""
    columns = (deliveries.c[name] for name in Doubt._fields)
    query = sa.select(*columns).where(deliveries.c.state == State.UNCERTAIN.value, deliveries.c.id > after)
    return [Doubt._make(row) for row in connection.execute(query.order_by(deliveries.c.id).limit(limit))]


def find(connection: Connection, delivery_id: int) -> Doubt | None:
    """Return a delivery with its evidence if it is in doubt."""
    columns = (deliveries.c[name] for name in Doubt._fields)
    query = sa.select(*columns).where(deliveries.c.id == delivery_id, deliveries.c.state == State.UNCERTAIN.value)
    row = connection.execute(query).first()
    return None if row is None else Doubt._make(row)


def take(connection: Connection, delivery_id: int, *, detail: str, now: datetime) -> bool:
    """Turn a delivery in doubt into submitted because an operator knows that it was taken; False when it is in doubt no more."""
    return _settle(connection, delivery_id, state=State.SUBMITTED.value, reason=SETTLED, detail=detail, state_at=now)


def reopen(
    connection: Connection,
    delivery_id: int,
    slot: Slot | None,
    *,
    not_before: datetime | None,
    resumed: bool,
    detail: str,
    now: datetime,
) -> bool:
    """Let a delivery in doubt wait to go once more; False when it is in doubt no more, or the provider has spoken of it.

    It is the same row under the same id, so that no occasion has two, and a report that comes late still finds it. A
    lesson takes its *slot* (None: it waits without a date); any other letter goes from *not_before* on.
    """
    dates = {} if slot is None else {"meant_on": slot.meant_on, "letter_on": slot.letter_on}
    return _settle(
        connection,
        delivery_id,
        deliveries.c.outcome.is_(None),
        state=State.PENDING.value,
        reason="",
        detail=detail,
        state_at=now,
        not_before=not_before if slot is None else slot.due_at,
        closes_at=None if slot is None else slot.closes_at,
        resumed=resumed,
        asked=False,
        went_on=None,
        owner=None,
        token=None,
        batch_id=None,
        message_id=None,
        claims=0,
        **dates,
    )


def _settle(connection: Connection, delivery_id: int, *more: sa.ColumnElement[bool], **values: object) -> bool:
    in_doubt = (deliveries.c.id == delivery_id, deliveries.c.state == State.UNCERTAIN.value)
    return connection.execute(deliveries.update().where(*in_doubt, *more).values(**values)).rowcount == 1


def has_newer(connection: Connection, delivery: Delivery) -> bool:
    """Return whether the same letter was opened for the same person once more since."""
    query = sa.select(deliveries.c.id).where(
        deliveries.c.subscriber_id == delivery.subscriber_id,
        deliveries.c.course == delivery.course,
        deliveries.c.letter == delivery.letter,
        deliveries.c.id > delivery.id,
    )
    return connection.execute(query.limit(1)).first() is not None


def last_letter_on(connection: Connection, delivery: Delivery) -> date | None:
    """Return the local date of the last scheduled letter that went, or may have gone, to a person beside this one."""
    query = sa.select(sa.func.max(deliveries.c.went_on)).where(
        deliveries.c.enrollment_id == delivery.enrollment_id,
        deliveries.c.kind == Kind.LESSON.value,
        deliveries.c.state.in_([state.value for state in IN_MAILBOX]),
        deliveries.c.id != delivery.id,
    )
    return connection.execute(query).scalar()
