"""How a run begins: asking by a letter, and beginning once she has said yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.core.delivery import CONFIRM_LETTER, MY_LINK, Kind, Reason, asked_by, form_of
from drip.core.enrollment import END, Stage, begun
from drip.core.newcomer import arrived
from drip.store import askings, deliveries, enrollments, services, subscribers
from drip.store.tables import consents
from drip.store.tables import deliveries as delivery_table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse


def pending(connection: Connection, subscriber_id: int, course_id: str, settings: dict[str, Any], *, now: datetime) -> Enrollment:
    """Store the enrollment of somebody who has not confirmed yet, and return it locked; *now* is machine time."""
    values = {"subscriber_id": subscriber_id, "course": course_id, "state": Stage.ASKED.value, "created_at": now, **settings}
    return enrollments.locked(connection, enrollments.add(connection, values))


def ask(connection: Connection, person: Enrollment, course: LiveCourse, now: Now, form: str = "") -> bool:
    """Open the confirmation letter of a locked *person*; False when one is on its way already that answers the same *form*."""
    why = asked_by(form)
    return _open_once(connection, person, course, now, letter=CONFIRM_LETTER, kind=Kind.CONFIRMATION, why=why)


def show_the_way(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> bool:
    """Open the letter with the link to the page of a locked *person*; False when one is on its way already."""
    return _open_once(connection, person, course, now, letter=MY_LINK, kind=Kind.SERVICE, why="page")


def _open_once(
    connection: Connection, person: Enrollment, course: LiveCourse, now: Now, *, letter: str, kind: Kind, why: str
) -> bool:
    waiting = deliveries.find_open(connection, person.subscriber_id, person.course)
    alike = [one for one in waiting if one.kind == kind and one.letter == letter]
    if any(form_of(one.occasion) == form_of(why) for one in alike):
        return False
    occasion = f"{why}:{now.machine.timestamp():.6f}"
    return services.open_letter(connection, person, course, letter, kind, occasion, now) is not None


def asked_last(connection: Connection, person: Enrollment) -> datetime | None:
    """Return when a confirmation letter was last opened for a person (machine time)."""
    newest = sa.select(sa.func.max(delivery_table.c.created_at)).where(*_letters(person, CONFIRM_LETTER))
    found: datetime | None = connection.execute(newest).scalar()
    return found


def opened_since(connection: Connection, person: Enrollment, letter: str, since: datetime) -> int:
    """Return how often a service letter was opened for a person since an instant of the machine."""
    query = sa.select(sa.func.count()).where(*_letters(person, letter), delivery_table.c.created_at > since)
    return int(connection.execute(query).scalar_one())


def _letters(person: Enrollment, letter: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that name a person's copies of a letter, as the unique key has them in order."""
    own = delivery_table.c
    return own.subscriber_id == person.subscriber_id, own.course == person.course, own.letter == letter


def agreed_last(connection: Connection, person: Enrollment) -> datetime | None:
    """Return when a person last agreed to a course."""
    query = sa.select(sa.func.max(consents.c.at)).where(
        consents.c.subscriber_id == person.subscriber_id, consents.c.course == person.course, consents.c.action == "agreed"
    )
    found: datetime | None = connection.execute(query).scalar()
    return found


def asked_wording(connection: Connection, person: Enrollment) -> str:
    """Return the words under which a person was last asked; '' when there were none."""
    query = (
        sa.select(consents.c.wording)
        .where(
            consents.c.subscriber_id == person.subscriber_id,
            consents.c.course == person.course,
            consents.c.action == "asked",
        )
        .order_by(consents.c.id.desc())
        .limit(1)
    )
    return str(connection.execute(query).scalar() or "")


def as_typed(connection: Connection, person: Enrollment, course: LiveCourse, form: str) -> Enrollment:
    """Return a locked *person* as the *form* says that her letter answers, and store her so.

    A form decides only about somebody who has never confirmed: her name while that holds for all her courses, and the
    settings of this one. Whoever was imported keeps her place and her hour, which no form asks.
    """
    asking = askings.find(connection, person.id, form) if form and person.confirmed_at is None else None
    if asking is None:
        return person
    if all(one.confirmed_at is None for one in enrollments.find_for(connection, person.subscriber_id)):
        subscribers.call(connection, person.subscriber_id, name=asking.name, timezone=asking.timezone or None)
    settings: dict[str, Any] = {
        "zone": asking.timezone or course.course.timezone,
        "country": asking.country,
        "weekday": asking.weekday,
        "pace": asking.pace,
    }
    enrollments.change(connection, person.id, settings)
    return person._replace(**settings)


def begin(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> None:
    """Start the course of a locked *person*, or a new run of it for somebody who had one before."""
    askings.forget(connection, [person.id])
    if person.state == Stage.ASKED and person.place is not None and person.confirmed_at is None:
        # She was imported from another tool and asked: she goes on where she was.
        enrollments.change(connection, person.id, arrived(person, course.course, now=now.calendar))
        return
    changes: dict[str, Any] = {}
    if person.place is not None or person.open_delivery is not None or person.ended_at is not None:
        waiting = deliveries.find_open(connection, person.subscriber_id, person.course)
        deliveries.withhold(
            connection, [one.id for one in waiting if one.kind == Kind.LESSON], reason=Reason.SUPERSEDED, now=now.machine
        )
        changes = {**END, "run": person.run + 1, "place": None, "ended_at": None, "ended_why": "", "resumed": False}
    fresh = person._replace(**changes)
    enrollments.change(connection, person.id, {**changes, **begun(fresh, course.course, now=now.calendar)})
