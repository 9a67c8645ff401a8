"""Enrollments: finding those that are due, and changing their cursors under lock."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.core.enrollment import WHO, Enrollment, Stage
from drip.errors import NotFound
from drip.store.alike import Alike
from drip.store.session import add_new, among, lock_rows, lock_where
from drip.store.tables import courses, deliveries, enrollments, lesson_holds, omissions, subscribers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

_COLUMNS = [enrollments.c[name] for name in Enrollment._fields]
_MANY = Alike(enrollments, Enrollment._make, Enrollment._fields, own=WHO)

ALIKE_MIN = 4
"""From how many people with the same new values on one statement for all is quicker than one each."""


def add(connection: Connection, values: Mapping[str, Any]) -> int:
    """Store an enrollment and return its id; the opaque public id is made here."""
    row = enrollments.insert().values(public_id=secrets.token_urlsafe(12), **values).returning(enrollments.c.id)
    return int(connection.execute(row).scalar_one())


def find(connection: Connection, enrollment_id: int) -> Enrollment | None:
    """Return the enrollment with this id."""
    row = connection.execute(sa.select(*_COLUMNS).where(enrollments.c.id == enrollment_id)).first()
    return None if row is None else Enrollment._make(row)


def find_many(connection: Connection, ids: Sequence[int]) -> dict[int, Enrollment]:
    """Return the enrollments *ids* by id."""
    rows = connection.execute(sa.select(*_MANY.columns).where(among(enrollments.c.id, ids))).all()
    return {person.id: person for person in _MANY.made(connection, rows)}


def find_by_public_id(connection: Connection, public_id: str) -> Enrollment | None:
    """Return the enrollment that links call *public_id*."""
    # No id holds one, and PostgreSQL would not be asked about it.
    if "\0" in public_id:
        return None
    row = connection.execute(sa.select(*_COLUMNS).where(enrollments.c.public_id == public_id)).first()
    return None if row is None else Enrollment._make(row)


def find_for(connection: Connection, subscriber_id: int, course: str | None = None) -> list[Enrollment]:
    """Return a subscriber's enrollments, or the one in *course*."""
    query = sa.select(*_COLUMNS).where(enrollments.c.subscriber_id == subscriber_id).order_by(enrollments.c.id)
    if course is not None:
        query = query.where(enrollments.c.course == course)
    return [Enrollment._make(row) for row in connection.execute(query)]


def locked(connection: Connection, enrollment_id: int) -> Enrollment:
    """Return the enrollment, re-read after its subscriber and then it were locked until the transaction ends.

    Every change that a subscriber or the provider can bring takes this lock, and so does every hand-over. Raises NotFound
    when she was forgotten meanwhile.
    """
    subscriber_id = connection.execute(
        sa.select(enrollments.c.subscriber_id).where(enrollments.c.id == enrollment_id)
    ).scalar_one_or_none()
    if subscriber_id is None:
        raise NotFound
    lock_rows(connection, subscribers, [subscriber_id])
    # A tick opens letters under the lock of the enrollment alone: without this one, what it just opened would be overlooked.
    lock_rows(connection, enrollments, [enrollment_id])
    found = find(connection, enrollment_id)
    if found is None:
        raise NotFound
    return found


def locked_for(connection: Connection, subscriber_ids: Iterable[int]) -> list[Enrollment]:
    """Return every enrollment of some subscribers in id order, re-read after the subscribers and then they were locked."""
    wanted = sorted(subscriber_ids)
    lock_rows(connection, subscribers, wanted)
    theirs = among(enrollments.c.subscriber_id, wanted)
    lock_where(connection, enrollments, theirs)
    rows = connection.execute(sa.select(*_MANY.columns).where(theirs).order_by(enrollments.c.id)).all()
    return _MANY.made(connection, rows)


def change(connection: Connection, enrollment_id: int, changes: Mapping[str, Any]) -> None:
    """Write new values of some columns of one enrollment."""
    if changes:
        connection.execute(enrollments.update().where(enrollments.c.id == enrollment_id).values(**changes))


def change_many(connection: Connection, groups: Iterable[tuple[Mapping[str, Any], Iterable[int]]]) -> None:
    """Write new values into many enrollments at once; each group is the values and the ids of those who get them.

    Most of a batch live in one zone and stand at one lesson, so their new values are the same: those take one statement.
    """
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for changes, ids in groups:
        if changes:
            alike.setdefault(tuple(sorted(changes.items())), []).extend(ids)
    single: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for values, same in alike.items():
        changes = dict(values)
        if len(same) < ALIKE_MIN:
            single.setdefault(tuple(changes), []).extend({"id": one, **changes} for one in same)
        else:
            change_alike(connection, same, changes)
    for rows in single.values():
        _change_each(connection, rows)


