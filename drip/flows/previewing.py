"""Previewing: what of a subscriber a letter depends on, so that it can be shown as she would read it; nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.core.enrollment import Pause
from drip.core.outlook import coming
from drip.core.reader import Reader
from drip.errors import NotFound
from drip.store import deliveries, enrollments, stamps, stories, subscribers, turns, versions

if TYPE_CHECKING:
    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.mail.library import Library
    from drip.store.session import Connection, Database
    from drip.store.versions import CourseState

NAMED = "hers"
"""The key of a reader who is a subscriber; it names nobody."""


def subscriber_behind(database: Database, address_key: str) -> int:
    """Return the id of the subscriber behind a keyed address; raises NotFound with what the register says."""
    with database.read() as connection:
        person = subscribers.find_by_key(connection, address_key)
        if person is None:
            raise NotFound(stories.nobody(stories.registered(connection, address_key)))
        return person.id


def readers_of(database: Database, library: Library, subscriber_id: int) -> dict[str, Reader]:
    """Return a subscriber as a reader of each of her courses; raises NotFound where she has none."""
    with database.read() as connection:
        now = stamps.now_in(connection)
        person = subscribers.find(connection, subscriber_id)
        running = versions.running(connection)
        found = [] if person is None else enrollments.find_for(connection, subscriber_id)
        if person is None or not found:
            raise NotFound("this person is on no course")
        return {one.course: _reader(connection, library, one, person.name, running[one.course], now) for one in found}


def _reader(  # noqa: PLR0917 - one person and where she stands
    connection: Connection, library: Library, person: Enrollment, name: str, state: CourseState, now: Now
) -> Reader:
    live = library.course(state.version_id, person.course)
    if turns.is_stale(person, state.dates_from):
        person = turns.foreseen(connection, person, live, library.course, now)
    had = frozenset(deliveries.history(connection, person.subscriber_id, person.course, person.occasion()))
    ahead = next(iter(coming(person, live, had, now=now.calendar)), None)
    return Reader(
        NAMED,
        "The subscriber you named",
        name=name,
        zone=person.zone,
        country=person.country,
        weekday=person.weekday,
        send_at=person.send_at,
        pace=person.pace,
        short=person.short,
        back=ahead is not None and person.was_away(ahead.slot.letter_on),
        resting=person.paused == Pause.OPEN,
        afterwards=person.afterwards,
        keep=person.keep,
        meant_on=ahead.slot.meant_on if ahead else None,
        letter_on=ahead.slot.letter_on if ahead else None,
        next_lesson=ahead.step.lesson.id if ahead else "",
    )
