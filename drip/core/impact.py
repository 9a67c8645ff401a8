"""What an edit does to everybody on a course: counted from the turns of all, with the hazards that follow from them."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drip.core.plan import Hazard, PersonTurn
from drip.core.progress import steps_after
from drip.core.turn import Effect, turned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course
    from drip.core.turn import Turn

ALIKE_FROM = 0.6
"""How much of two letters must be the same (by difflib) for the one to be suspected to be the other under a new name."""

BURST_MIN = 50
BURST_TIMES = 2


@dataclass(slots=True)
class Impact:
    """The turns of everybody on one course, as they are added one by one."""

    old: LiveCourse
    new: LiveCourse
    now: datetime
    effects: Counter[str] = field(default_factory=Counter)
    turns: list[PersonTurn] = field(default_factory=list)
    unread: int = 0
    passed: int = 0
    before: Counter[date] = field(default_factory=Counter)
    after: Counter[date] = field(default_factory=Counter)
    _known: dict[tuple[object, ...], tuple[Turn, bool, bool]] = field(default_factory=dict)

    def add(self, person: Enrollment, since: LiveCourse, history: Sequence[str], opened: str | None) -> None:
        """Add an active person, whose dates are those of the version *since*; the rest is as for `core.turn.turned`."""
        key = (person.likeness(), tuple(history), opened)
        if key not in self._known:
            turn = turned(person, since, self.new, history, opened, now=self.now)
            self._known[key] = (turn, self._lost(since, person, history), bool(set(turn.passed) - self._behind(since, person)))
        turn, lost, passed = self._known[key]
        self.effects[turn.effect.value] += 1
        self.unread += lost
        self.passed += passed
        on_after = turn.changes.get("next_letter_on", person.next_letter_on)
        for counter, day in ((self.before, person.next_letter_on), (self.after, on_after)):
            if day is not None:
                counter[day] += 1
        if turn.effect is not Effect.SAME or passed:
            next_after = turn.changes.get("next_lesson", person.next_lesson)
            found = (person.next_lesson, person.next_letter_on, next_after, on_after, turn.passed if passed else ())
            self.turns.append(PersonTurn(person.id, turn.effect.value, *found))

    def hazards(self, letters: Mapping[str, str], letters_before: Mapping[str, str]) -> list[Hazard]:
        """Return what must be accepted by name; the letters are texts by lesson id, of the new files and of the old."""
        renames = self._suspected(letters, letters_before)
        found = [
            Hazard("removed-unread", self.unread, "people lose a lesson that was still before them"),
            Hazard("will-not-get", self.passed, "people are past the place where a lesson now stands"),
            Hazard("suspected-rename", renames, "a removed and a new lesson read alike; if one is the other, write was: old-id"),
            self._burst(),
            self._over_capacity(self.new.course),
        ]
        return [hazard for hazard in found if hazard.count]

    def _lost(self, since: LiveCourse, person: Enrollment, history: Sequence[str]) -> bool:
        kept = {self.new.first_id(lesson.id) for lesson in self.new.course.lessons.values()}
        ahead = steps_after(since.course, person.place, afterwards=person.afterwards)
        return any(first not in kept and first not in history for first in (since.first_id(step.lesson.id) for step in ahead))

    @staticmethod
    def _behind(since: LiveCourse, person: Enrollment) -> set[str]:
        """Return the lessons that stood before her place already: an edit takes nothing from her there."""
        if person.place is None:
            return set()
        ahead = {step.lesson.id for step in steps_after(since.course, person.place, afterwards=True)}
        return {since.first_id(lesson.id) for lesson in since.course.sequence if lesson.id not in ahead}

    def _suspected(self, letters: Mapping[str, str], letters_before: Mapping[str, str]) -> int:
        before = {self.old.first_id(lesson.id): lesson.id for lesson in self.old.course.lessons.values()}
        after = {self.new.first_id(lesson.id): lesson.id for lesson in self.new.course.lessons.values()}
        gone = [letters_before.get(lesson, "") for first, lesson in before.items() if first not in after]
        come = [letters.get(lesson, "") for first, lesson in after.items() if first not in before]
        return sum(
            any(
                difflib.SequenceMatcher(None, one, other, autojunk=False).quick_ratio() >= ALIKE_FROM
                and difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE_FROM
                for other in come
            )
            for one in gone
        )

    def _burst(self) -> Hazard:
        most, usual = max(self.after.values(), default=0), max(self.before.values(), default=0)
        burst = most if most >= BURST_MIN and most > BURST_TIMES * usual else 0
        return Hazard("burst", burst, f"people get a letter on one day, where it was {usual} at most")

    def _over_capacity(self, course: Course) -> Hazard:
        if course.sending is None:
            return Hazard("over-capacity", 0, "")
        today = self.now.date()
        window = datetime.combine(today, course.send.until) - datetime.combine(today, course.send.at)
        room = int(course.sending.per_hour * window / timedelta(hours=1))
        over = max((count - room for count in self.after.values()), default=0)
        return Hazard(
            "over-capacity", max(over, 0), f"letters of one day do not fit into it, at {course.sending.per_hour} an hour"
        )
