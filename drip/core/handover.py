"""The decisions before a hand-over: pure, so that a tick, a mark and a simulation cannot decide differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from drip.core import timing
from drip.core.delivery import RULES, Kind, Reason, Standing
from drip.core.enrollment import END, Pause, Stage, slot_of, step_of

if TYPE_CHECKING:
    from datetime import datetime

    from drip.core.enrollment import Changes, Enrollment
    from drip.core.progress import LiveCourse, Step
    from drip.core.timing import Slot


class Opening(NamedTuple):
    """What is to be done for a person who is due: her *step*, its *slot*, and whether it *goes* now or waits for that slot."""

    step: Step
    slot: Slot
    goes: bool


def opening_of(person: Enrollment, course: LiveCourse, *, now: datetime) -> Opening | None:
    """Return what is to be done at *now* for a person who is due; None when her lesson is gone.

    It is the same for everybody who is alike (`Enrollment.likeness`), so nothing here looks at who she is.
    """
    step, slot = step_of(person, course.course), slot_of(person, course.course)
    if step is None or slot is None:
        return None
    rhythm, last = person.rhythm(course.course), person.last_letter_on
    if timing.may_go(slot, rhythm, last_letter_on=last, now=now):
        return Opening(step, slot, goes=True)
    slot = timing.follow(slot, step.lesson, rhythm, last_letter_on=last, now=now)
    return Opening(step, slot, timing.may_go(slot, rhythm, last_letter_on=last, now=now))


def facts_of(person: Enrollment, course: LiveCourse, opening: Opening) -> dict[str, Any]:
    """Return what the delivery of a scheduled letter says that is opened for a person, and for everybody who is alike."""
    step, slot, _ = opening
    return {
        "course": person.course,
        "letter": course.first_id(step.lesson.id),
        "occasion": person.occasion(),
        "kind": Kind.LESSON.value,
        "version_id": course.version_id,
        "short": person.short,
        "resumed": person.was_away(slot.letter_on),
        "country": person.country if course.course.helplines_in(person.country) else "",
        "meant_on": slot.meant_on,
        "letter_on": slot.letter_on,
        "not_before": slot.due_at,
        "closes_at": slot.closes_at,
    }


def standing_of(person: Enrollment, *, suppression: str | None, erased: bool, held: bool) -> Standing:
    """Return what is true of a person at the moment before a hand-over, for `why_not`."""
    return Standing(
        consented=person.confirmed_at is not None,
        left=person.state in {Stage.LEFT, Stage.ENDED},
        erased=erased,
        suppression=suppression,
        paused=person.paused == Pause.OPEN,
        held=held,
    )


def why_later(
    kind: Kind, not_before: datetime | None, closes_at: datetime | None, person: Enrollment, course: LiveCourse, *, now: datetime
) -> Reason | None:
    """Return why an open letter that the person may have is not handed over at *now*; None when it goes."""
    if not_before is None or now < not_before:
        return Reason.LATER
    if not RULES[kind].window_and_gap:
        return None
    if closes_at is not None and now >= closes_at:
        return Reason.WINDOW
    rhythm = person.rhythm(course.course)
    today = now.astimezone(rhythm.zone).date()
    return Reason.GAP if timing.gap_ends_on(person.last_letter_on, rhythm) > today else None


def left(*, now: datetime) -> Changes:
    """Return the changes of a leave: the cursor keeps its dates for an undo, and nothing is due."""
    return {"state": Stage.LEFT.value, "ended_at": now, "ended_why": Reason.LEFT.value, "next_due_at": None}


def ended(reason: str, *, now: datetime) -> Changes:
    """Return the changes that end a run at an address that must not be mailed any more."""
    return {**END, "state": Stage.ENDED.value, "ended_at": now, "ended_why": reason}
