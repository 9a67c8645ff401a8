"""Listings: many people at once, a page at a time, for an operator who looks through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from drip.core.delivery import IN_MAILBOX
from drip.store.session import among
from drip.store.tables import deliveries, enrollments, subscribers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy.engine import Connection


class Listed(NamedTuple):
    """One enrollment as a list shows it; *address* is None while she is being erased."""

    id: int
    course: str
    state: str
    paused: str
    zone: str
    next_lesson: str | None
    next_letter_on: date | None
    created_at: datetime
    address: str | None


class Recipient(NamedTuple):
    """One copy of a letter that went, or may have gone, and to whom."""

    delivery: int
    enrollment: int
    version_id: int
    kind: str
    short: bool
    state: str
    outcome: str | None
    went_on: date | None
    standing: str
    address: str | None


def people(connection: Connection, *, course: str, state: str, after: int, limit: int) -> list[Listed]:
    """Return a page of enrollments whose ids come after *after*, in their order; '' for any *course* or *state*."""
    own = (enrollments.c[name] for name in Listed._fields[:-1])
    query = sa.select(*own, subscribers.c.address).join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    query = query.where(enrollments.c.id > after)
    if course:
        query = query.where(enrollments.c.course == course)
    if state:
        query = query.where(enrollments.c.state == state)
    return [Listed._make(row) for row in connection.execute(query.order_by(enrollments.c.id).limit(limit))]


def _had(course: str, letter: str) -> tuple[sa.ColumnElement[bool], ...]:
    states = [state.value for state in IN_MAILBOX]
    return deliveries.c.course == course, deliveries.c.letter == letter, deliveries.c.state.in_(states)


def versions_had(connection: Connection, course: str, letter: str) -> list[int]:
    """Return the versions in which a letter, by its first id, went or may have gone to anybody."""
    query = sa.select(deliveries.c.version_id).where(*_had(course, letter)).distinct()
    return sorted(connection.execute(query).scalars())


def copies(connection: Connection, course: str, letter: str, versions: Iterable[int]) -> tuple[int, int, int]:
    """Return how many copies of a letter in *versions* went, how many of them are in doubt, and to how many people."""
    doubt = sa.func.sum(sa.case((deliveries.c.state == "uncertain", 1), else_=0))
    query = sa.select(sa.func.count(), doubt, sa.func.count(sa.distinct(deliveries.c.subscriber_id)))
    row = connection.execute(query.where(*_had(course, letter), among(deliveries.c.version_id, versions))).one()
    return int(row[0]), int(row[1] or 0), int(row[2])


def recipients(
    connection: Connection, course: str, letter: str, versions: Iterable[int], *, after: int, limit: int
) -> list[Recipient]:
    """Return a page of the copies of a letter in *versions* whose delivery ids come after *after*, in their order."""
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.enrollment_id,
            deliveries.c.version_id,
            deliveries.c.kind,
            deliveries.c.short,
            deliveries.c.state,
            deliveries.c.outcome,
            deliveries.c.went_on,
            enrollments.c.state,
            subscribers.c.address,
        )
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(*_had(course, letter), among(deliveries.c.version_id, versions), deliveries.c.id > after)
    )
    return [Recipient._make(row) for row in connection.execute(query.order_by(deliveries.c.id).limit(limit))]
