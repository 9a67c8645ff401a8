"""One subscriber's run through one course: its facts, and what each happening does to its cursor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from drip.core import timing
from drip.core.delivery import IN_MAILBOX, State
from drip.core.progress import Step, next_step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course
    from drip.core.timing import Rhythm, Slot


class Stage(StrEnum):
    """Where an enrollment stands as a whole; stored as a plain string."""

    ASKED = "asked"
    ACTIVE = "active"
    FINISHED = "finished"
    LEFT = "left"
    ENDED = "ended"


class Pause(StrEnum):
    """How an enrollment is paused: not, for some weeks, or until she says."""

    NONE = ""
    WEEKS = "weeks"
    OPEN = "open"


class Enrollment(NamedTuple):
    """The facts of one enrollment as they are stored; see `drip.store.tables`.

    `next_due_at` is None while a delivery is open, while paused until she says, before she confirmed, and after the end.
    The first `WHO` fields say who she is; in the others many people are alike.
    """

    id: int
    public_id: str
    subscriber_id: int
    open_delivery: int | None
    deliveries_due: int
    confirmed_at: datetime | None
    course: str
    state: str
    zone: str
    weekday: int | None
    send_at: str | None
    pace: int
    short: bool
    afterwards: bool
    run: int
    place: str | None
    last_meant_on: date | None
    last_letter_on: date | None
    next_lesson: str | None
    next_meant_on: date | None
    next_letter_on: date | None
    next_due_at: datetime | None
    next_closes_at: datetime | None
    version_id: int
    paused: str
    pause_from_on: date | None
    resumed: bool
    ended_at: datetime | None
    ended_why: str
    country: str = ""
    asked_on: date | None = None
    keep: bool = False

    def rhythm(self, course: Course) -> Rhythm:
        """Return when she wants her letters; a zone that no longer exists is read as the course's."""
        # Thousands share one: it is worked out once for each course.
        key = (self.zone, self.weekday, self.send_at, self.pace)
        found = course.rhythms.get(key)
        if found is None:
            send_at = None if self.send_at is None else time.fromisoformat(self.send_at)
            zone = zone_of(self.zone, course)
            found = timing.rhythm_of(course, zone, weekday=self.weekday, send_at=send_at, pace=self.pace)
            course.rhythms[key] = found
        return found

    def likeness(self) -> tuple[Any, ...]:
        """Return everything that dates are worked out from: people who are alike in it have the same dates.

        What only says who she is stays out. A batch asks once for each likeness, not once for each person.
        """
        return self[WHO:]

    def occasion(self) -> str:
        """Return the occasion of a letter in the present run."""
        return f"run:{self.run}"

    def was_away(self, on: date) -> bool:
        """Whether a letter that goes *on* a day is the first after a pause that cost her the date of one.

        A pause that was taken back in time left everything as it was, so nobody is to be welcomed back.
        """
        base = self.pause_from_on
        return self.resumed or (self.paused != Pause.NONE and base is not None and on > base)

    def had_afterwards(self, course: Course) -> bool:
        """Whether the next lesson is one of the letters after the last phase."""
        return self.next_lesson not in course.places


WHO = Enrollment._fields.index("course")

_ZONES: dict[tuple[str, str], ZoneInfo] = {}


def zone_of(name: str, course: Course) -> ZoneInfo:
    """Return the zone called *name*; one that the machine does not know never blocks anybody: the course's zone serves."""
    key = (name, course.timezone)
    found = _ZONES.get(key)
    if found is None:
        try:
            found = ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            found = ZoneInfo(course.timezone)
        _ZONES[key] = found
    return found


Changes = dict[str, Any]
"""New values of enrollment columns."""

END: Changes = {
    "next_lesson": None,
    "next_meant_on": None,
    "next_letter_on": None,
    "next_due_at": None,
    "next_closes_at": None,
    "open_delivery": None,
    "paused": Pause.NONE.value,
    "pause_from_on": None,
}
"""A cursor that points nowhere."""


def placed(slot: Slot) -> Changes:
    """Return the cursor columns that say *slot*."""
    return {
        "next_meant_on": slot.meant_on,
        "next_letter_on": slot.letter_on,
        "next_due_at": slot.due_at,
        "next_closes_at": slot.closes_at,
    }


def parked(slot: Slot) -> Changes:
    """Return the cursor columns that keep the dates of *slot* while nothing is to be opened at it."""
    return placed(slot) | {"next_due_at": None}


