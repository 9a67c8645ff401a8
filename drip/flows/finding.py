"""Finding people for an operator: one by her address, or all of them a page at a time; it reads and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.address import masked
from drip.core.enrollment import Pause, Stage
from drip.errors import NotFound
from drip.store import enrollments, listings, stamps, stories, subscribers, turns, versions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from drip.core.enrollment import Enrollment
    from drip.mail.library import Library
    from drip.store.listings import Listed
    from drip.store.session import Connection, Database
    from drip.store.versions import CourseState

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """How somebody stands in one course: *lesson* and *on* are her next letter and its date, '' and None without one.

    *weekdays* and *send_at* are those that hold for her, the course's where she chose none; *register* says why her
    address must not be mailed, '' when it may.
    """

    person: Enrollment
    title: str
    lesson: str
    on: date | None
    weekdays: tuple[int, ...]
    send_at: str
    register: str


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody behind an address, which is shown masked, and her courses."""

    address: str
    runs: tuple[Run, ...]


def find(database: Database, library: Library, address_key: str, *, course: str = "") -> Found:
    """Return the person behind a keyed address with her courses, or the one *course*; raises NotFound where there is none."""
    with database.read() as connection:
        someone = subscribers.find_by_key(connection, address_key)
        if someone is None or someone.address is None:
            raise NotFound(stories.nobody(stories.registered(connection, address_key)))
        found = [one for one in enrollments.find_for(connection, someone.id) if course in {"", one.course}]
        if not found:
            raise NotFound(f"this person is on no course called {course!r}" if course else "this person is on no course")
        running = versions.running(connection)
        runs = tuple(_run(connection, library, one, running[one.course], address_key) for one in found)
        return Found(masked(someone.address), runs)


def _run(connection: Connection, library: Library, person: Enrollment, state: CourseState, address_key: str) -> Run:
    live = library.course(state.version_id, person.course)
    if turns.is_stale(person, state.dates_from):
        person = turns.foreseen(connection, person, live, library.course, stamps.now_in(connection))
    rhythm = person.rhythm(live.course)
    waits = person.state != Stage.ACTIVE or person.paused == Pause.OPEN
    return Run(
        person,
        live.course.title,
        (person.next_lesson or "") if person.state == Stage.ACTIVE else "",
        None if waits else person.next_letter_on,
        tuple(sorted(rhythm.weekdays)),
        f"{rhythm.opens:%H:%M}",
        subscribers.suppressed(connection, [address_key], person.course).get(address_key, ""),
    )


def people(
    database: Database, *, course: str = "", state: str = "", after: int = 0, limit: int | None = None
) -> Iterator[Listed]:
    """Yield enrollments in the order of their ids, those after *after*; a page is held at a time, however many there are.

    Raises NotFound for a course that does not run.
    """
    with database.read() as connection:
        if course:
            versions.running_as(connection, course)
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        with database.read() as connection:
            page = listings.people(connection, course=course, state=state, after=after, limit=size)
        yield from page
        if len(page) < size:
            return
        after = page[-1].id
        left = None if left is None else left - len(page)
