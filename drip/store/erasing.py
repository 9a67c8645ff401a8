"""Erasing: how a subscriber's rows end and go, so that a keyed hash, a reason and a date are all that is left.

The steps are transactions of their own, and each finds out by itself whether it was done: first her runs end under her
lock and she has no name and no address any more; once nothing of hers is being handed over her rows are deleted.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.core.delivery import Kind, Reason, State
from drip.core.enrollment import END, Stage
from drip.store import address_changes as address_change_rows
from drip.store import askings, chores, deliveries, enrollments, moves, subscribers
from drip.store.session import add_new, among, lock_rows
from drip.store.tables import (
    address_changes,
    beats,
    consents,
    events,
    omissions,
    suppressions,
    wishes,
)
from drip.store.tables import deliveries as delivery_table
from drip.store.tables import enrollments as enrollment_table
from drip.store.tables import subscribers as subscriber_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.store.events import Event

COUNTED = "forgotten"
"""The row of `beats` that counts the people who were forgotten, by the reason why."""


def begin(connection: Connection, subscriber_id: int, now: Now) -> bool:
    """End everything of a subscriber for good and take her name and address from her row; False when there is nobody.

    What is left to do is the chores; only they know her address, and the one that she was about to move to, because the
    provider must be told. Harmless when it was done before. What is being handed over at this moment comes to its own
    result.
    """
    before = subscribers.find(connection, subscriber_id)
    if before is not None and before.address is not None:
        # Forms before people: whoever works one off holds it and waits for the person, and would wait for us in a ring.
        connection.execute(wishes.delete().where(sa.func.lower(sa.func.trim(wishes.c.address)) == before.address.lower()))
    moves.lock_people(connection, [subscriber_id])
    person = subscribers.find(connection, subscriber_id)
    if person is None:
        return False
    if person.erased_at is not None or person.address is None:
        return True
    for known in enrollments.find_for(connection, subscriber_id):
        end(connection, enrollments.locked(connection, known.id), Reason.ERASED, now)
    _register(connection, person.address_key, now)
    chores.drop(connection, chores.CLEAR, person.address_key)
    chores.drop_clearings(connection, [subscriber_id])
    askings.forget_of(connection, subscriber_id)
    asked = address_change_rows.take_back(connection, subscriber_id)
    for address, key in [(person.address, person.address_key), *((one.address, one.address_key) for one in asked)]:
        chores.rename(connection, chores.ERASE, key, secrets.token_hex(32))
        chores.ask(
            connection,
            chores.ERASE,
            address=address,
            address_key=key,
            subscriber_id=subscriber_id,
            reason=Reason.ERASED,
            now=now.machine,
        )
    connection.execute(
        subscriber_table.update()
        .where(subscriber_table.c.id == subscriber_id)
        # Her key goes too: whoever signs up with this address from now on is somebody new.
        .values(address=None, name="", timezone=None, erased_at=now.machine, address_key=secrets.token_hex(32))
    )
    return True


def end(connection: Connection, person: Enrollment, reason: Reason, now: Now) -> None:
    """End a locked person's run for good: nothing of it is opened any more, and what waited is withheld for *reason*."""
    waiting = [
        one.id for one in deliveries.find_open(connection, person.subscriber_id, person.course) if one.state != State.SUBMITTING
    ]
    withheld = deliveries.withhold(connection, waiting, reason=reason, now=now.machine)
    changes = {name: value for name, value in END.items() if name != "open_delivery"}
    changes |= {"state": Stage.ENDED.value, "ended_at": now.calendar, "ended_why": reason.value}
    if person.open_delivery in withheld:
        changes["open_delivery"] = None
    enrollments.change(connection, person.id, changes)


def _register(connection: Connection, address_key: str, now: Now) -> None:
    """Enter an erased address into the register; a stronger reason stands, and nothing tells of which course she was."""
    hers = suppressions.c.address_key == address_key
    connection.execute(suppressions.delete().where(hers, suppressions.c.course != subscribers.EVERY_COURSE))
    if not subscribers.suppress(connection, address_key, Reason.ERASED, now=now.machine):
        connection.execute(suppressions.update().where(hers).values(note=""))


# Rows that go -------------------------------------------------------------------------------------------------------------


def forget_reports(connection: Connection, enrollment_ids: Sequence[int], address_keys: Collection[str] = ()) -> list[str]:
    """Delete what the provider reported of some people's letters, and return the public ids by which it knew them.

    This is a transaction of its own: whoever works reports off locks them before the people, and rows go the other way.
    """
    whose = sa.select(enrollment_table.c.subscriber_id).where(among(enrollment_table.c.id, enrollment_ids))
    rows = connection.execute(
        sa.select(delivery_table.c.id, delivery_table.c.nonce).where(
            # By subscriber: that is what the table has an index for.
            delivery_table.c.subscriber_id.in_(whose),
            among(delivery_table.c.enrollment_id, enrollment_ids),
        )
    )
    names = [f"{row.id}-{row.nonce}" for row in rows]
    drop_reports(connection, names, address_keys)
    return names


def drop_reports(connection: Connection, names: Sequence[str], address_keys: Collection[str] = ()) -> None:
    """Delete reports of deliveries by their public ids, and those that name a keyed address."""
    if names or address_keys:
        named = among(events.c.delivery, names) | among(events.c.address_key, list(address_keys))
        connection.execute(events.delete().where(named))


