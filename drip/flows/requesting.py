"""Requesting: letters that she asks for just now beside the course: a copy, the kit for rough days, a link to her page."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from drip.core.delivery import IN_MAILBOX, MY_LINK, Kind
from drip.core.enrollment import Stage
from drip.store import deliveries, endings, enrollments, services, stamps, subscribers, turns

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

COPIES_A_DAY = 3
LINKS_A_DAY = 3

_NONCE = re.compile(r"[A-Za-z0-9_-]{8,24}")


class Requested(StrEnum):
    """What became of a request."""

    ON_ITS_WAY = "on-its-way"
    ENOUGH = "enough"
    NOTHING = "nothing"
    BARRED = "barred"


def copy(database: Database, library: Library, public_id: str, *, letter: str, nonce: str) -> Requested:
    """Mail a *letter* of the course that she had once more, in the words of today; a form pressed twice makes one copy.

    *nonce* is the form's own. Three a day are enough.
    """

    def ask(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> Requested:
        first = course.first_id(letter)
        known = deliveries.ended(connection, person.id)
        had = [one for one in known if one.letter in {letter, first} and one.kind == Kind.LESSON and one.state in IN_MAILBOX]
        if not had or course.current_id(had[-1].letter) is None or _NONCE.fullmatch(nonce) is None:
            return Requested.NOTHING
        occasion = f"again:{nonce}"
        if deliveries.existing(connection, person.course, had[-1].letter, [(person.subscriber_id, occasion)]):
            return Requested.ON_ITS_WAY
        if services.asked_since(connection, person, "again:", today(person, course, now)) >= COPIES_A_DAY:
            return Requested.ENOUGH
        services.open_letter(connection, person, course, had[-1].letter, Kind.ASKED, occasion, now, short=had[-1].short)
        return Requested.ON_ITS_WAY

    return _request(database, library, public_id, ask)


def kit(database: Database, library: Library, public_id: str, *, real_on: date | None = None) -> Requested:
    """Mail the letter for rough days as it is live, as often as the schedule lets it.

    With *real_on*, the date at a real door, nothing is mailed that must not go to real people.
    """

    def ask(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> Requested:
        kits = course.course.on_demand
        if not kits or (real_on is not None and library.why_not_real(course.version_id, person.course, kits[0].id, real_on)):
            return Requested.NOTHING
        letter, day = course.first_id(kits[0].id), today(person, course, now)
        again = again_on(services.last_asked_on(connection, person, letter), kits[0].mail_at_most_every)
        if again is not None and again > day:
            return Requested.ENOUGH
        services.open_letter(connection, person, course, letter, Kind.ASKED, day.isoformat(), now)
        return Requested.ON_ITS_WAY

    return _request(database, library, public_id, ask)


def kit_again_on(database: Database, public_id: str, letter: str, every: int) -> date | None:
    """Return the first day on which the kit can be mailed again to somebody who had it; None for whoever did not."""
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
        return None if person is None else again_on(services.last_asked_on(connection, person, letter), every)


def again_on(last: date | None, every: int) -> date | None:
    """Return the first day after *last* on which a letter may be mailed that comes at most every so many days."""
    return None if last is None else last + timedelta(days=max(every, 1))


def link(database: Database, library: Library, public_id: str, *, nonce: str) -> Requested:
    """Mail a fresh link to her page, which opens what only the owner of the mailbox may do; three a day are enough."""

    def ask(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> Requested:
        occasion = f"page:{nonce}"
        if _NONCE.fullmatch(nonce) is None:
            return Requested.NOTHING
        if deliveries.existing(connection, person.course, MY_LINK, [(person.subscriber_id, occasion)]):
            return Requested.ON_ITS_WAY
        if services.asked_since(connection, person, "page:", today(person, course, now)) >= LINKS_A_DAY:
            return Requested.ENOUGH
        services.open_letter(connection, person, course, MY_LINK, Kind.SERVICE, occasion, now)
        return Requested.ON_ITS_WAY

    return _request(database, library, public_id, ask, stages=frozenset(Stage), bars=_barred)


def today(person: Enrollment, course: LiveCourse, now: Now) -> date:
    """Return the calendar's date where she lives."""
    return now.calendar.astimezone(person.rhythm(course.course).zone).date()


def _barred(connection: Connection, person: Enrollment) -> bool:
    """Whether not even a letter may go that one may ask for who left."""
    subscriber = subscribers.find(connection, person.subscriber_id)
    return subscriber is None or endings.barred(connection, subscriber.address_key, person.course)


def _request(
    database: Database,
    library: Library,
    public_id: str,
    ask: Callable[[Connection, Enrollment, LiveCourse, Now], Requested],
    *,
    stages: frozenset[str] = frozenset({Stage.ACTIVE, Stage.FINISHED}),
    bars: Callable[[Connection, Enrollment], bool] = endings.listed,
) -> Requested:
    """Do *ask* for somebody in one of *stages* under her lock, so that two presses at once see each other.

    *bars* says whether the register keeps the letter from her.
    """
    with database.write() as connection:
        now = stamps.now_in(connection)
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            return Requested.NOTHING
        person, course = turns.locked(connection, found.id, library.course, now)
        if person.state not in stages:
            return Requested.NOTHING
        return Requested.BARRED if bars(connection, person) else ask(connection, person, course, now)
