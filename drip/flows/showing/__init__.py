"""Showing: what pages say of a person's course and of the installation; it reads and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.core.address import masked
from drip.errors import DripError
from drip.flows.showing.letters import first_subject, kit, letter_again, next_title, system_subject, title
from drip.flows.showing.map import ELSEWHERE, course_map, other_letters, sources
from drip.flows.showing.shown import Shown
from drip.store import deliveries, enrollments, migrations, restores, stamps, subscribers, versions
from drip.store.session import DatabaseTrouble

if TYPE_CHECKING:
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.session import Database

__all__ = [
    "ELSEWHERE",
    "Shown",
    "course_map",
    "find",
    "first_subject",
    "kit",
    "letter_again",
    "live_courses",
    "next_title",
    "other_letters",
    "sources",
    "system_subject",
    "title",
    "why_not_ready",
]

TICK_SECONDS_MAX = 60.0
"""A last tick older than this means that nothing is sent any more."""


def find(database: Database, library: Library, public_id: str) -> Shown | None:
    """Return what pages may show to the holder of a link; None when it is nobody's, or hers who was erased."""
    with database.read() as connection:
        now = stamps.now_in(connection)
        person = enrollments.find_by_public_id(connection, public_id)
        if person is None:
            return None
        subscriber = subscribers.find(connection, person.subscriber_id)
        if subscriber is None or subscriber.address is None or subscriber.erased_at is not None:
            return None
        ended = deliveries.ended(connection, person.id)
        reason = subscribers.suppressed(connection, [subscriber.address_key], person.course).get(subscriber.address_key, "")
        omitted = enrollments.omitted(connection, person.id)
        state = versions.running(connection)[person.course]
        lesson = person.next_lesson or ""
        held = state.held_at is not None or versions.lesson_held(connection, person.course, lesson, version_id=state.version_id)
    live = library.course(state.version_id, person.course)
    return Shown(person, live, masked(subscriber.address), subscriber.address_key, tuple(ended), now, held, reason, omitted)


def live_courses(database: Database, library: Library) -> dict[str, LiveCourse]:
    """Return every course that is live, by id."""
    with database.read() as connection:
        running = versions.running(connection)
    return {course_id: library.course(state.version_id, course_id) for course_id, state in running.items()}


def why_not_ready(database: Database) -> list[str]:
    """Return what keeps letters from going out, in sentences: the database, its tables, the ticks; none when all is well."""
    try:
        database.require()
        migrations.require_newest(database)
        with database.read() as connection:
            now = stamps.now_in(connection)
            beat = stamps.last_beat(connection, "tick")
            still = restores.standstill(connection)
    except DripError as trouble:
        return [str(trouble)]
    except DatabaseTrouble as trouble:
        return [f"the database does not answer ({type(trouble.orig).__name__})"]
    if still is not None:
        return [f"{still.why}; nothing goes until an operator runs: drip restored"]
    if beat is None:
        return ["there was no tick yet; start the worker and beat"]
    age = (now.machine - beat.machine_at).total_seconds()
    return [f"the last tick was {age:.0f} seconds ago; see whether the worker and beat run"] if age > TICK_SECONDS_MAX else []
