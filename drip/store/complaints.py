"""Complaints: which letters were reported as spam, by the day on which they went, since everything was last released."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.complaint import Complaints, worst
from drip.store import deliveries, stamps, subscribers, tallies
from drip.store.tables import courses, events

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.engine import Connection

    from drip.clock import Now

RELEASED = "released"
"""The heartbeat of the last release: what was reported before it is settled."""

_IS_COMPLAINT = sa.text("outcome = 'complained'")
"""Spelled out, so that the partial index serves."""

_WHO = sa.func.coalesce(events.c.delivery, events.c.address_key)


def settle(connection: Connection, now: Now) -> None:
    """Note that an operator released: the complaints up to now hold nothing any more."""
    stamps.beat(connection, RELEASED, now)


def too_many(connection: Connection, machine: datetime) -> Complaints | None:
    """Return the worst of the days whose letters had too many complaints; None when none had.

    A reader counts once for a day, and on the day on which her letter went, however late, often and of how many letters.
    """
    released = stamps.last_beat(connection, RELEASED)
    # As long as the days are known of which they are a share.
    since = max(machine - tallies.KEPT, released.machine_at if released else datetime.min.replace(tzinfo=UTC))
    days = _days(connection, since)
    return worst(days, {day: tallies.on_machine_day(connection, day) for day in set(days)})


def keep_courses(connection: Connection) -> bool:
    """Lock every course until the transaction ends, and return whether one of them is not held."""
    rows = connection.execute(sa.select(courses.c.id, courses.c.held_at).order_by(courses.c.id).with_for_update()).all()
    return any(row.held_at is None for row in rows)


def any_course_goes(connection: Connection) -> bool:
    """Whether any course is not held."""
    return connection.execute(sa.select(courses.c.id).where(courses.c.held_at.is_(None)).limit(1)).first() is not None


def _days(connection: Connection, since: datetime) -> list[date]:
    """Return for each reader the days of the machine's clock of whose letters she first reported one as spam after *since*."""
    # A letter of which a copy of the report comes again was settled with the first.
    fresh = connection.execute(
        sa.select(events.c.delivery, events.c.address_key, events.c.received_at)
        .where(_IS_COMPLAINT, events.c.received_at > since, events.c.worked_at.is_not(None))
        .order_by(events.c.received_at, events.c.id)
    ).all()
    if not fresh:
        return []
    named = {row.delivery for row in fresh if row.delivery}
    known_before = set(
        connection.execute(
            sa.select(_WHO)
            .where(_IS_COMPLAINT, events.c.received_at <= since)
            .where(_WHO.in_({row.delivery or row.address_key or "" for row in fresh}))
        ).scalars()
    )
    ours = deliveries.find_reported(connection, named)
    people = subscribers.find_by_keys(connection, {row.address_key for row in fresh if row.address_key and not row.delivery})
    # Whoever reports every letter that she got on a day is one reader: alone she must not stop everybody's.
    found: set[tuple[int, date]] = set()
    seen: set[str] = set()
    for row in fresh:
        who = row.delivery or row.address_key
        if not who or who in known_before or who in seen:
            continue
        seen.add(who)
        if row.delivery in ours:
            found.add((ours[row.delivery].subscriber_id, ours[row.delivery].state_at.date()))
        elif not row.delivery and who in people:
            # Which letter is not known: one of the day on which it was reported.
            found.add((people[who], row.received_at.date()))
    return [day for _, day in found]
