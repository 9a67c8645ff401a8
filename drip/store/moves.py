"""New dates for people and for what is open of theirs, always both in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drip.core import timing
from drip.core.delivery import Kind
from drip.core.enrollment import parked, step_of
from drip.store import deliveries, enrollments, services
from drip.store.session import lock_rows
from drip.store.tables import subscribers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Enrollment, Move
    from drip.core.progress import LiveCourse, Step
    from drip.store.deliveries import Delivery


def lock_people(connection: Connection, subscriber_ids: Iterable[int]) -> None:
    """Lock these subscribers until the transaction ends: every hand-over and every change of hers takes this lock."""
    lock_rows(connection, subscribers, sorted(set(subscriber_ids)))


def follow_up(
    connection: Connection, delivery: Delivery, person: Enrollment, course: LiveCourse, now: Now, *, reason: str
) -> None:
    """Give an open scheduled letter that may not go now the next date on which it may."""
    step = step_of(person, course.course)
    if step is None or delivery.closes_at is None or delivery.not_before is None:
        return
    slot = timing.Slot(delivery.meant_on, delivery.letter_on, delivery.not_before, delivery.closes_at)
    rhythm = person.rhythm(course.course)
    new = timing.follow(slot, step.lesson, rhythm, last_letter_on=person.last_letter_on, now=now.calendar)
    moved = deliveries.redate(
        connection,
        delivery.id,
        not_before=new.due_at,
        closes_at=new.closes_at,
        meant_on=new.meant_on,
        letter_on=new.letter_on,
        now=now.machine,
        reason=reason,
    )
    if moved:
        enrollments.change(connection, person.id, parked(new))


def undate(connection: Connection, delivery_id: int, now: Now, *, reason: str) -> bool:
    """Let an open letter wait without a date until a wish of hers gives it one; False when it is being handed over."""
    return deliveries.redate(
        connection, delivery_id, not_before=None, closes_at=None, meant_on=None, letter_on=None, now=now.machine, reason=reason
    )


def apply(connection: Connection, person: Enrollment, move: Move, now: Now, *, reason: str = "") -> bool:
    """Write a move of *person* and of her open letter; False when that letter is being handed over this moment.

    The person must be locked. While a letter is open the cursor keeps the dates and the delivery carries the instant.
    """
    if person.open_delivery is None or move.stays:
        enrollments.change(connection, person.id, move.changes)
        return True
    slot = move.slot
    moved = deliveries.redate(
        connection,
        person.open_delivery,
        not_before=None if slot is None else slot.due_at,
        closes_at=None if slot is None else slot.closes_at,
        meant_on=None if slot is None else slot.meant_on,
        letter_on=None if slot is None else slot.letter_on,
        now=now.machine,
        reason=reason,
        resumed=None if slot is None else person._replace(**move.changes).was_away(slot.letter_on),
    )
    if moved:
        # What she had asked for at once has another date now, so she may ask again.
        enrollments.change(connection, person.id, {**move.changes, "next_due_at": None, "asked_on": None})
    return moved


def bring_forward(connection: Connection, person: Enrollment, course: LiveCourse, step: Step, now: Now) -> bool:
    """Let the next letter go at once, opened now if it is not; False when it is being handed over this moment.

    The person must be locked. It stays the lesson of her run, so that it can go but once; today is its meant date, from
    which the course goes on.
    """
    today = now.calendar.astimezone(person.rhythm(course.course).zone).date()
    changes: dict[str, Any] = {
        "next_meant_on": today,
        "next_letter_on": today,
        "next_due_at": None,
        "next_closes_at": None,
        "asked_on": today,
    }
    opened = person.open_delivery
    if opened is None:
        letter = course.first_id(step.lesson.id)
        opened = services.open_letter(connection, person, course, letter, Kind.LESSON, person.occasion(), now)
        if opened is None:
            # An edit put a letter that she had before her again: the next tick finds the one that follows.
            return True
        changes["open_delivery"] = opened
    else:
        moved = deliveries.redate(
            connection,
            opened,
            not_before=now.calendar,
            closes_at=None,
            meant_on=today,
            letter_on=today,
            now=now.machine,
            reason="",
            asked=True,
            resumed=person.was_away(today),
        )
        if not moved:
            return False
    enrollments.change(connection, person.id, changes)
    return True
