"""Which lesson comes next for a person half-way, whatever was edited meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from drip.core.schedule import Course, Lesson


class Step(NamedTuple):
    """The next lesson of a run; *afterwards* when it belongs to the letters after the last phase."""

    lesson: Lesson
    afterwards: bool


def first_ids(course: Course, known: Mapping[str, str]) -> dict[str, str]:
    """Return for each lesson id of *course* the first id it ever had, which its deliveries refer to.

    *known* holds the renames of all versions before; a rename once applied is kept for ever. Only *known* is asked, never
    what this course adds to it: its `was` lines all speak of the versions before, in whatever order they stand.
    """
    found = dict(known)
    for lesson in course.lessons.values():
        if lesson.was is not None and known.get(lesson.id) != lesson.was:
            found[lesson.id] = known.get(lesson.was, lesson.was)
    return found


def place_of(course: Course, history: Sequence[str], firsts: Mapping[str, str]) -> str | None:
    """Return the lesson of *history* (first ids, oldest first) that she had most recently and that still exists."""
    current = {firsts.get(lesson_id, lesson_id): lesson_id for lesson_id in course.lessons}
    return next((current[first] for first in reversed(history) if first in current), None)


def place_kept(old: LiveCourse, new: LiveCourse, place: str | None) -> str | None:
    """Return where *place*, a lesson of *old*, stands in *new*: itself, else the last before it that stayed.

    It serves whoever has a place without letters behind it: she began elsewhere, or began a phase again.
    """
    order = [lesson.id for lesson in (*old.course.sequence, *old.course.afterwards)]
    before = order[: order.index(place) + 1] if place in order else []
    stayed = (new.current_id(old.first_id(lesson_id)) for lesson_id in reversed(before))
    return next((lesson_id for lesson_id in stayed if lesson_id in new.course.lessons), None)


def steps_after(course: Course, place: str | None, *, afterwards: bool) -> list[Step]:
    """Return the lessons that stand after *place* in the order of the course, the later letters only for who opted in."""
    later = [Step(lesson, afterwards=True) for lesson in course.afterwards] if afterwards else []
    if place is not None and place not in course.places:
        ids = [step.lesson.id for step in later]
        # Where her place lies among the later letters and she no longer wants them, nothing follows.
        return later[ids.index(place) + 1 :] if place in ids else []
    begin = 0 if place is None else course.places[place] + 1
    return [Step(lesson, afterwards=False) for lesson in course.sequence[begin:]] + later


def next_step(
    course: Course, place: str | None, had: AbstractSet[str], firsts: Mapping[str, str], *, afterwards: bool
) -> Step | None:
    """Return the first lesson after her place that she has not had in this run; None at the end.

    *had* holds first ids.
    """
    return next(
        (
            step
            for step in steps_after(course, place, afterwards=afterwards)
            if firsts.get(step.lesson.id, step.lesson.id) not in had
        ),
        None,
    )


@dataclass(frozen=True)
class LiveCourse:
    """The version of a course that is live: its number, the course, and the first id of each renamed lesson."""

    version_id: int
    course: Course
    firsts: Mapping[str, str]

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The first ids of all dated lessons in their order, the later letters last."""
        return tuple(self.first_id(lesson_id) for lesson_id in self.course.lessons)

    def first_id(self, lesson_id: str) -> str:
        """Return the id that deliveries of a lesson carry."""
        return self.firsts.get(lesson_id, lesson_id)

    def current_id(self, first_id: str) -> str | None:
        """Return what the lesson that deliveries call *first_id* is called now; None when it was removed."""
        if first_id in self.course.letter_ids and self.firsts.get(first_id, first_id) == first_id:
            return first_id
        return next((lesson_id for lesson_id in self.course.letter_ids if self.firsts.get(lesson_id) == first_id), None)
