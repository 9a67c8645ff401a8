"""Reopening: everybody who had finished and for whom an edit has lessons goes on, once an operator accepted just that.

The version that reopens goes live at once; the people follow in pages, each in a transaction of its own. Where the pages have
come to is one row, so that whoever finds it goes on from there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.enrollment import Stage
from drip.core.turn import PASSED_BY, reopened
from drip.store import deliveries, enrollments, moves, stamps
from drip.store.session import among, lock_rows
from drip.store.standings import reachable
from drip.store.tables import beats
from drip.store.tables import enrollments as table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.enrollment import Changes, Enrollment
    from drip.core.progress import LiveCourse

    CourseOf = Callable[[int, str], LiveCourse]
    """Returns a course as it stands in a version."""

BEAT = "reopening"
"""The row of `beats` that says where the pages have come to in each course: how far, and below which version."""

WINDOW = 5_000
"""How many numbers of enrollments a page looks at."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Progress = dict[str, dict[str, int]]


def begin(connection: Connection, courses: Iterable[str], version_id: int, now: Now) -> None:
    """Let everybody who finished one of these courses before version *version_id* be looked at, in pages."""
    found = pending(connection, lock=True)
    last = int(connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0)
    found |= {course: {"version": version_id, "after": 0, "last": last} for course in courses}
    _note(connection, found, now)


def call_off(connection: Connection, courses: Collection[str], now: Now) -> None:
    """Let whoever has not been looked at yet stay finished: these courses have other lessons now, which nobody accepted."""
    if not courses:
        return
    found = pending(connection, lock=True)
    left = {course: progress for course, progress in found.items() if course not in courses}
    if left != found:
        _note(connection, left, now)


def pending(connection: Connection, *, lock: bool = False) -> Progress:
    """Return how far the pages have come in each course that has some left."""
    query = sa.select(beats.c.detail).where(beats.c.name == BEAT)
    if lock:
        query = query.with_for_update()
    found: Progress = json.loads(connection.execute(query).scalar() or "{}")
    return found


def work(connection: Connection, course: str, live: LiveCourse, course_of: CourseOf, now: Now) -> int:
    """Reopen a page of people of a course and return how many went on; two at once take turns."""
    found = pending(connection, lock=True)
    here = found.get(course)
    if here is None:
        return 0
    until = here["after"] + WINDOW
    ids = _page(connection, course, here["version"], here["after"], until)
    count = _reopen(connection, enrollments.find_many(connection, ids), live, course_of, now)
    if until >= here["last"]:
        del found[course]
    else:
        here["after"] = until
    _note(connection, found, now)
    return count


def _note(connection: Connection, found: Progress, now: Now) -> None:
    # A release forgets heartbeats of the future; this is none, however wrong the clock was.
    stamps.beat(connection, BEAT, replace(now, machine=EPOCH), json.dumps(found, sort_keys=True))


def _page(connection: Connection, course: str, version_id: int, after: int, until: int) -> list[int]:
    query = sa.select(table.c.id).where(
        table.c.id > after,
        table.c.id <= until,
        table.c.course == course,
        table.c.state == Stage.FINISHED.value,
        table.c.version_id < version_id,
        reachable(course),
    )
    return list(connection.execute(query.order_by(table.c.id)).scalars())


def _reopen(connection: Connection, people: dict[int, Enrollment], live: LiveCourse, course_of: CourseOf, now: Now) -> int:
    """Reopen those of these people of one course who finished still, and may be written to still, once they are locked."""
    if not people:
        return 0
    course = next(iter(people.values())).course
    moves.lock_people(connection, [person.subscriber_id for person in people.values()])
    lock_rows(connection, table, sorted(people))
    still = sa.select(table.c.id).where(among(table.c.id, list(people)), table.c.state == Stage.FINISHED.value, reachable(course))
    people = enrollments.find_many(connection, list(connection.execute(still).scalars()))
    histories = deliveries.histories(connection, [person.subscriber_id for person in people.values()], course)
    groups: list[tuple[Changes, list[int]]] = []
    passed: list[tuple[Enrollment, tuple[str, ...]]] = []
    for person in people.values():
        history = histories.get((person.subscriber_id, person.occasion()), [])
        turn = reopened(person, course_of(person.version_id, course), live, history, now=now.calendar)
        if turn is not None:
            groups.append((turn.changes, [person.id]))
            passed.append((person._replace(version_id=live.version_id), turn.passed))
    enrollments.note_omissions_of_many(connection, passed, PASSED_BY)
    enrollments.change_many(connection, groups)
    return len(groups)
