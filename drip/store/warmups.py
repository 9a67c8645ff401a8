"""Warm-ups: how many letters an hour each course may have today, and what is remembered of how that grew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.capacity import Level, Limit, grown, limit_on, moved_on
from drip.core.enrollment import zone_of
from drip.store import tallies
from drip.store.session import add_new
from drip.store.tables import warmups

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from sqlalchemy.engine import Connection

    from drip.core.schedule import Course
    from drip.store.session import Database


def find(connection: Connection, course_id: str) -> Level | None:
    """Return what is remembered of the warm-up of a course."""
    row = connection.execute(
        sa.select(warmups.c.began, warmups.c.per_hour, warmups.c.day).where(warmups.c.course == course_id)
    ).first()
    return None if row is None else Level(*row)


def limit(connection: Connection, course_id: str, course: Course, calendar: datetime) -> Limit | None:
    """Return the limit of a course at *calendar*; None where it has none. It is right before and after the day's first tick."""
    if course.sending is None:
        return None
    today = _today(course, calendar)
    per_hour = limit_on(today, course.sending, *_remembered(connection, course_id, course))
    went, gone_today = tallies.in_hour(connection, course_id, calendar), _went(connection, course_id, course, today)
    grows_to = 0 if course.sending.grow is None else grown(per_hour, course.sending.grow, per_hour)
    return Limit(per_hour, went, gone_today, grows_to)


def level_on(connection: Connection, course_id: str, course: Course, calendar: datetime) -> Level | None:
    """Return where the growth of a course stands on the day of *calendar*; None where nothing grows."""
    return _before_and_after(connection, course_id, course, calendar)[1]


def keep_up(database: Database, courses: Mapping[str, Course], calendar: datetime) -> None:
    """Remember where the limits stand that grow: news once a day and course, each in a transaction of its own."""
    with database.read() as connection:
        steps = {name: _before_and_after(connection, name, course, calendar) for name, course in courses.items()}
    for name in [name for name, (before, after) in steps.items() if before != after]:
        with database.write() as connection:
            move_on(connection, name, courses[name], calendar)


def move_on(connection: Connection, course_id: str, course: Course, calendar: datetime) -> bool:
    """Remember where the limit of a course stands on the day of *calendar*, and return whether that was news.

    Any number of ticks may do this at once: only the one that finds the row as it was read writes it.
    """
    level, after = _before_and_after(connection, course_id, course, calendar)
    if after == level:
        return False
    row = warmups.c.course == course_id
    if level is None or after is None:
        if after is not None:
            return add_new(connection, warmups, [{"course": course_id, **_values(after)}]) == 1
        return connection.execute(warmups.delete().where(row)).rowcount == 1
    same = (warmups.c.began == level.began, warmups.c.per_hour == level.per_hour, warmups.c.day == level.day)
    return connection.execute(warmups.update().where(row, *same).values(**_values(after))).rowcount == 1


def _before_and_after(
    connection: Connection, course_id: str, course: Course, calendar: datetime
) -> tuple[Level | None, Level | None]:
    level, letters = _remembered(connection, course_id, course)
    return level, None if course.sending is None else moved_on(_today(course, calendar), course.sending, level, letters)


def _values(level: Level) -> dict[str, int | date]:
    return {"began": level.began, "per_hour": level.per_hour, "day": level.day}


def _remembered(connection: Connection, course_id: str, course: Course) -> tuple[Level | None, int]:
    """Return the level and how many letters went on its day."""
    level = find(connection, course_id)
    return level, 0 if level is None else _went(connection, course_id, course, level.day)


def _went(connection: Connection, course_id: str, course: Course, day: date) -> int:
    return tallies.on_day(connection, course_id, day, zone_of("", course))


def _today(course: Course, calendar: datetime) -> date:
    """Return the day of the course's own zone: in UTC it might change in the middle of its hours."""
    return calendar.astimezone(zone_of("", course)).date()