def delete_rows(connection: Connection, enrollment_ids: Sequence[int]) -> list[int]:
    """Delete runs whose people are locked, with everything of them, and every subscriber who has no other; return the runs.

    Whoever has a letter that is being handed over at this moment is left alone, and so is whoever another hand deleted.
    """
    rows = connection.execute(
        sa.select(enrollment_table.c.id, enrollment_table.c.subscriber_id, enrollment_table.c.course).where(
            among(enrollment_table.c.id, enrollment_ids), ~_under_way()
        )
    ).all()
    gone = sorted(row.id for row in rows)
    if not gone:
        return gone
    # A tick that is opening a letter for one of them holds this lock.
    lock_rows(connection, enrollment_table, gone)
    whose = {(row.subscriber_id, row.course) for row in rows}
    people = sorted({subscriber_id for subscriber_id, _ in whose})
    for course in sorted({course for _, course in whose}):
        here = [subscriber_id for subscriber_id, theirs in whose if theirs == course]
        for table in (consents, delivery_table):
            if table is delivery_table:
                connection.execute(address_changes.delete().where(among(address_changes.c.enrollment_id, gone)))
            connection.execute(table.delete().where(among(table.c.subscriber_id, here), table.c.course == course))
    connection.execute(omissions.delete().where(among(omissions.c.enrollment_id, gone)))
    askings.forget(connection, gone)
    connection.execute(enrollment_table.delete().where(among(enrollment_table.c.id, gone)))
    delete_subscribers(connection, people)
    return gone


def delete_subscribers(connection: Connection, subscriber_ids: Sequence[int]) -> list[int]:
    """Delete those of some locked subscribers who are on no course any more, and return them."""
    stays = sa.exists().where(enrollment_table.c.subscriber_id == subscriber_table.c.id)
    ids = connection.execute(
        sa.select(subscriber_table.c.id).where(among(subscriber_table.c.id, subscriber_ids), ~stays)
    ).scalars()
    gone = sorted(ids)
    if gone:
        chores.drop_clearings(connection, gone)
        for table in (consents, address_changes):
            connection.execute(table.delete().where(among(table.c.subscriber_id, gone)))
        connection.execute(subscriber_table.delete().where(among(subscriber_table.c.id, gone)))
    return gone


def _under_way() -> sa.ColumnElement[bool]:
    """Return the condition that a letter of an enrollment is being handed over."""
    return (
        sa.exists()
        .where(
            delivery_table.c.subscriber_id == enrollment_table.c.subscriber_id,
            delivery_table.c.enrollment_id == enrollment_table.c.id,
            delivery_table.c.state == State.SUBMITTING.value,
        )
        .correlate(enrollment_table)
    )


def is_here(connection: Connection, subscriber_id: int) -> bool:
    """Whether a subscriber's row is still here."""
    return subscribers.find(connection, subscriber_id) is not None


# Late reports -------------------------------------------------------------------------------------------------------------


def about_the_forgotten(connection: Connection, page: Iterable[Event], found: Collection[str]) -> list[int]:
    """Return those reports that are about a letter that is gone, or that name an address only to say she was erased.

    *found* are the public ids of the deliveries that are here. Such a report is deleted, not kept.
    """
    page = list(page)
    keys = {event.address_key for event in page if event.address_key}
    erased = set(
        connection.execute(
            sa.select(suppressions.c.address_key).where(
                among(suppressions.c.address_key, sorted(keys)), suppressions.c.reason == Reason.ERASED.value
            )
        ).scalars()
    )
    return [
        event.id
        for event in page
        if (event.delivery and event.delivery not in found) or (event.address_key and event.address_key in erased)
    ]


def delete_reports(connection: Connection, ids: Sequence[int]) -> None:
    """Delete stored reports."""
    if ids:
        connection.execute(events.delete().where(among(events.c.id, ids)))


# Counting -----------------------------------------------------------------------------------------------------------------


def count(connection: Connection, why: Mapping[str, int], now: Now) -> None:
    """Add to how many people were forgotten, by the reason *why*; the last thing a transaction does, for all wait here."""
    more = {reason: number for reason, number in why.items() if number}
    if not more:
        return
    start = {"name": COUNTED, "machine_at": now.machine, "calendar_at": now.calendar, "detail": "{}"}
    add_new(connection, beats, [start])
    row = connection.execute(sa.select(beats.c.detail).where(beats.c.name == COUNTED).with_for_update()).scalar_one()
    counts = _read(row)
    for reason, number in more.items():
        counts[reason] = counts.get(reason, 0) + number
    written = json.dumps(counts, sort_keys=True)
    connection.execute(beats.update().where(beats.c.name == COUNTED).values(detail=written))


def counted(connection: Connection) -> dict[str, int]:
    """Return how many people were forgotten so far, by the reason why."""
    return _read(connection.execute(sa.select(beats.c.detail).where(beats.c.name == COUNTED)).scalar() or "{}")


def _read(detail: str) -> dict[str, int]:
    found: Any = json.loads(detail)
    return {str(reason): int(number) for reason, number in found.items()}


def confirmation_after(calendar: Any) -> sa.ColumnElement[bool]:  # noqa: ANN401 - an instant or an expression of one
    """Return the condition that an enrollment was asked to confirm after *calendar*: the link may still be pressed."""
    return (
        sa.exists()
        .where(
            delivery_table.c.subscriber_id == enrollment_table.c.subscriber_id,
            delivery_table.c.enrollment_id == enrollment_table.c.id,
            delivery_table.c.kind == Kind.CONFIRMATION.value,
            delivery_table.c.not_before > calendar,
        )
        .correlate(enrollment_table)
    )
