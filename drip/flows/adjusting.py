"""What a subscriber changes of her own course: pause, resume, settings, the next letter now, a phase again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any

from drip import clock
from drip.core.country import country_hint, country_names
from drip.core.delivery import Reason
from drip.core.enrollment import (
    Enrollment,
    Move,
    Stage,
    begun_again,
    paused_for,
    paused_open,
    resettled,
    resumed,
    step_of,
    why_not_now,
)
from drip.core.timeword import WEEKDAYS, zone_names
from drip.errors import NotFound, UsageError
from drip.store import deliveries, endings, enrollments, moves, recovery, stamps, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from datetime import date, datetime

    from drip.clock import Now
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

PAUSE_WEEKS = (1, 2, 4)
BEGAN_LATER = "she began again at a later phase"


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What a change came to: *acknowledged* is false while a letter of hers is still being handed over.

    *next_on* is the date of her next letter, None when none is dated.
    """

    acknowledged: bool
    next_on: date | None
    person: Enrollment


def pause(database: Database, library: Library, public_id: str, *, weeks: int | None, wait_seconds: float) -> Adjusted:
    """Pause for *weeks*, or until she says (None); pressing again replaces.

    Raises NotFound for a link that is nobody's and UsageError for a number of weeks that is not offered.
    """
    if weeks is not None and weeks not in PAUSE_WEEKS:
        msg = "a pause is for 1, 2 or 4 weeks, or until you say"
        raise UsageError(msg)

    def change(person: Enrollment, course: Course, now: datetime) -> Move | None:
        return paused_open(person, course) if weeks is None else paused_for(person, weeks, course, now=now)

    return _adjust(database, library, public_id, change, wait_seconds=wait_seconds, reason=Reason.PAUSED)


def resume(database: Database, library: Library, public_id: str, *, wait_seconds: float) -> Adjusted:
    """End a pause; harmless when she is not paused."""

    def change(person: Enrollment, course: Course, now: datetime) -> Move | None:
        return resumed(person, course, now=now)

    return _adjust(database, library, public_id, change, wait_seconds=wait_seconds, reason="")


def choose(database: Database, library: Library, public_id: str, choices: dict[str, str], *, wait_seconds: float) -> Adjusted:
    """Set any of the settings that a form offers.

    They are `weekday` (mon…sun or ''), `send_at` (HH:MM or ''), `zone`, `country` (two capitals or ''), `pace` (1 or 2) and
    `length` (full or short). Raises UsageError, naming what is offered, for a value that is not.
    """

    def change(person: Enrollment, course: Course, now: datetime) -> Move | None:
        return resettled(person, course, now=now, **settings_from(choices, course))

    stages = (Stage.ACTIVE, Stage.ASKED)
    return _adjust(database, library, public_id, change, wait_seconds=wait_seconds, reason="", stages=stages)


