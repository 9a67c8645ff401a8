"""Overseeing: what wants a person, beyond how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.enrollment import Stage
from drip.errors import NotFound
from drip.store import enrollments, stamps, subscribers, surveys, versions

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from drip.mail.library import Library
    from drip.store.session import Database


@dataclass(frozen=True, slots=True)
class Unready:
    """A letter that must not go to real people as it is, and for how many it is the next one."""

    course: str
    lesson: str
    why: str
    next_for: int


@dataclass(frozen=True, slots=True)
class Wants:
    """What waits for a person: letters in doubt, and letters that are not ready."""

    doubts: int
    unready: tuple[Unready, ...]


@dataclass(frozen=True, slots=True)
class Someone:
    """A subscriber as operators see her; *address* is whole, and stands on her own page alone.

    *others* are her enrollments in other courses.
    """

    address: str
    name: str
    address_key: str
    others: tuple[Enrollment, ...]


def wants(database: Database, library: Library, *, real: bool) -> Wants:
    """Return what waits for a person; behind the sandbox's door every letter is ready."""
    with database.read() as connection:
        today = stamps.now_in(connection).machine.date()
        doubts = surveys.doubts(connection)
        running = versions.running(connection) if real else {}
        waiting = {course: surveys.nexts(connection, course) for course in running}
    unready = []
    for course_id, state in running.items():
        live = library.course(state.version_id, course_id)
        for lesson in live.course.lessons:
            why = library.why_not_real(state.version_id, course_id, live.first_id(lesson), today)
            if why:
                unready.append(Unready(course_id, lesson, why, waiting[course_id].get(lesson, 0)))
    return Wants(doubts, tuple(unready))


def someone(database: Database, public_id: str) -> Someone:
    """Return whom an enrollment belongs to; raises NotFound where there is nobody, or nobody any more."""
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
        subscriber = None if person is None else subscribers.find(connection, person.subscriber_id)
        if person is None or subscriber is None or subscriber.address is None or subscriber.erased_at is not None:
            raise NotFound("there is nobody here any more")
        others = [one for one in enrollments.find_for(connection, subscriber.id) if one.id != person.id]
    return Someone(subscriber.address, subscriber.name, subscriber.address_key, tuple(others))


def page_of(database: Database, address_key: str) -> str | None:
    """Return whose page belongs to a keyed address: a run that goes on, else the newest; None for nobody."""
    with database.read() as connection:
        found = subscribers.find_by_key(connection, address_key)
        if found is None or found.address is None:
            return None
        runs = enrollments.find_for(connection, found.id)
    active = [one for one in runs if one.state == Stage.ACTIVE]
    return (active or runs)[-1].public_id if runs else None
