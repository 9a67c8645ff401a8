"""Lapse: the time between a backup and its restore, in which letters went of which the restored books know nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from drip.core import timing
from drip.core.enrollment import placed, step_of
from drip.core.handover import opening_of

if TYPE_CHECKING:
    from datetime import datetime

    from drip.core.enrollment import Enrollment
    from drip.core.handover import Opening
    from drip.core.progress import LiveCourse
    from drip.core.timing import Slot

LOST = "the database came back from a backup; this letter may have gone"
"""How the detail of a delivery begins that is in doubt because of a lapse."""

ID_LOST = ", under an id that is lost"
"""What follows where the delivery itself was opened since: the provider knows it by an id that no book holds."""


class Lapse(NamedTuple):
    """What nobody can know: what went after *since*, when the books were last written, and up to *until* (calendar time)."""

    since: datetime
    until: datetime

    @property
    def detail(self) -> str:
        """What stands in a delivery that is in doubt because of it."""
        return f"{LOST} between {self.since:%Y-%m-%d %H:%M} and {self.until:%Y-%m-%d %H:%M} UTC"


def opening_in(person: Enrollment, course: LiveCourse, lapse: Lapse) -> Opening | None:
    """Return the letter that an engine at work in the lapse would have opened for a person; None when it was not her time.

    The engine's own decisions are asked, at the instants at which it would have come to them.
    """
    if person.next_due_at is None:
        return None
    at = max(person.next_due_at, lapse.since)
    found = None if at > lapse.until else opening_of(person, course, now=at)
    if found is None or found.goes:
        return found
    if found.slot.due_at > lapse.until:
        return None
    return opening_of(person._replace(**placed(found.slot)), course, now=found.slot.due_at)


def slot_in(slot: Slot, person: Enrollment, course: LiveCourse, lapse: Lapse) -> Slot | None:
    """Return where a scheduled letter that was open at the start of the lapse may have gone; None when it was not its time."""
    if slot.closes_at <= lapse.since and (step := step_of(person, course.course)) is not None:
        rhythm = person.rhythm(course.course)
        slot = timing.follow(slot, step.lesson, rhythm, last_letter_on=person.last_letter_on, now=lapse.since)
    return slot if slot.due_at <= lapse.until else None
