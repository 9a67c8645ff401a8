"""Turning people to the version that is live: their next lesson and its date, before anything is opened or chosen by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.core.delivery import Kind, Reason, State
from drip.core.enrollment import Move, Stage
from drip.core.turn import PASSED_BY, turned
from drip.store import deliveries, enrollments, moves, results, versions
from drip.store.session import lock_rows
from drip.store.tables import IS_OPEN
from drip.store.tables import deliveries as opened
from drip.store.tables import enrollments as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.turn import Turn
    from drip.store.deliveries import Delivery

    CourseOf = Callable[[int, str], LiveCourse]
    """Returns a course as it stands in a version."""


def page(connection: Connection, course: str, dates_from: int, limit: int, *, soon: datetime) -> list[int]:
    """Return some active enrollments of a course whose dates are those of a version before *dates_from*.

    First come those who wait for it: whose letter is open, then who is due by *soon*. So letters go on while a million are
    turned. Whose letter is being handed over is left out, since she cannot be turned before its result.
    """
    stale = sa.and_(table.c.state == Stage.ACTIVE.value, table.c.version_id < dates_from, table.c.course == course)
    if connection.execute(sa.select(table.c.id).where(stale).limit(1)).first() is None:
        return []
    waiting = sa.select(opened.c.enrollment_id).where(
        IS_OPEN, opened.c.kind == Kind.LESSON.value, opened.c.state == State.PENDING.value
    )
    tiers = (
        sa.select(table.c.id).where(stale, table.c.id.in_(waiting)),
        sa.select(table.c.id).where(stale, table.c.next_due_at <= soon).order_by(table.c.next_due_at),
        sa.select(table.c.id).where(stale, table.c.open_delivery.is_(None)),
    )
    found: dict[int, None] = {}
    for tier in tiers:
        if len(found) < limit:
            found |= dict.fromkeys(connection.execute(tier.limit(limit)).scalars())
    return list(found)[:limit]


def is_stale(person: Enrollment, dates_from: int) -> bool:
    """Return whether somebody's dates are still those of a version before *dates_from*."""
    return person.state == Stage.ACTIVE and person.version_id < dates_from


def turn(  # noqa: PLR0917 - what a turn needs
    connection: Connection, ids: Iterable[int], course: str, live: LiveCourse, dates_from: int, course_of: CourseOf, now: Now
) -> int:
    """Turn these enrollments of one *course* to its live version and return how many were.

    Those whose letter is being handed over wait for its result. Everybody is locked first, in the order of all locks, and
    read again.
    """
    people = enrollments.find_many(connection, list(ids))
    moves.lock_people(connection, [person.subscriber_id for person in people.values()])
    lock_rows(connection, table, sorted(people))
    people = enrollments.find_many(connection, list(people))
    stale = [person for person in people.values() if is_stale(person, dates_from)]
    letters = deliveries.find_many(connection, [person.open_delivery for person in stale if person.open_delivery is not None])
    histories = deliveries.histories(connection, [person.subscriber_id for person in stale], course)
    known: dict[tuple[Any, ...], Turn] = {}
    groups: list[tuple[dict[str, Any], list[int]]] = []
    passed: list[tuple[Enrollment, tuple[str, ...]]] = []
    done = 0
    for person in stale:
        delivery = letters.get(person.open_delivery or 0)
        if delivery is not None and delivery.state != State.PENDING:
            continue
        history = tuple(histories.get((person.subscriber_id, person.occasion()), ()))
        key = (person.likeness(), history, delivery and delivery.letter)
        if key not in known:
            old = course_of(person.version_id, person.course)
            letter = None if delivery is None else delivery.letter
            known[key] = turned(person, old, live, history, letter, now=now.calendar)
        found = known[key]
        if found.passed:
            passed.append((person, found.passed))
        if delivery is None:
            groups.append((found.changes, [person.id]))
        else:
            _with_open_letter(connection, person, delivery, found, live, now)
        done += 1
    enrollments.note_omissions_of_many(connection, passed, PASSED_BY)
    enrollments.change_many(connection, groups)
    return done


def locked(connection: Connection, enrollment_id: int, course_of: CourseOf, now: Now) -> tuple[Enrollment, LiveCourse]:
    """Return somebody, locked and turned to the version of her course that is live, and that course.

    Whoever cannot be turned yet, since a letter of hers is being handed over, is returned as she stands.
    """
    person = enrollments.locked(connection, enrollment_id)
    state = versions.running(connection)[person.course]
    course = course_of(state.version_id, person.course)
    if is_stale(person, state.dates_from):
        turn(connection, [person.id], person.course, course, state.dates_from, course_of, now)
        person = enrollments.locked(connection, person.id)
    return person, course


def foreseen(connection: Connection, person: Enrollment, live: LiveCourse, course_of: CourseOf, now: Now) -> Enrollment:
    """Return somebody as the next tick turns her to the live version; as she stands when a letter of hers comes first."""
    delivery = None if person.open_delivery is None else deliveries.find(connection, person.open_delivery)
    if delivery is not None and delivery.state != State.PENDING:
        return person
    history = deliveries.history(connection, person.subscriber_id, person.course, person.occasion())
    old = course_of(person.version_id, person.course)
    found = turned(person, old, live, history, delivery.letter if delivery else None, now=now.calendar)
    return person if found.withdrawn else person._replace(**found.changes)


def _with_open_letter(  # noqa: PLR0917 - a person and her letter
    connection: Connection, person: Enrollment, delivery: Delivery, found: Turn, live: LiveCourse, now: Now
) -> None:
    """Turn somebody whose next letter is open and not yet under way."""
    if not found.withdrawn:
        moves.apply(connection, person, Move(found.changes, found.slot, stays=found.slot is None), now, reason=delivery.reason)
        return
    enrollments.change(connection, person.id, found.changes)
    if deliveries.withhold(connection, [delivery.id], reason=Reason.REMOVED, now=now.machine):
        results.conclude(connection, [delivery], State.WITHHELD, {delivery.course: live}, calendar=now.calendar)
