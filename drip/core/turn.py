"""What another version of a course does to one person half-way: her next lesson, its date, and what passes her by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.enrollment import END, Changes, Pause, Stage, parked, placed
from drip.core.progress import Step, next_step, place_kept, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.timing import Rhythm, Slot


class Effect(StrEnum):
    """What a turn to another version means for a person."""

    SAME = "same"
    EARLIER = "earlier"
    LATER = "later"
    OTHER = "other"
    ENDS = "ends"


PASSED_BY = "an edit put it before her place"
"""Why somebody does not get a lesson that now stands before her place."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of one person to another version.

    *changes* go into her enrollment; *slot* is what an open letter takes (None: its dates stand, or it waits for her);
    *passed* names, by first ids, the lessons that now stand before her place and that she will not get; with *withdrawn*
    her open letter is of a lesson that is gone.
    """

    changes: Changes
    slot: Slot | None
    effect: Effect
    passed: tuple[str, ...] = ()
    withdrawn: bool = False


def turned(
    person: Enrollment, old: LiveCourse, new: LiveCourse, history: Sequence[str], opened: str | None, *, now: datetime
) -> Turn:
    """Return the turn of an active *person* from one version to another.

    *history* holds the first ids of the letters of this run that came to a result, oldest first; *opened* is the first id
    of her open letter. Next is the first lesson after her place that she has not had; an open letter of a lesson that
    still exists stays her next one. A date that the edit puts into the past is not late: it becomes her next own day,
    not within the hour, and not closer than the minimum gap.
    """
    had = frozenset(history)
    place = place_of(new.course, history, new.firsts) or place_kept(old, new, person.place)
    passed = passed_by(new, place, had, opened)
    version = {"version_id": new.version_id, "place": place}
    if opened is not None:
        current = new.current_id(opened)
        lesson = new.course.lessons.get(current or "")
        if lesson is None:
            return Turn(version, None, Effect.OTHER, passed, withdrawn=True)
        step: Step | None = Step(lesson, afterwards=lesson.id not in new.course.places)
        # With its result her place is there, and what the edit put before it has passed her by.
        passed += tuple(first for first in passed_by(new, lesson.id, had, opened) if first not in passed)
    else:
        step = next_step(new.course, place, had, new.firsts, afterwards=person.afterwards)
    if step is None:
        ends = {"state": Stage.FINISHED.value, "ended_at": now, "ended_why": "finished"}
        return Turn(END | version | ends, None, Effect.ENDS, passed)
    version["next_lesson"] = step.lesson.id
    if _stands(person, old, new, step):
        return Turn(version, None, Effect.SAME, passed)
    slot = _slot(person, step, person.rhythm(new.course), now)
    waits = person.paused == Pause.OPEN
    effect = _effect(person, old, new, step, slot)
    return Turn(version | _dated(person, new, step, slot), None if waits else slot, effect, passed)


def reopened(person: Enrollment, old: LiveCourse, new: LiveCourse, history: Sequence[str], *, now: datetime) -> Turn | None:
    """Return the turn of a *person* who had finished to a version that has lessons for her; None when it has none.

    They are those after her place that she has not had in this run, the later letters only if she wanted them. The first
    comes when its wait after her last letter is over; a date in the past becomes her next own day, not within the hour and
    not closer than the minimum gap.
    """
    had = frozenset(history)
    place = place_of(new.course, history, new.firsts) or place_kept(old, new, person.place)
    step = next_step(new.course, place, had, new.firsts, afterwards=person.afterwards)
    if step is None or place is None:
        return None
    slot = _slot(person, step, person.rhythm(new.course), now)
    changes = placed(slot) | {
        "state": Stage.ACTIVE.value,
        "ended_at": None,
        "ended_why": "",
        "version_id": new.version_id,
        "place": place,
        "next_lesson": step.lesson.id,
        "last_meant_on": timing.anchor_before(slot, step.lesson, person.rhythm(new.course), afterwards=step.afterwards),
        "asked_on": None,
    }
    return Turn(changes, slot, Effect.OTHER, passed_by(new, place, had, None))


def passed_by(new: LiveCourse, place: str | None, had: frozenset[str], opened: str | None) -> tuple[str, ...]:
    """Return the lessons that stand before her place and that she has neither had nor on the way."""
    if place is None:
        return ()
    places = new.course.places
    behind = places[place] + 1 if place in places else len(places)
    firsts = (new.first_id(lesson.id) for lesson in new.course.sequence[:behind])
    return tuple(first for first in firsts if first not in had and first != opened)


def _stands(person: Enrollment, old: LiveCourse, new: LiveCourse, step: Step) -> bool:
    """Return whether her next letter is the same lesson, dated by the same rules: then its date stands, late or paused."""
    before = old.course.lessons.get(person.next_lesson or "")
    if before is None or old.first_id(before.id) != new.first_id(step.lesson.id):
        return False
    rules = [(lesson.wait, lesson.anytime, lesson.anyday) for lesson in (before, step.lesson)]
    free = before.id not in old.course.places
    return rules[0] == rules[1] and free == step.afterwards and person.rhythm(old.course) == person.rhythm(new.course)


def _slot(person: Enrollment, step: Step, rhythm: Rhythm, now: datetime) -> Slot:
    anchor = person.last_meant_on or now.astimezone(rhythm.zone).date()
    meant_on = timing.meant_after(anchor, step.lesson, rhythm, afterwards=step.afterwards)
    return timing.redate(meant_on, step.lesson, rhythm, last_letter_on=person.last_letter_on, now=now)


def _dated(person: Enrollment, new: LiveCourse, step: Step, slot: Slot) -> Changes:
    """Return the columns that say *slot*, and keep a pause what it was."""
    anchor = timing.anchor_before(slot, step.lesson, person.rhythm(new.course), afterwards=step.afterwards)
    changes: Changes = {"last_meant_on": anchor}
    if person.paused == Pause.OPEN:
        return changes | parked(slot) | {"pause_from_on": slot.meant_on}
    if person.paused == Pause.WEEKS and person.pause_from_on is not None and person.next_meant_on is not None:
        changes["pause_from_on"] = slot.meant_on - (person.next_meant_on - person.pause_from_on)
    return changes | placed(slot)


def _effect(person: Enrollment, old: LiveCourse, new: LiveCourse, step: Step, slot: Slot) -> Effect:
    before = old.course.lessons.get(person.next_lesson or "")
    if before is None or old.first_id(before.id) != new.first_id(step.lesson.id):
        return Effect.OTHER
    if person.next_letter_on is None or slot.letter_on == person.next_letter_on:
        return Effect.SAME
    return Effect.EARLIER if slot.letter_on < person.next_letter_on else Effect.LATER
