"""New dates for people and for what is open of theirs, always both in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.enrollment import parked, step_of
from drip.store import deliveries, enrollments
from drip.store.session import lock_rows
from drip.store.tables import subscribers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Enrollment, Move
    from drip.core.progress import LiveCourse
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
    )
    if moved:
        enrollments.change(connection, person.id, {**move.changes, "next_due_at": None})
    return moved
