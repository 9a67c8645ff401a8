"""Leaving, at once and for good, and the days in which it can be undone: thirty, or as many as she is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from drip.core import timing
from drip.core.delivery import Reason
from drip.core.enrollment import Move, Pause, Stage, placed
from drip.core.progress import Step, next_step, place_kept, place_of
from drip.core.turn import PASSED_BY, passed_by
from drip.errors import NotFound
from drip.store import chores, deliveries, endings, enrollments, moves, recovery, stamps, subscribers, versions

if TYPE_CHECKING:
    from datetime import date

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

UNDO_DAYS = 30

log = structlog.get_logger("drip.leave")


@dataclass(frozen=True, slots=True)
class Leaving:
    """What became of a wish to leave.

    *acknowledged* is true once nothing of hers is under way any more; until then one letter may still arrive. An
    unknown or erased person is acknowledged too: there is nothing to stop.
    """

    known: bool
    acknowledged: bool


def leave(database: Database, library: Library, public_id: str, *, source: str, wait_seconds: float) -> Leaving:
    """Leave a course: commit first, so that nothing new begins, then wait until nothing of hers is being handed over.

    *wait_seconds* bounds the wait; no lock is held while waiting.
    """
    try:
        subscriber_id, erased = _left(database, public_id, source)
    except NotFound:
        return Leaving(known=False, acknowledged=True)
    quiet = recovery.wait_until_quiet(database, subscriber_id, library.course, wait_seconds=wait_seconds)
    if erased:
        # She is being erased, and pressed meanwhile: what is true of her letters is said, and nothing of her is known.
        return Leaving(known=False, acknowledged=quiet)
    log.info("left", subscriber=subscriber_id, source=source, acknowledged=quiet)
    return Leaving(known=True, acknowledged=quiet)


def _left(database: Database, public_id: str, source: str) -> tuple[int, bool]:
    """Commit a leave and return the subscriber, and whether she is being erased; raises NotFound for a link that is nobody's."""
    with database.write() as connection:
        now = stamps.now_in(connection)
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            raise NotFound
        person = enrollments.locked(connection, found.id)
        subscriber = subscribers.find(connection, person.subscriber_id)
        erased = subscriber is None or subscriber.erased_at is not None
        if subscriber is not None and not erased:
            endings.leave(connection, person, subscriber.address_key, now, source=source)
    return person.subscriber_id, erased


def undo_days(course: Course) -> int:
    """Return for how many days a leave can be undone: not longer than she is kept."""
    return min(UNDO_DAYS, course.retention.left)


def undo_until(person: Enrollment, course: Course) -> date | None:
    """Return the day, where she lives, to whose end somebody who left can come back to her place; None when she has not."""
    if person.state != Stage.LEFT or person.ended_at is None:
        return None
    return (person.ended_at + timedelta(days=undo_days(course))).astimezone(person.rhythm(course).zone).date()


def undo(database: Database, library: Library, public_id: str, *, source: str) -> bool:
    """Come back within thirty days of leaving, at the place she left; False when it is too late or she had not left."""
    try:
        return _undo(database, library, public_id, source)
    except NotFound:
        return False


def _undo(database: Database, library: Library, public_id: str, source: str) -> bool:
    with database.write() as connection:
        now = stamps.now_in(connection)
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            return False
        person = enrollments.locked(connection, found.id)
        state = versions.running(connection)[person.course]
        course = library.course(state.version_id, person.course)
        subscriber = subscribers.find(connection, person.subscriber_id)
        until, today = undo_until(person, course.course), now.calendar.astimezone(person.rhythm(course.course).zone).date()
        if until is None or today > until or subscriber is None or subscriber.address is None:
            return False
        if endings.barred(connection, subscriber.address_key, person.course):
            return False
        endings.lift(connection, subscriber.address_key, person.course)
        chores.ask(
            connection,
            chores.CLEAR,
            address=subscriber.address,
            address_key=subscriber.address_key,
            subscriber_id=subscriber.id,
            reason="undone",
            now=now.machine,
        )
        back: dict[str, Any] = {
            "state": Stage.ACTIVE.value,
            "ended_at": None,
            "ended_why": "",
            "paused": Pause.NONE.value,
            "pause_from_on": None,
        }
        if person.confirmed_at is None:
            # She is where she was, asked: only the button of her letter says yes.
            enrollments.change(connection, person.id, back | {"state": Stage.ASKED.value})
            return True
        subscribers.note_consent(connection, person.subscriber_id, person.course, "agreed", now=now.machine, source=source)
        person = _without_removed(connection, person, course, now)
        person, step = _turned(connection, person, library.course(person.version_id, person.course), course)
        back |= {"version_id": person.version_id, "place": person.place}
        if step is None:
            enrollments.change(connection, person.id, back | {"state": Stage.FINISHED.value, "ended_at": now.calendar})
            return True
        rhythm = person.rhythm(course.course)
        today = now.calendar.astimezone(rhythm.zone).date()
        meant_on = timing.meant_after(person.last_meant_on or today, step.lesson, rhythm, afterwards=step.afterwards)
        slot = timing.resume(meant_on, step.lesson, rhythm, last_letter_on=person.last_letter_on, now=now.calendar)
        anchor = timing.anchor_before(slot, step.lesson, rhythm, afterwards=step.afterwards)
        changes = back | placed(slot) | {"next_lesson": step.lesson.id, "last_meant_on": anchor}
        if not moves.apply(connection, person, Move(changes, slot), now):
            # A letter of hers is being handed over at this moment: its result dates the one that follows.
            enrollments.change(connection, person.id, back)
    return True


def _without_removed(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> Enrollment:
    """Withhold her open letter when its lesson was removed while she was away, and return her without it."""
    opened = None if person.open_delivery is None else deliveries.find(connection, person.open_delivery)
    if opened is None or course.current_id(opened.letter) is not None:
        return person
    if not deliveries.withhold(connection, [opened.id], reason=Reason.REMOVED, now=now.machine):
        return person
    enrollments.change(connection, person.id, {"open_delivery": None})
    return person._replace(open_delivery=None)


def _turned(connection: Connection, person: Enrollment, old: LiveCourse, course: LiveCourse) -> tuple[Enrollment, Step | None]:
    """Return somebody who is back as she stands in the version that is live, and what comes next for her.

    That is her open letter, or the first lesson after her place that she has not had. What edits put before her place
    meanwhile is noted as passed.
    """
    had = deliveries.history(connection, person.subscriber_id, person.course, person.occasion())
    place = place_of(course.course, had, course.firsts) or place_kept(old, course, person.place)
    person = person._replace(version_id=course.version_id, place=place)
    opened = None if person.open_delivery is None else deliveries.find(connection, person.open_delivery)
    letter = None if opened is None else opened.letter
    enrollments.note_omissions(connection, person, passed_by(course, place, frozenset(had), letter), PASSED_BY)
    lesson = course.course.lessons.get(course.current_id(letter or "") or "")
    if lesson is not None:
        return person, Step(lesson, afterwards=lesson.id not in course.course.places)
    return person, next_step(course.course, place, frozenset(had), course.firsts, afterwards=person.afterwards)


def stage(database: Database, public_id: str) -> str | None:
    """Return the stage of the enrollment that a link names; None when it is nobody's."""
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
    return None if person is None else person.state