def change_alike(connection: Connection, ids: Sequence[int], changes: Mapping[str, Any]) -> None:
    """Write the same new values into many enrollments."""
    connection.execute(enrollments.update().where(among(enrollments.c.id, ids)).values(**changes))


def _change_each(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = [name for name in rows[0] if name != "id"]
    statement = (
        enrollments.update()
        .where(enrollments.c.id == sa.bindparam("row_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in columns})
    )
    ordered = sorted(rows, key=lambda row: row["id"])
    connection.execute(statement, [{"row_id": row["id"], **{f"new_{name}": row[name] for name in columns}} for row in ordered])


def park_at(connection: Connection, delivery_ids: Sequence[int]) -> None:
    """Let everybody for whom one of these deliveries was opened wait for it: the cursor keeps the dates that it says."""
    if delivery_ids:
        connection.execute(
            enrollments.update()
            .where(enrollments.c.id == deliveries.c.enrollment_id, among(deliveries.c.id, delivery_ids))
            .values(
                open_delivery=deliveries.c.id,
                next_due_at=None,
                next_meant_on=deliveries.c.meant_on,
                next_letter_on=deliveries.c.letter_on,
                next_closes_at=deliveries.c.closes_at,
                deliveries_due=enrollments.c.deliveries_due + 1,
            )
        )


def held_next_lesson() -> sa.ColumnElement[bool]:
    """Return the condition that the live letter of an enrollment's next lesson is held."""
    return (
        sa.exists()
        .where(
            lesson_holds.c.course == enrollments.c.course,
            lesson_holds.c.letter == enrollments.c.next_lesson,
            lesson_holds.c.version_id == courses.c.version_id,
            courses.c.id == enrollments.c.course,
        )
        .correlate(enrollments)
    )


def active(connection: Connection, course: str, after: int, limit: int) -> list[Enrollment]:
    """Return a page of the active enrollments of a course whose ids come after *after*, in their order."""
    query = (
        sa.select(*_MANY.columns)
        .where(enrollments.c.course == course, enrollments.c.state == Stage.ACTIVE.value, enrollments.c.id > after)
        .order_by(enrollments.c.id)
        .limit(limit)
    )
    return _MANY.made(connection, connection.execute(query).all())


def due(connection: Connection, now: datetime, limit: int) -> list[Enrollment]:
    """Return a page of active enrollments whose next letter is due at *now*, oldest meant date first, locked.

    Those of held courses and at held lessons are left out. On PostgreSQL other ticks skip the locked rows; on SQLite
    there is one writer at a time.
    """
    dates_from = sa.select(courses.c.dates_from).where(courses.c.id == enrollments.c.course).scalar_subquery()
    held_course = sa.select(courses.c.id).where(courses.c.held_at.is_not(None))
    query = (
        sa.select(*_MANY.columns)
        .where(
            enrollments.c.next_due_at <= now,
            enrollments.c.state == Stage.ACTIVE.value,
            enrollments.c.open_delivery.is_(None),
            enrollments.c.course.not_in(held_course),
            ~held_next_lesson(),
            # Whose dates are those of an earlier version is turned first.
            enrollments.c.version_id >= sa.func.coalesce(dates_from, 0),
        )
        .order_by(enrollments.c.next_meant_on, enrollments.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return _MANY.made(connection, connection.execute(query).all())


def omitted(connection: Connection, enrollment_id: int) -> frozenset[tuple[str, str]]:
    """Return the lessons that were not for her in any of her runs, by first id, each with why."""
    query = sa.select(omissions.c.letter, omissions.c.reason).where(omissions.c.enrollment_id == enrollment_id)
    return frozenset((row.letter, row.reason) for row in connection.execute(query))


def note_omissions(connection: Connection, enrollment: Enrollment, letters: Iterable[str], reason: str) -> None:
    """Remember lessons of the present run that she will not get, once each."""
    note_omissions_of_many(connection, [(enrollment, letters)], reason)


def note_omissions_of_many(connection: Connection, people: Iterable[tuple[Enrollment, Iterable[str]]], reason: str) -> None:
    """Remember for each of these people lessons of her present run that she will not get, once each."""
    rows = [
        {
            "enrollment_id": person.id,
            "run": person.run,
            "letter": letter,
            "version_id": person.version_id,
            "reason": reason,
        }
        for person, letters in people
        for letter in letters
    ]
    add_new(connection, omissions, rows)
