"""Letters that the course does not schedule: opening them for one person, once for each occasion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.delivery import Kind, State
from drip.store import deliveries, enrollments
from drip.store.tables import deliveries as table

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse


def open_letter(  # noqa: PLR0917 - a person, a letter and why
    connection: Connection,
    person: Enrollment,
    course: LiveCourse,
    letter: str,
    kind: Kind,
    occasion: str,
    now: Now,
    *,
    short: bool = False,
) -> int | None:
    """Open *letter* for a locked *person* to go as soon as it may, and return the delivery's id; None when it stands already.

    It goes at any hour and moves nothing of her course; a lesson that she asked for now is the caller's to park her at.
    """
    if deliveries.existing(connection, person.course, letter, [(person.subscriber_id, occasion)]):
        return None
    today = now.calendar.astimezone(person.rhythm(course.course).zone).date()
    row = {
        "subscriber_id": person.subscriber_id,
        "enrollment_id": person.id,
        "course": person.course,
        "letter": letter,
        "occasion": occasion,
        "kind": kind.value,
        "version_id": course.version_id,
        "short": person.short if kind is Kind.LESSON else short,
        "resumed": kind is Kind.LESSON and person.was_away(today),
        "asked": kind is Kind.LESSON,
        "country": person.country if course.course.helplines_in(person.country) else "",
        "meant_on": today,
        "letter_on": today,
        "not_before": now.calendar,
        "closes_at": None,
    }
    opened = deliveries.open_many(connection, [row], now=now.machine)
    enrollments.change(connection, person.id, {"deliveries_due": person.deliveries_due + 1})
    return opened[0]


def asked_since(connection: Connection, person: Enrollment, beginning: str, day: date) -> int:
    """Return how many letters of an occasion *beginning* so were opened for somebody on *day* of hers or after it."""
    query = sa.select(sa.func.count()).where(
        table.c.enrollment_id == person.id, table.c.occasion.startswith(beginning, autoescape=True), table.c.meant_on >= day
    )
    return int(connection.execute(query).scalar_one())


def last_asked_on(connection: Connection, person: Enrollment, letter: str) -> date | None:
    """Return the date of the newest copy of *letter* that somebody asked for and that went or is to go; None without any."""
    query = sa.select(sa.func.max(table.c.meant_on)).where(
        table.c.enrollment_id == person.id,
        table.c.letter == letter,
        table.c.kind == Kind.ASKED.value,
        ~table.c.occasion.startswith("again:", autoescape=True),
        table.c.state.not_in([State.WITHHELD.value, State.FAILED.value]),
    )
    return connection.execute(query).scalar()
