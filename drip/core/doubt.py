"""Doubt: when a letter of which nobody knows whether the provider took it may go once more, and what that does to its person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.delivery import Kind, Reason, why_not
from drip.core.enrollment import Move, Pause, Stage, parked, slot_of
from drip.core.explanation import REASONS
from drip.core.progress import Step, next_step, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from drip.core.delivery import Standing
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse

WAITS = frozenset({Reason.PAUSED, Reason.HELD})
"""What keeps a letter back for a while, and forbids nothing: it waits for the end of it."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A letter in doubt, by its first id; *reported* says that the provider spoke of it, *newer* that another copy followed."""

    kind: Kind
    letter: str
    occasion: str
    meant_on: date
    letter_on: date
    reported: bool
    newer: bool


def why_not_again(letter: Doubted, person: Enrollment, course: LiveCourse, standing: Standing, had: Sequence[str]) -> str:
    """Return why a letter in doubt may not go once more, as words for an operator; '' when it may.

    *had* holds the first ids of the letters of this run that came to a result, oldest first. A pause or a hold does not
    forbid it: it waits. The mark looks at all of this again before any hand-over.
    """
    if letter.reported:
        return "the provider has spoken of it, so the provider had it"
    forbidden = why_not(letter.kind, standing)
    if forbidden is not None and forbidden not in WAITS:
        return REASONS[forbidden]
    if letter.kind is Kind.LESSON:
        return _why_no_lesson(letter, person, course, had)
    if letter.kind is Kind.SERVICE:
        return "its link is for the moment in which she asked for it; she can ask for a fresh one"
    if letter.newer:
        return "she has asked for it again since"
    if letter.kind is Kind.CONFIRMATION and person.state != Stage.ASKED:
        return "nobody waits for her answer any more"
    return ""


def _why_no_lesson(letter: Doubted, person: Enrollment, course: LiveCourse, had: Sequence[str]) -> str:
    """Return why a lesson is superseded: only the one that she stands at may take its place back."""
    current = course.current_id(letter.letter)
    if current is None or current not in course.course.lessons:
        return REASONS[Reason.REMOVED]
    if person.state not in {Stage.ACTIVE, Stage.FINISHED}:
        return "she is not on the course"
    if letter.occasion != person.occasion():
        return "she has begun again since"
    if person.open_delivery is not None:
        return "the letter after it is on its way already"
    if person.place != current:
        return "she has come to a later letter since"
    grown = next_step(course.course, current, frozenset(had), course.firsts, afterwards=person.afterwards)
    if person.state == Stage.FINISHED and grown is not None:
        return "she has finished, and an edit has added letters that are none of hers"
    return ""


def once_more(
    letter: Doubted, person: Enrollment, course: LiveCourse, had: Sequence[str], last_letter_on: date | None, *, now: datetime
) -> Move:
    """Return the move by which a lesson in doubt, which `why_not_again` allows, is somebody's next letter once more.

    *had* is as there, *last_letter_on* the date of the letter before it. It follows as any late letter does; during a pause
    of some weeks it takes the date that she was shown, and in a pause until she says it has none.
    """
    lesson = course.course.lessons[course.current_id(letter.letter) or ""]
    step = Step(lesson, afterwards=lesson.id not in course.course.places)
    rhythm = person.rhythm(course.course)
    missed = timing.slot_on(letter.letter_on, rhythm, meant_on=letter.meant_on)
    slot = timing.follow(missed, lesson, rhythm, last_letter_on=last_letter_on, now=now)
    shown = slot_of(person, course.course)
    if person.paused == Pause.WEEKS and shown is not None:
        slot = shown
    changes = parked(slot) | {
        "state": Stage.ACTIVE.value,
        "ended_at": None,
        "ended_why": "",
        "place": _before(letter, course, had),
        "next_lesson": lesson.id,
        "last_meant_on": timing.anchor_before(slot, lesson, rhythm, afterwards=step.afterwards),
        "last_letter_on": last_letter_on,
        "asked_on": None,
    }
    if person.paused == Pause.OPEN:
        return Move(changes | {"pause_from_on": slot.meant_on}, None)
    return Move(changes, slot)


def _before(letter: Doubted, course: LiveCourse, had: Sequence[str]) -> str | None:
    """Return where she stood before a letter: at the last one that she had, or beside it where she began."""
    found = place_of(course.course, [one for one in had if one != letter.letter], course.firsts)
    if found is not None:
        return found
    order = [lesson.id for lesson in (*course.course.sequence, *course.course.afterwards)]
    at = order.index(course.current_id(letter.letter) or "")
    return order[at - 1] if at else None