def next_now(database: Database, library: Library, public_id: str, *, lesson: str, wait_seconds: float) -> Adjusted:
    """Let the *lesson* that is her next one come at once; harmless when it is not her next any more, or not today.

    One a day: not on a day of hers on which a letter of the course went, or was asked for.
    """

    def act(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> bool:
        step = step_of(person, course.course)
        if step is None or step.lesson.id != lesson or why_not_now(person, course.course, now=now.calendar):
            return True
        if endings.listed(connection, person):
            return True
        return moves.bring_forward(connection, person, course, step, now)

    return _once_quiet(database, library, public_id, act, wait_seconds=wait_seconds)


def begin_again(database: Database, library: Library, public_id: str, *, phase: str, run: int, wait_seconds: float) -> Adjusted:
    """Begin a *phase* again in a new run; harmless when *run* is not her present one, since then it was pressed before.

    Nothing begins while her address stands in the register: after a leave she comes back by undoing it or by confirming.
    Raises NotFound for a link that is nobody's, or a phase that the course does not have.
    """

    def act(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> bool:
        if person.run != run or person.state not in {Stage.ACTIVE, Stage.FINISHED} or endings.listed(connection, person):
            return True
        begun = begun_again(person, course, phase, now=now.calendar)
        if begun is None:
            raise NotFound
        changes, before = begun
        if person.open_delivery is not None and not deliveries.withhold(
            connection, [person.open_delivery], reason=Reason.SUPERSEDED, now=now.machine
        ):
            return False
        enrollments.change(connection, person.id, changes)
        enrollments.note_omissions(connection, person._replace(**changes), before, BEGAN_LATER)
        return True

    return _once_quiet(database, library, public_id, act, wait_seconds=wait_seconds)


def settings_from(choices: dict[str, str], course: Course) -> dict[str, Any]:
    """Return enrollment columns from the words of a form; raises UsageError for a value that is not offered."""
    settings: dict[str, Any] = {}
    for name, value in choices.items():
        match name:
            case "weekday":
                if value and value not in course.allow.days:
                    msg = f"letters can come on {', '.join(course.allow.days)}"
                    raise UsageError(msg)
                settings["weekday"] = WEEKDAYS.index(value) if value else None
            case "send_at":
                settings["send_at"] = _hour(value, course) if value else None
            case "zone":
                settings["zone"] = _known(value, zone_names(), "time zone", "write one such as Europe/London")
            case "country":
                settings["country"] = value and _known(value, country_names(), "country", country_hint(value))
            case "pace" if value in {"1", "2"}:
                settings["pace"] = int(value)
            case "length" if value in {"full", "short"}:
                settings["short"] = value == "short"
            case _:
                msg = f"there is no choice {value!r} for {name}"
                raise UsageError(msg)
    return settings


def _known(value: str, known: Container[str], what: str, hint: str) -> str:
    if value not in known:
        msg = f"this is not a {what} we know; {hint}"
        raise UsageError(msg)
    return value


def _hour(value: str, course: Course) -> str:
    """Return a chosen hour as HH:MM; it leaves at least an hour before the end of what the course allows."""
    latest = time(max(course.allow.closes.hour - 1, 0), course.allow.closes.minute)
    try:
        chosen = time.fromisoformat(value)
    except ValueError:
        chosen = None
    if chosen is None or chosen.tzinfo is not None or not course.allow.opens <= chosen <= latest:
        msg = f"choose an hour from {course.allow.opens:%H:%M} to {latest:%H:%M}"
        raise UsageError(msg)
    return f"{chosen:%H:%M}"


def _adjust(
    database: Database,
    library: Library,
    public_id: str,
    change: Callable[[Enrollment, Course, datetime], Move | None],
    *,
    wait_seconds: float,
    reason: str,
    stages: Container[str] = (Stage.ACTIVE,),
) -> Adjusted:
    """Apply a move of somebody in one of *stages* as `_once_quiet` does."""

    def act(connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> bool:
        move = change(person, course.course, now.calendar) if person.state in stages else None
        return move is None or moves.apply(connection, person, move, now, reason=reason)

    return _once_quiet(database, library, public_id, act, wait_seconds=wait_seconds)


def _once_quiet(
    database: Database,
    library: Library,
    public_id: str,
    act: Callable[[Connection, Enrollment, LiveCourse, Now], bool],
    *,
    wait_seconds: float,
) -> Adjusted:
    """Do *act* under lock; while it is false a letter is on its way, which is waited for, and the act then meets the next one."""
    deadline = clock.monotonic() + wait_seconds
    while True:
        with database.write() as connection:
            now = stamps.now_in(connection)
            found = enrollments.find_by_public_id(connection, public_id)
            if found is None:
                raise NotFound
            person, course = turns.locked(connection, found.id, library.course, now)
            done = act(connection, person, course, now)
            after = enrollments.find(connection, person.id) or person
        if done:
            return Adjusted(acknowledged=True, next_on=None if after.paused == "open" else after.next_letter_on, person=after)
        left = max(0.0, deadline - clock.monotonic())
        if not recovery.wait_until_quiet(database, person.subscriber_id, library.course, wait_seconds=left):
            return Adjusted(acknowledged=False, next_on=None, person=after)
