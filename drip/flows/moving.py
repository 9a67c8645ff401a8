"""Moving: her letters to another address of hers, with her place kept, once that address has said yes."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from drip import clock
from drip.core.address import address_key, normal_address
from drip.core.delivery import ADDRESS_CHANGE, AT_HER_WISH, Kind, Reason
from drip.core.enrollment import Stage
from drip.core.token import CHANGE_DAYS
from drip.errors import UsageError
from drip.store import address_changes, chores, deliveries, endings, enrollments, recovery, services, stamps, subscribers, turns

if TYPE_CHECKING:
    from drip.clock import Now
    from drip.mail.library import Library
    from drip.store.address_changes import AddressChange
    from drip.store.session import Connection, Database
    from drip.store.subscribers import Subscriber

CHANGES_A_DAY = 3

log = structlog.get_logger("drip.move")


class Asked(StrEnum):
    """What became of a wish to have letters elsewhere; it never tells whether the new address is known."""

    ON_ITS_WAY = "on-its-way"
    SAME = "same"
    ENOUGH = "enough"
    NOTHING = "nothing"


class Moved(StrEnum):
    """What became of a new address that said yes."""

    MOVED = "moved"
    OVER = "over"
    TAKEN = "taken"
    REFUSED = "refused"
    NOT_YET = "not-yet"


def ask(database: Database, library: Library, public_id: str, address: str, *, suppression_key: bytes) -> Asked:
    """Ask a new address to confirm by a letter, in place of any asked before; until then nothing changes.

    Raises UsageError, which does not repeat what was typed, for what is no address.
    """
    try:
        new = normal_address(address)
    except ValueError as fault:
        raise UsageError(str(fault)) from fault
    key = address_key(new, suppression_key)
    with database.write() as connection:
        now = stamps.now_in(connection)
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            return Asked.NOTHING
        person, course = turns.locked(connection, found.id, library.course, now)
        subscriber = subscribers.find(connection, person.subscriber_id)
        if subscriber is None or subscriber.address is None:
            return Asked.NOTHING
        if subscriber.address_key == key:
            return Asked.SAME
        today = now.calendar.astimezone(person.rhythm(course.course).zone).date()
        if services.asked_since(connection, person, "change:", today) >= CHANGES_A_DAY:
            return Asked.ENOUGH
        change = address_changes.replace(connection, person, address=new, address_key=key, now=now.machine)
        services.open_letter(connection, person, course, ADDRESS_CHANGE, Kind.SERVICE, f"change:{change}", now)
    return Asked.ON_ITS_WAY


def is_open(database: Database, change_id: str) -> bool:
    """Whether a new address is still asked to confirm."""
    with database.read() as connection:
        return address_changes.find(connection, change_id) is not None


def whose(database: Database, change_id: str) -> str | None:
    """Return the public id of the run from which a new address was asked; None once that is over."""
    with database.read() as connection:
        change = address_changes.find(connection, change_id)
        person = None if change is None else enrollments.find(connection, change.enrollment_id)
        return None if person is None else person.public_id


def standing(database: Database, change_id: str) -> Moved | None:
    """Return why a new address cannot have her letters as things stand; None while a press would move them."""
    with database.read() as connection:
        change = address_changes.find(connection, change_id)
        return Moved.OVER if change is None else _why_not(connection, change, stamps.now_in(connection))


def confirm(database: Database, library: Library, change_id: str, *, wait_seconds: float) -> Moved:
    """Move a subscriber to the address that said yes; all her courses go with her, and what is open goes there.

    A letter that is being handed over is waited for, at most *wait_seconds*.
    """
    deadline = clock.monotonic() + wait_seconds
    while True:
        with database.write() as connection:
            now = stamps.now_in(connection)
            change = _locked(connection, change_id)
            if change is None:
                return Moved.OVER
            if not deliveries.under_way(connection, change.subscriber_id):
                old = subscribers.find(connection, change.subscriber_id)
                if old is None or old.erased_at is not None:
                    return Moved.OVER
                why = _why_not(connection, change, now)
                if why is None:
                    _move(connection, change, old, now)
                    log.info("moved", subscriber=change.subscriber_id)
                return why or Moved.MOVED
        left = max(0.0, deadline - clock.monotonic())
        if not recovery.wait_until_quiet(database, change.subscriber_id, library.course, wait_seconds=left):
            return Moved.NOT_YET


def _locked(connection: Connection, change_id: str) -> AddressChange | None:
    """Return the change, re-read after its subscriber was locked: of two presses the second finds it done."""
    change = address_changes.find(connection, change_id)
    if change is None:
        return None
    enrollments.locked(connection, change.enrollment_id)
    return address_changes.find(connection, change_id)


def _why_not(connection: Connection, change: AddressChange, now: Now) -> Moved | None:
    """Return why the new address cannot have her letters; None when it can."""
    if now.machine - change.asked_at >= timedelta(days=CHANGE_DAYS):
        return Moved.OVER
    other = subscribers.find_by_key(connection, change.address_key)
    if other is not None and other.id != change.subscriber_id:
        return Moved.TAKEN
    for person in enrollments.find_for(connection, change.subscriber_id):
        found = subscribers.suppressed(connection, [change.address_key], person.course).get(change.address_key)
        if found is not None and found not in AT_HER_WISH:
            return Moved.REFUSED
    return None


def _move(connection: Connection, change: AddressChange, old: Subscriber, now: Now) -> None:
    """Write the move; whoever presses at the new mailbox takes back a leave of it, and a leave of hers goes with her."""
    back = False
    for person in enrollments.find_for(connection, change.subscriber_id):
        subscribers.note_consent(
            connection,
            change.subscriber_id,
            person.course,
            address_changes.MOVED,
            now=now.machine,
            source="address change page",
            version_id=person.version_id,
        )
        if person.state == Stage.LEFT:
            subscribers.suppress(connection, change.address_key, Reason.LEFT, now=now.machine, course=person.course)
        else:
            back |= endings.lift(connection, change.address_key, person.course)
    address_changes.move(connection, change, old, now.machine)
    if back:
        # The provider keeps lists of its own; on one of them her letters would be dropped.
        chores.ask(
            connection,
            chores.CLEAR,
            address=change.address,
            address_key=change.address_key,
            subscriber_id=old.id,
            reason="moved to",
            now=now.machine,
        )
