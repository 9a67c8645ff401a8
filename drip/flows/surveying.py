"""Surveying: where everybody stands on a course, which letters fall due in the coming week, and what became of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from drip.core import timing
from drip.core.capacity import Window, foreseen
from drip.core.survey import DAYS, Map, Stops, Tally, Week, due_days, load_of, mapped, tallied
from drip.errors import NotFound
from drip.store import stamps, surveys, versions, warmups

if TYPE_CHECKING:
    from datetime import date

    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.session import Connection, Database
    from drip.store.versions import CourseState


def course_maps(database: Database, library: Library, *, real_on: date | None) -> list[Map]:
    """Return every running course with how many people stand at each of its lessons.

    *real_on* is the day on which letters go to real people: then drafts and unchecked letters stop them. None at the
    sandbox's door, where every letter goes.
    """
    with database.read() as connection:
        return [_map(connection, library, state, real_on) for state in versions.running(connection).values()]


def _map(connection: Connection, library: Library, state: CourseState, real_on: date | None) -> Map:
    live = library.course(state.version_id, state.id)
    stops = Stops(_held(state), _stopped(connection, library, state, live, real_on))
    return mapped(
        state.id,
        live,
        _titles(library, live, state.id),
        surveys.stands(connection, state.id, stamps.now_in(connection).calendar),
        surveys.omitted(connection, state.id),
        stops,
        lambda version: library.course(version, state.id),
    )


def _held(state: CourseState) -> str:
    return "" if state.held_at is None else state.held_reason or "held by an operator"


def _stopped(
    connection: Connection, library: Library, state: CourseState, live: LiveCourse, real_on: date | None
) -> dict[str, str]:
    """Return why the letter of a lesson does not go, by its id in the live version."""
    found = {}
    if real_on is not None:
        for lesson in live.course.lessons:
            why = library.why_not_real(live.version_id, state.id, live.first_id(lesson), real_on)
            if why:
                found[lesson] = why
    for row in versions.held_lessons(connection):
        if (row.course, row.version_id) == (state.id, state.version_id):
            found[live.current_id(row.letter) or row.letter] = row.detail or row.reason
    return found


def _titles(library: Library, live: LiveCourse, course: str) -> dict[str, str]:
    book = library.book(live.version_id, course)
    return {lesson: book.title(lesson) for lesson in live.course.lessons}


def weeks(database: Database, library: Library) -> list[Week]:
    """Return for every running course the letters that fall due in seven days, today's first, by the clock in its zone.

    They are the next letter of each person: what follows it within the same week has no date yet.
    """
    with database.read() as connection:
        return [_week(connection, library, state) for state in versions.running(connection).values()]


def _week(connection: Connection, library: Library, state: CourseState) -> Week:
    now = stamps.now_in(connection).calendar
    course = library.course(state.version_id, state.id).course
    limit = warmups.limit(connection, state.id, course, now)
    zone = ZoneInfo(course.timezone)
    today = now.astimezone(zone).date()
    ends = timing.instant(today + timedelta(days=DAYS), time.min, zone)
    due = surveys.due_by_quarter(connection, state.id, now, ends)
    overdue = surveys.overdue(connection, state.id, now)
    days = due_days(today, due, zone)
    found = Week(state.id, course.title, course.timezone, _held(state), days, overdue)
    if course.sending is None or limit is None:
        return found
    level = warmups.level_on(connection, state.id, course, now)
    # People's own hours lie all round the clock of the course: only the limit makes these letters late.
    latest = foreseen(load_of(days), course.sending, Window(time.min, time.max), level).latest
    late, on = (timedelta(), None) if latest is None else (latest.late, latest.day)
    return replace(found, per_hour=limit.per_hour, grows=course.sending.grow is not None, late=late, latest=on)


def outcomes(database: Database, library: Library, course: str, *, days: int | None, by_version: bool) -> tuple[str, list[Tally]]:
    """Return the title of a running course and what became of its letters, of those opened in the last *days*, or of all (None).

    The days are the machine's: they count back from the clock on the wall.
    """
    with database.read() as connection:
        state = versions.running(connection).get(course)
        if state is None:
            raise NotFound(f"there is no course {course!r}")
        since = None if days is None else stamps.now_in(connection).machine - timedelta(days=days)
        found = surveys.fates(connection, course, since)
    live = library.course(state.version_id, course)

    book = library.book(live.version_id, course)

    def title(letter: str, version: int) -> str:
        current = book.title(live.current_id(letter) or letter)
        if current != letter or version == live.version_id:
            return current
        # Only what is gone is looked up where it was: to read an old version takes a while.
        then = library.course(version, course)
        return library.book(version, course).title(then.current_id(letter) or letter)

    return live.course.title, tallied(live, title, found, by_version=by_version)


def course_ids(database: Database) -> list[str]:
    """Return the ids of the running courses."""
    with database.read() as connection:
        return list(versions.running(connection))
