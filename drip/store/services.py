"""Letters that the course does not schedule: opening them for one person, once for each occasion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.store import deliveries, enrollments

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.delivery import Kind
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse


def open_letter(  # noqa: PLR0917 - a person, a letter and why
    connection: Connection, person: Enrollment, course: LiveCourse, letter: str, kind: Kind, occasion: str, now: Now
) -> int | None:
    """Open *letter* for a locked *person* to go as soon as it may, and return the delivery's id; None when it stands already.

    It goes at any hour, is not part of her course's timing, and moves nothing of it.
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
        "country": person.country if course.course.helplines_in(person.country) else "",
        "meant_on": today,
        "letter_on": today,
        "not_before": now.calendar,
        "closes_at": None,
    }
    opened = deliveries.open_many(connection, [row], now=now.machine)
    enrollments.change(connection, person.id, {"deliveries_due": person.deliveries_due + 1})
    return opened[0]
