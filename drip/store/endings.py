"""How a run ends before its time: leaving, coming back, and addresses that must not be mailed any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.core.delivery import AT_HER_WISH, RULES, Kind, Reason, State
from drip.core.enrollment import Stage
from drip.core.event import lighter
from drip.core.handover import ended, left
from drip.store import askings, chores, deliveries, enrollments, subscribers
from drip.store.session import lock_rows
from drip.store.tables import subscribers as people

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Changes, Enrollment


def leave(connection: Connection, person: Enrollment, address_key: str, now: Now, *, source: str) -> None:
    """End a course at her wish; the person must be locked. Harmless when she has left already.

    A lesson that was open waits without a date: an undone leave gives it one again. What she asked for before she left
    is withheld, and the few letters that may follow a leave go on. The provider is not asked any more to write to her.
    """
    chores.drop(connection, chores.CLEAR, address_key)
    if person.state != Stage.LEFT:
        subscribers.note_consent(connection, person.subscriber_id, person.course, "withdrawn", now=now.machine, source=source)
        enrollments.change(connection, person.id, left(now=now.calendar))
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


def suppress(connection: Connection, reasons: Mapping[str, str], *, now: Now) -> dict[int, str]:
    """Enter addresses into the register for every course, each for its reason, and end all runs of the people there.

    Returns the subscribers whose addresses did not stand there, each with why. What was open is withheld for good; a letter
    that is being handed over at this moment comes to its own result. Of whoever was erased meanwhile nothing more is stored:
    the key is hers no more. All people are locked before anything of theirs is written.
    """
    lock_rows(connection, people, sorted(subscribers.find_by_keys(connection, reasons).values()))
    # Again: while we waited she may have moved to another address, or been erased.
    here = subscribers.find_by_keys(connection, reasons)
    why = {subscriber_id: reasons[key] for key, subscriber_id in here.items()}
    chores.drop_many(connection, chores.CLEAR, here)
    new = subscribers.suppress_many(connection, reasons, living=here, now=now.machine)
    runs = enrollments.locked_for(connection, why)
    askings.forget(connection, [one.id for one in runs])
    withheld = deliveries.withhold_all(connection, why, reason=Reason.SUPPRESSED, now=now.machine)
    enrollments.change_many(connection, ((_ended(one, why[one.subscriber_id], withheld, now), [one.id]) for one in runs))
    return {here[key]: reasons[key] for key in sorted(new & here.keys())}


def _ended(person: Enrollment, reason: str, withheld: Container[int], now: Now) -> Changes:
    """Return the changes that end a run for *reason*; one that is over keeps its date, and the graver reason."""
    changes: Changes = {}
    if person.state in {Stage.ACTIVE, Stage.ASKED}:
        changes = ended(reason, now=now.calendar)
        # A letter that is being handed over stays hers until it came to its result.
        del changes["open_delivery"]
    elif person.state == Stage.ENDED and person.ended_why in lighter(reason):
        changes = {"ended_why": reason}
    return changes | {"open_delivery": None} if person.open_delivery in withheld else changes