def begun(enrollment: Enrollment, course: Course, *, now: datetime) -> Changes:
    """Return the changes that start the present run at *now*: the first lesson, at once where it may go at any time."""
    lesson = course.sequence[0]
    rhythm = enrollment.rhythm(course)
    slot = timing.first_slot(lesson, rhythm, now=now)
    if timing.gap_ends_on(enrollment.last_letter_on, rhythm) > now.astimezone(rhythm.zone).date():
        # She had a letter in an earlier run only yesterday: the first one keeps its distance, too.
        slot = timing.follow(slot, lesson, rhythm, last_letter_on=enrollment.last_letter_on, now=now)
    anchor = slot.meant_on - timing.wait_of(lesson, rhythm)
    return placed(slot) | {
        "state": Stage.ACTIVE.value,
        "confirmed_at": enrollment.confirmed_at or now,
        "next_lesson": lesson.id,
        "last_meant_on": anchor,
    }


def begun_again(enrollment: Enrollment, course: LiveCourse, phase: str, *, now: datetime) -> tuple[Changes, list[str]] | None:
    """Return the changes that start a new run at a *phase*, and the first ids of the lessons that stand before it.

    Its first letter comes on her next own weekday. None for a phase that the course does not have.
    """
    found = next((one for one in course.course.phases if one.id == phase and one.lessons), None)
    if found is None:
        return None
    lesson = found.lessons[0]
    before = course.course.sequence[: course.course.places[lesson.id]]
    rhythm = enrollment.rhythm(course.course)
    slot = timing.own_day_from_now(rhythm, last_letter_on=enrollment.last_letter_on, now=now)
    changes = (
        END
        | placed(slot)
        | {
            "state": Stage.ACTIVE.value,
            "ended_at": None,
            "ended_why": "",
            "run": enrollment.run + 1,
            "version_id": course.version_id,
            "place": before[-1].id if before else None,
            "next_lesson": lesson.id,
            "last_meant_on": timing.anchor_before(slot, lesson, rhythm),
            "resumed": False,
            "asked_on": None,
        }
    )
    return changes, [course.first_id(one.id) for one in before]


@dataclass(frozen=True, slots=True)
class Result:
    """How one delivery of a lesson ended: *lesson* is her place now, *went_on* the local date the letter went."""

    lesson: str | None
    meant_on: date
    state: State
    went_on: date | None


def advanced(
    enrollment: Enrollment, result: Result, course: Course, had: AbstractSet[str], firsts: Mapping[str, str], *, now: datetime
) -> Changes:
    """Return the changes that a result brings: her new place, and the date of the lesson that follows, or the end.

    *had* holds the first ids of all lessons of this run that came to a result, this one included.
    """
    went = result.state in IN_MAILBOX
    last_letter_on = result.went_on if went else enrollment.last_letter_on
    changes: Changes = {
        "place": result.lesson,
        "last_meant_on": result.meant_on,
        "last_letter_on": last_letter_on,
        "open_delivery": None,
    }
    paused = enrollment.paused
    if paused == Pause.WEEKS:
        changes |= {"paused": Pause.NONE.value, "pause_from_on": None}
        paused = Pause.NONE
    if went:
        changes["resumed"] = False
    step = next_step(course, result.lesson, had, firsts, afterwards=enrollment.afterwards)
    if enrollment.state != Stage.ACTIVE:
        return changes | {"next_lesson": step.lesson.id if step else None}
    if step is None:
        return END | changes | {"state": Stage.FINISHED.value, "ended_at": now, "ended_why": "finished"}
    rhythm = enrollment.rhythm(course)
    slot = timing.next_slot(
        step.lesson, rhythm, last_meant_on=result.meant_on, last_letter_on=last_letter_on, afterwards=step.afterwards
    )
    changes["next_lesson"] = step.lesson.id
    if paused == Pause.OPEN:
        return changes | parked(slot) | {"pause_from_on": slot.meant_on}
    return changes | placed(slot)


def slot_of(enrollment: Enrollment, course: Course) -> Slot | None:
    """Return where the next letter stands, also while it is parked; None when nothing follows."""
    if enrollment.next_meant_on is None or enrollment.next_letter_on is None:
        return None
    if enrollment.next_due_at is not None and enrollment.next_closes_at is not None:
        return timing.Slot(enrollment.next_meant_on, enrollment.next_letter_on, enrollment.next_due_at, enrollment.next_closes_at)
    return timing.slot_on(enrollment.next_letter_on, enrollment.rhythm(course), meant_on=enrollment.next_meant_on)


def step_of(enrollment: Enrollment, course: Course) -> Step | None:
    """Return the next lesson as a step of the course; None when nothing follows or an edit removed it."""
    lesson = course.lessons.get(enrollment.next_lesson or "")
    return None if lesson is None else Step(lesson, afterwards=enrollment.had_afterwards(course))


@dataclass(frozen=True, slots=True)
class Move:
    """A new date for the next letter: the enrollment's changes, and the slot an open delivery takes (None: it waits).

    With *stays* the dates are as they were, and an open delivery is left alone.
    """

    changes: Changes
    slot: Slot | None
    stays: bool = False


