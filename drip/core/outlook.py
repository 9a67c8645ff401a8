"""What lies ahead of one person: her coming letters and their dates, as far as they can be foreseen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.enrollment import Pause, Stage, slot_of, step_of
from drip.core.progress import next_step

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import date, datetime

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse, Step
    from drip.core.schedule import Course
    from drip.core.timing import Slot


@dataclass(frozen=True, slots=True)
class Coming:
    """A letter that lies ahead, and when it comes if nothing is changed."""

    step: Step
    slot: Slot


def coming(person: Enrollment, course: LiveCourse, had: AbstractSet[str], *, now: datetime) -> list[Coming]:
    """Return the letters ahead of *person* in order; none while she is paused until she says, or not on the course.

    *had* holds the first ids of the lessons of this run that came to a result.
    """
    step, slot = step_of(person, course.course), slot_of(person, course.course)
    if person.state != Stage.ACTIVE or person.paused == Pause.OPEN or step is None or slot is None:
        return []
    rhythm = person.rhythm(course.course)
    if slot.closes_at <= now:
        slot = timing.follow(slot, step.lesson, rhythm, last_letter_on=person.last_letter_on, now=now)
    found = [Coming(step, slot)]
    while True:
        last = found[-1]
        had = had | {course.first_id(last.step.lesson.id)}
        after = following(person, course, last.step, had, meant_on=last.slot.meant_on, went_on=last.slot.letter_on)
        if after is None:
            return found
        found.append(after)


def following(
    person: Enrollment, course: LiveCourse, step: Step, had: AbstractSet[str], *, meant_on: date, went_on: date
) -> Coming | None:
    """Return the letter after *step* and its date, when that one goes on *went_on*; None when it is the last."""
    after = next_step(course.course, step.lesson.id, had, course.firsts, afterwards=person.afterwards)
    if after is None:
        return None
    rhythm = person.rhythm(course.course)
    slot = timing.next_slot(after.lesson, rhythm, last_meant_on=meant_on, last_letter_on=went_on, afterwards=after.afterwards)
    return Coming(after, slot)


def last_day(person: Enrollment, course: Course) -> date | None:
    """Return the last day, where *person* lives, on which her page is there; None while no such day is set."""
    kept = course.retention
    days = {Stage.FINISHED.value: kept.finished, Stage.LEFT.value: kept.left, Stage.ENDED.value: kept.left}.get(person.state)
    if days is None or person.ended_at is None or (person.keep and person.state == Stage.FINISHED):
        return None
    return (person.ended_at + timedelta(days=days)).astimezone(person.rhythm(course).zone).date()
