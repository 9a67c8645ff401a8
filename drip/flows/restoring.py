"""Restoring: an operator answers for a database that came back from a backup, and no letter goes twice for it.

The engine went on after the backup was made, and its books of that time are lost. Whatever would have gone in between is
in doubt: it counts as had, is never repeated by itself, and nobody's rhythm moves. Each page is a transaction, and a run
that broke off goes on where it was when the command is given again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from drip.clock import Now
from drip.core.delivery import OPEN, Kind, State
from drip.core.handover import facts_of
from drip.core.lapse import ID_LOST, Lapse, opening_in, slot_in
from drip.core.timing import Slot
from drip.errors import DripError, UsageError
from drip.store import deliveries, enrollments, moves, restores, results, stamps, turns

if TYPE_CHECKING:
    from datetime import date, datetime

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.restores import Memory, Standstill
    from drip.store.session import Connection, Database

PAGE = 200
AT_WORK_SECONDS = 60

log = structlog.get_logger("drip.restore")


class AtWork(DripError):
    """Nothing speaks for a restore: a worker has been at work on this database within the last minute."""


class NothingRan(DripError):
    """Nothing ever ran on this database, so nothing can have gone from it; there is nothing to answer for."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was answered for: the time of which nothing is known, and how many letters are in doubt because of it."""

    lapse: Lapse
    letters: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def doubted(self) -> int:
        """How many letters are in doubt now."""
        return self.letters.total()


def expected(database: Database, *, since: datetime | None, until: datetime | None) -> Lapse:
    """Return the lapse that `restored` would answer for; raises AtWork or NothingRan, and changes nothing."""
    with database.read() as connection:
        return _lapse(connection, stamps.now_in(connection), since, until)[1]


def restored(
    database: Database,
    library: Library,
    memory: Memory | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Restored:
    """Doubt every letter that may have gone between the backup and *until* (now by default), and let the engine go on.

    *since* is the last tick that the books know of, unless an operator knows better; *memory* is this host's.
    """
    with database.write() as connection:
        now = stamps.now_in(connection)
        why, lapse = _lapse(connection, now, since, until)
        # From here on no worker hands anything over, and a second run has the same lapse.
        restores.stand_still(connection, restores.Standstill(why, lapse.since, lapse.until), now)
    done = Restored(lapse)
    after = 0
    while page := _page_of_open(database, library, lapse, after, done):
        after = page
    after = 0
    while page := _page_of_due(database, library, lapse, after, done):
        after = page
    with database.write() as connection:
        restores.go_on(connection, stamps.now_in(connection))
    if memory is not None:
        with database.read() as connection:
            memory.keep(connection)
    log.warning("restored", since=lapse.since.isoformat(), until=lapse.until.isoformat(), uncertain=done.doubted)
    return done


def _lapse(connection: Connection, now: Now, since: datetime | None, until: datetime | None) -> tuple[str, Lapse]:
    standing: Standstill | None = restores.standstill(connection)
    beat = stamps.last_beat(connection, "tick")
    if standing is None and beat is None:
        raise NothingRan
    if standing is None and beat is not None and (now.machine - beat.machine_at).total_seconds() < AT_WORK_SECONDS:
        raise AtWork
    known = standing.since if standing else beat.calendar_at if beat else now.calendar
    first = since or known
    last = until or (standing.until if standing else None) or now.calendar
    if last > now.calendar or first > last:
        msg = f"the time that is lost begins at {first:%Y-%m-%d %H:%M} UTC and cannot end before that, nor after now"
        raise UsageError(msg)
    return (standing.why if standing else "an operator said that it was restored"), Lapse(first, last)


def _page_of_open(database: Database, library: Library, lapse: Lapse, after: int, done: Restored) -> int:
    """Doubt a page of what was open at the backup and may have gone since; return where it ends, 0 when nothing is left."""
    with database.write() as connection:
        page = restores.open_page(connection, lapse.until, after, PAGE)
        moves.lock_people(connection, [subscriber_id for _, _, subscriber_id in page])
        now = stamps.now_in(connection)
        for delivery_id, enrollment_id, _ in page:
            person, course = _as_then(connection, library, enrollment_id, lapse, now)
            found = deliveries.find(connection, delivery_id)
            if found is None or found.state not in OPEN or found.not_before is None:
                continue
            went_on = found.letter_on
            if found.kind == Kind.LESSON and found.closes_at is not None:
                slot = slot_in(Slot(found.meant_on, found.letter_on, found.not_before, found.closes_at), person, course, lapse)
                if slot is None:
                    continue
                went_on = slot.letter_on
            _doubt(connection, delivery_id, course, lapse.detail, went_on, lapse, now, done)
    return page[-1][0] if page else 0


def _page_of_due(database: Database, library: Library, lapse: Lapse, after: int, done: Restored) -> int:
    """Doubt what would have been opened for a page of people since the backup; return where it ends, 0 when nothing is left."""
    with database.write() as connection:
        page = restores.due_page(connection, lapse.until, after, PAGE)
        moves.lock_people(connection, [subscriber_id for _, subscriber_id in page])
        now = stamps.now_in(connection)
        for enrollment_id, _ in page:
            person, course = _as_then(connection, library, enrollment_id, lapse, now)
            while (opening := opening_in(person, course, lapse)) is not None:
                facts = facts_of(person, course, opening)
                if deliveries.existing(connection, person.course, facts["letter"], [(person.subscriber_id, facts["occasion"])]):
                    # She had it by another way; the next tick finds the letter that follows.
                    break
                (opened,) = deliveries.open_alike(connection, [(facts, [person.id])], now=now.machine)
                enrollments.park_at(connection, [opened])
                detail = f"{lapse.detail}{ID_LOST}"
                _doubt(connection, opened, course, detail, opening.slot.letter_on, lapse, now, done)
                person = enrollments.locked(connection, enrollment_id)
    return page[-1][0] if page else 0


def _as_then(
    connection: Connection, library: Library, enrollment_id: int, lapse: Lapse, now: Now
) -> tuple[Enrollment, LiveCourse]:
    """Return somebody, locked, and turned to the live version as the engine turned her right after the backup."""
    return turns.locked(connection, enrollment_id, library.course, Now(now.machine, lapse.since))


def _doubt(  # noqa: PLR0917 - a delivery and what is known of it
    connection: Connection,
    delivery_id: int,
    course: LiveCourse,
    detail: str,
    went_on: date,
    lapse: Lapse,
    now: Now,
    done: Restored,
) -> None:
    if not restores.lose_sight(connection, delivery_id, went_on=went_on, detail=detail, now=now.machine):
        return
    for ended in deliveries.find_many(connection, [delivery_id]).values():
        results.conclude(connection, [ended], State.UNCERTAIN, {ended.course: course}, calendar=lapse.until)
        done.letters[ended.course, ended.letter] += 1