def paused_for(enrollment: Enrollment, weeks: int, course: Course, *, now: datetime) -> Move | None:
    """Return the move of a pause of *weeks*; pressing again replaces. None when no letter follows."""
    step, slot = step_of(enrollment, course), slot_of(enrollment, course)
    if step is None or slot is None:
        return None
    rhythm = enrollment.rhythm(course)
    base = enrollment.pause_from_on or slot.meant_on
    if enrollment.pause_from_on is None and slot.closes_at <= now:
        base = timing.follow(slot, step.lesson, rhythm, last_letter_on=enrollment.last_letter_on, now=now).meant_on
    new = timing.pause_for(base, weeks, step.lesson, rhythm, now=now)
    anchor = timing.anchor_before(new, step.lesson, rhythm, afterwards=step.afterwards)
    changes = placed(new) | {"paused": Pause.WEEKS.value, "pause_from_on": base, "last_meant_on": anchor}
    return Move(changes, new)


def paused_open(enrollment: Enrollment, course: Course) -> Move | None:
    """Return the move of a pause until she says; None when no letter follows."""
    slot = slot_of(enrollment, course)
    if slot is None:
        return None
    changes = parked(slot) | {"paused": Pause.OPEN.value, "pause_from_on": enrollment.pause_from_on or slot.meant_on}
    return Move(changes, None)


class NotNow(StrEnum):
    """Why the next letter cannot come at once."""

    NOTHING = "nothing"
    TODAY = "today"
    ASKED = "asked"


def why_not_now(enrollment: Enrollment, course: Course, *, now: datetime) -> NotNow | None:
    """Return why the next letter cannot be asked for at *now*: none follows, one went today, or it is on its way already.

    A day is hers, where she lives; a move to an earlier zone makes no second one of it.
    """
    today = now.astimezone(enrollment.rhythm(course).zone).date()
    if enrollment.state != Stage.ACTIVE or step_of(enrollment, course) is None:
        return NotNow.NOTHING
    if enrollment.last_letter_on is not None and enrollment.last_letter_on >= today:
        return NotNow.TODAY
    if enrollment.asked_on is not None and enrollment.asked_on >= today:
        return NotNow.ASKED
    return None


def resumed(enrollment: Enrollment, course: Course, *, now: datetime) -> Move | None:
    """Return the move of a resume: the first day of hers on or after both the original meant date and today.

    None when she is not paused or no letter follows.
    """
    step, slot = step_of(enrollment, course), slot_of(enrollment, course)
    if enrollment.paused == Pause.NONE or step is None or slot is None:
        return None
    rhythm = enrollment.rhythm(course)
    base = enrollment.pause_from_on or slot.meant_on
    new = timing.resume(base, step.lesson, rhythm, last_letter_on=enrollment.last_letter_on, now=now)
    anchor = timing.anchor_before(new, step.lesson, rhythm, afterwards=step.afterwards)
    changes = placed(new) | {
        "paused": Pause.NONE.value,
        "pause_from_on": None,
        "last_meant_on": anchor,
        "resumed": enrollment.resumed or new.letter_on > base,
    }
    return Move(changes, new)


def resettled(enrollment: Enrollment, course: Course, *, now: datetime, **settings: Any) -> Move:  # noqa: ANN401 - column values
    """Return the move of new settings: any of zone, weekday, send_at, pace, short, country.

    A new weekday takes the nearest date; another zone, hour or pace recounts from the last meant date. While she is
    paused the letter keeps its pause. What changes nothing moves nothing.
    """
    after = enrollment._replace(**settings)
    step, slot = step_of(after, course), slot_of(enrollment, course)
    old, new = enrollment.rhythm(course), after.rhythm(course)
    if step is None or slot is None or old == new:
        return Move(dict(settings), None, stays=True)
    lesson, last = step.lesson, enrollment.last_letter_on
    meant_on = slot.meant_on
    if new.pace != old.pace and enrollment.last_meant_on is not None and enrollment.paused == Pause.NONE:
        meant_on = timing.meant_after(enrollment.last_meant_on, lesson, old_day(new, old), afterwards=step.afterwards)
    if new.weekdays != old.weekdays:
        moved = timing.move_to_weekday(meant_on, lesson, new, last_letter_on=last, now=now)
    else:
        moved = timing.redate(meant_on, lesson, new, last_letter_on=last, now=now)
    anchor = timing.anchor_before(moved, lesson, new, afterwards=step.afterwards)
    changes: Changes = dict(settings) | {"last_meant_on": anchor}
    if enrollment.paused == Pause.OPEN:
        return Move(changes | parked(moved) | {"pause_from_on": moved.meant_on}, None)
    return Move(changes | placed(moved), moved)


def old_day(new: Rhythm, old: Rhythm) -> Rhythm:
    """Return the *new* rhythm on the weekdays of the *old* one: a recount comes before the move to another day."""
    return replace(new, weekdays=old.weekdays)
