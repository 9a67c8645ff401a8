"""Sign-ups that nobody confirmed: forgotten, with everything that was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.enrollment import Stage
from drip.store import wishes
from drip.store.session import among, lock_rows
from drip.store.tables import address_changes, consents, deliveries, enrollments, omissions, subscribers

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Delete a page of the sign-ups that were last asked before an instant (machine time); return how many.

    A subscriber who has nothing else goes with hers, and so do wishes that could not be worked off since. The register
    of addresses that must not be mailed stays as it is.
    """
    wishes.forget(connection, before)
    people = _old(connection, before, limit)
    lock_rows(connection, subscribers, sorted({subscriber_id for _, subscriber_id in people}))
    # Read again under lock: she may have confirmed, or asked once more, at this very moment.
    still = [one for one in _old(connection, before, limit) if one in people]
    for enrollment_id, subscriber_id in still:
        _delete(connection, enrollment_id, subscriber_id)
    return len(still)


def _old(connection: Connection, before: datetime, limit: int) -> list[tuple[int, int]]:
    """Return enrollment and subscriber of sign-ups that are as old as that, with no letter since and none under way."""
    alive = sa.exists().where(
        deliveries.c.enrollment_id == enrollments.c.id,
        sa.or_(deliveries.c.created_at >= before, deliveries.c.state.in_(["claimed", "submitting"])),
    )
    query = (
        sa.select(enrollments.c.id, enrollments.c.subscriber_id)
        .where(enrollments.c.state == Stage.ASKED.value, enrollments.c.created_at < before, ~alive)
        .order_by(enrollments.c.id)
        .limit(limit)
    )
    return [(row.id, row.subscriber_id) for row in connection.execute(query)]


def _delete(connection: Connection, enrollment_id: int, subscriber_id: int) -> None:
    course = sa.select(enrollments.c.course).where(enrollments.c.id == enrollment_id).scalar_subquery()
    connection.execute(consents.delete().where(consents.c.subscriber_id == subscriber_id, consents.c.course == course))
    for table in (address_changes, omissions, deliveries):
        connection.execute(table.delete().where(table.c.enrollment_id == enrollment_id))
    connection.execute(enrollments.delete().where(enrollments.c.id == enrollment_id))
    others = sa.exists().where(enrollments.c.subscriber_id == subscriber_id)
    alone = connection.execute(sa.select(subscribers.c.id).where(among(subscribers.c.id, [subscriber_id]), ~others)).first()
    if alone is not None:
        for table in (consents, address_changes):
            connection.execute(table.delete().where(table.c.subscriber_id == subscriber_id))
        connection.execute(subscribers.delete().where(subscribers.c.id == subscriber_id))
