"""How a run ends before its time: leaving, coming back, and addresses that must not be mailed any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.core.delivery import AT_HER_WISH, RULES, Kind, Reason, State
from drip.core.enrollment import END, Stage
from drip.core.event import lighter
from drip.store import chores, deliveries, enrollments, subscribers
from drip.store.session import lock_rows
from drip.store.tables import subscribers as people

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Enrollment


def leave(connection: Connection, person: Enrollment, address_key: str, now: Now, *, source: str) -> None:
    """End a course at her wish; the person must be locked. Harmless when she has left already.

    A lesson that was open waits without a date: an undone leave gives it one again. What she asked for before she left
    is withheld, and the few letters that may follow a leave go on. The provider is not asked any more to write to her.
    """
    chores.drop(connection, chores.CLEAR, address_key)
    if person.state != Stage.LEFT:
        subscribers.note_consent(connection, person.subscriber_id, person.course, "withdrawn", now=now.machine, source=source)
        enrollments.change(
            connection,
            person.id,
            {"state": Stage.LEFT.value, "ended_at": now.calendar, "ended_why": Reason.LEFT.value, "next_due_at": None},
        )
    subscribers.suppress(connection, address_key, Reason.LEFT, now=now.machine, course=person.course)
    for delivery in deliveries.find_open(connection, person.subscriber_id, person.course):
        if delivery.state == State.SUBMITTING or RULES[Kind(delivery.kind)].after_leaving:
            continue
        if delivery.kind != Kind.LESSON:
            deliveries.withhold(connection, [delivery.id], reason=Reason.LEFT, now=now.machine)
        else:
            deliveries.redate(
                connection,
                delivery.id,
                not_before=None,
                closes_at=None,
                meant_on=None,
                letter_on=None,
                now=now.machine,
                reason=Reason.LEFT,
            )


def barred(connection: Connection, address_key: str, course: str) -> bool:
    """Whether an address must not be mailed for another reason than her own wish, so that she cannot come back by herself."""
    return subscribers.suppressed(connection, [address_key], course).get(address_key, Reason.LEFT) not in AT_HER_WISH


def listed(connection: Connection, person: Enrollment) -> bool:
    """Whether the address of a person stands in the register for her course, be it at her own wish: no lesson may go there."""
    subscriber = subscribers.find(connection, person.subscriber_id)
    return subscriber is None or bool(subscribers.suppressed(connection, [subscriber.address_key], person.course))


def lift(connection: Connection, address_key: str, course: str) -> bool:
    """Take out of the register what somebody who is back wished at an address; False when nothing stood there."""
    before = subscribers.suppressed(connection, [address_key], course)
    for scope in (course, subscribers.EVERY_COURSE):
        for reason in sorted(AT_HER_WISH):
            subscribers.lift(connection, address_key, course=scope, reason=reason)
    return bool(before)


def suppress(connection: Connection, subscriber_id: int, address_key: str, reason: str, *, now: Now) -> bool:
    """Enter an address into the register for every course and end all her runs; False when it stood there already.

    What was open is withheld for good. A letter that is being handed over at this moment comes to its own result. Of
    somebody who was erased meanwhile nothing more is stored. Of a wish that stood in the register the graver reason takes
    the place: she lives, so that a letter would go there again.
    """
    lock_rows(connection, people, [subscriber_id])
    here = subscribers.find(connection, subscriber_id)
    if here is None or here.erased_at is not None:
        return False
    chores.drop(connection, chores.CLEAR, address_key)
    new = subscribers.suppress(connection, address_key, reason, now=now.machine)
    if not new:
        subscribers.weigh(connection, address_key, reason, living=True)
    for known in enrollments.find_for(connection, subscriber_id):
        person = enrollments.locked(connection, known.id)
        if person.state in {Stage.ACTIVE, Stage.ASKED}:
            end = {name: value for name, value in END.items() if name != "open_delivery"}
            enrollments.change(
                connection, person.id, {**end, "state": Stage.ENDED.value, "ended_at": now.calendar, "ended_why": str(reason)}
            )
        elif person.state == Stage.ENDED and person.ended_why in lighter(reason):
            enrollments.change(connection, person.id, {"ended_why": str(reason)})
        waiting = [
            one.id for one in deliveries.find_open(connection, subscriber_id, person.course) if one.state != State.SUBMITTING
        ]
        ended = deliveries.withhold(connection, waiting, reason=Reason.SUPPRESSED, now=now.machine)
        if person.open_delivery in ended:
            enrollments.change(connection, person.id, {"open_delivery": None})
    return new
