"""What an edit does to everybody on a course: worked out once for all who are alike, counted, with the hazards that follow."""

from __future__ import annotations

import difflib
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.capacity import Window, foreseen
from drip.core.enrollment import Pause, Stage, zone_of
from drip.core.forecast import Cohort, Load, Start, start_of
from drip.core.plan import Hazard, Lag, LoadDay, PersonTurn
from drip.core.progress import steps_after
from drip.core.turn import Effect, reopened, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from drip.core.capacity import Capacity, Level
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course, Sending
    from drip.core.timing import Rhythm

ALIKE_FROM = 0.6
"""How much of two letters must be the same (by difflib) for the one to be suspected to be the other under a new name."""

BURST_MIN = 50
BURST_TIMES = 2

KNOWN_MAX = 50_000
"""How many kinds of people are remembered at a time; a million seldom are of more, and each takes a kilobyte or two."""

SHOWN_MAX = 500
"""How many people a plan names by itself; whoever wants all of them listens."""

LOST, PASSED, REOPENS = 1, 2, 4
"""What of an edit must be accepted for a person: a lesson lost, one put behind her, letters again after she had finished."""


REOPEN = "reopen-finished"

COUNTED = frozenset({"removed-unread", "will-not-get", REOPEN})
"""The hazards that count people by what stands before them."""


@dataclass(slots=True)
class Meaning:
    """What an edit means for everybody who is alike; *count* is how many they are.

    *before* and *after* say who goes on alike, and with what rhythm, in each version; None for whoever has no date.
    """

    effect: str
    marks: int
    next_before: str | None
    on_before: date | None
    next_after: str | None
    on_after: date | None
    passed: tuple[str, ...]
    before: tuple[Start, Rhythm] | None
    after: tuple[Start, Rhythm] | None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What one person's meaning follows from: her enrollment, the version of her dates, and her letters by first ids.

    *history* holds those of this run that came to a result, oldest first; *opened* is the one that is open.
    """

    person: Enrollment
    since: LiveCourse
    history: Sequence[str]
    opened: str | None


def deaf(turn: PersonTurn) -> None:
    """Hear of a person and do nothing."""


class Impact:
    """Everybody on one course, added one by one, in the order of their enrollments."""

    def __init__(self, old: LiveCourse, new: LiveCourse, now: datetime, *, heard: Callable[[PersonTurn], None] = deaf) -> None:
        """Count nobody yet; *heard* is told of everybody for whom something changes."""
        self.old, self.new, self.now = old, new, now
        self.effects: Counter[str] = Counter()
        self.turns: list[PersonTurn] = []
        self.before, self.after = Load(old, now.date()), Load(new, now.date())
        self.reopening = Load(new, now.date())
        self._heard = heard
        self._counts: Counter[int] = Counter()
        self._known: dict[Hashable, Meaning] = {}
        self._ids, self._marks = array("q"), bytearray()
        self._kept = frozenset(new.order)

    def is_told(self, person: Enrollment, since: LiveCourse, had: frozenset[str]) -> bool:
        """Return whether what she *had* (first ids) and her place say all that her letters in their order would.

        The order matters only where her place is not the last of them that the new course still has: it went away, another
        that she had came back, she had nothing at the place where she began, or an earlier edit has not reached her yet.
        """
        if not had:
            return True
        first = since.first_id(person.place or "")
        if since.order != self.old.order or person.place not in since.course.lessons or first not in had:
            return False
        return first in self._kept and not (had & self._kept) - {*since.order}

    @property
    def adds(self) -> bool:
        """Whether there is a lesson that was not there before: only then can it matter to whoever has finished."""
        return bool(self._kept - {*self.old.order})

    def add(self, enrollment: int, key: Hashable) -> bool:
        """Add a person; everybody with the same *key* is alike. False, and nobody is added, while nothing is known of them."""
        meaning = self._known.get(key)
        if meaning is None:
            return False
        meaning.count += 1
        self._ids.append(enrollment)
        self._marks.append(meaning.marks)
        if meaning.effect != Effect.SAME or meaning.passed:
            self._tell(enrollment, meaning)
        return True

    def learn(self, key: Hashable, facts: Facts) -> None:
        """Work out what the edit means for everybody with this *key*."""
        if len(self._known) >= KNOWN_MAX:
            self.sum_up()
        self._known[key] = self._meaning_of(facts)

    def correct(self, moved: Mapping[int, Facts | None]) -> None:
        """Count what must be accepted anew for people who moved on meanwhile; None for one who is not on the course now."""
        for enrollment, marks in zip(self._ids, self._marks, strict=True):
            if marks and enrollment in moved:
                self._count(marks, -1)
        for facts in moved.values():
            if facts is not None:
                self._count(self._meaning_of(facts).marks, 1)

    def _tell(self, enrollment: int, meaning: Meaning) -> None:
        if meaning.effect == Stage.FINISHED:
            return
        dates = (meaning.next_before, meaning.on_before, meaning.next_after, meaning.on_after)
        told = PersonTurn(enrollment, meaning.effect, *dates, meaning.passed)
        if len(self.turns) < SHOWN_MAX:
            self.turns.append(told)
        self._heard(told)

    def sum_up(self) -> None:
        """Take into the sums who was added since the last time."""
        for meaning in self._known.values():
            self._count(meaning.marks, meaning.count)
            if meaning.marks & REOPENS:
                if meaning.after is not None:
                    self.reopening.add(*meaning.after, meaning.count)
                continue
            if meaning.effect != Stage.FINISHED:
                self.effects[meaning.effect] += meaning.count
            for load, cohort in ((self.before, meaning.before), (self.after, meaning.after)):
                if cohort is not None:
                    load.add(*cohort, meaning.count)
        self._known.clear()

    def _count(self, marks: int, people: int) -> None:
        for mark in (LOST, PASSED, REOPENS):
            if marks & mark:
                self._counts[mark] += people

    # One person -------------------------------------------------------------------------------------------------------

    def _meaning_of(self, facts: Facts) -> Meaning:
        """Return what the edit means for one person, active or finished."""
        person, since, history = facts.person, facts.since, facts.history
        if person.state == Stage.FINISHED:
            return self._finished(person, since, history)
        turn = turned(person, since, self.new, history, facts.opened, now=self.now)
        changes = turn.changes
        if turn.withdrawn:
            # The letter on its way is of a lesson that is gone: she goes on from where she stands.
            here = person._replace(**changes, open_delivery=None)
            changes = changes | turned(here, since, self.new, history, None, now=self.now).changes
        passed = turn.passed
        if passed:
            behind = self._behind(since, person.place) | self._behind(since, since.current_id(facts.opened or ""))
            passed = tuple(first for first in passed if first not in behind)
        after = person._replace(**changes)
        return Meaning(
            turn.effect.value,
            LOST * self._loses(since, person, history) + PASSED * bool(passed),
            person.next_lesson,
            person.next_letter_on,
            after.next_lesson,
            after.next_letter_on,
            passed,
            _cohort(person, since, history),
            _cohort(after, self.new, history),
        )

    def _finished(self, person: Enrollment, since: LiveCourse, history: Sequence[str]) -> Meaning:
        turn = reopened(person, since, self.new, history, now=self.now)
        if turn is None:
            return Meaning(Stage.FINISHED.value, 0, None, None, None, None, (), None, None)
        after = person._replace(**turn.changes)
        cohort = _cohort(after, self.new, history)
        on = after.next_letter_on
        return Meaning("reopens", REOPENS, None, None, after.next_lesson, on, (), None, cohort)

    def _loses(self, since: LiveCourse, person: Enrollment, history: Sequence[str]) -> bool:
        if all(first in self._kept for first in since.order):
            return False
        ahead = steps_after(since.course, person.place, afterwards=person.afterwards)
        firsts = (since.first_id(step.lesson.id) for step in ahead)
        return any(first not in self._kept and first not in history for first in firsts)

    @staticmethod
    def _behind(since: LiveCourse, place: str | None) -> frozenset[str]:
        """Return the lessons that stood before her place already: an edit takes nothing from her there."""
        if place is None:
            return frozenset()
        places = since.course.places
        return frozenset(since.order[: places[place] + 1 if place in places else len(places)])

    # Hazards ----------------------------------------------------------------------------------------------------------

    def hazards(self, letters: Mapping[str, str], letters_before: Mapping[str, str], lag: Lag | None) -> list[Hazard]:
        """Return what must be accepted by name; the letters are texts by lesson id, of the new files and of the old.

        *lag* is what `lag` returns.
        """
        renames = self._suspected(letters, letters_before)
        found = [
            *self.counted(),
            Hazard("suspected-rename", renames, "a removed and a new lesson read alike; if one is the other, write was: old-id"),
            self._burst(),
            _over_capacity(lag),
        ]
        return [hazard for hazard in found if hazard.count]

    def lag(self, course: str, level: Level | None) -> Lag | None:
        """Return how the letters of *course* wait for its rate; *level* is where its warm-up stands. None without a rate."""
        before, after = (
            None if live.course.sending is None else _room(load, live.course, live.course.sending, level)
            for load, live in ((self.before, self.old), (self.after, self.new))
        )
        if after is None:
            return None
        latest = after.latest
        over = 0 if before is None else before.over
        return Lag(course, over, after.over) if latest is None else Lag(course, over, after.over, latest.day, latest.late)

    def counted(self) -> list[Hazard]:
        """Return the hazards that count people by what stands before them; their number changes as people move on."""
        words = "people who finished get letters again if you accept this, else they stay finished"
        fullest = max((hours.total() for hours in self.reopening.days().values()), default=0)
        return [
            Hazard("removed-unread", self._counts[LOST], "people lose a lesson that was still before them"),
            Hazard("will-not-get", self._counts[PASSED], "people are past the place where a lesson now stands"),
            Hazard(REOPEN, self._counts[REOPENS], f"{words}; {fullest} on the fullest day", needed=False),
        ]

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
        usual, most = (max((hours.total() for hours in load.days().values()), default=0) for load in (self.before, self.after))
        burst = most if most >= BURST_MIN and most > BURST_TIMES * usual else 0
        return Hazard("burst", burst, f"people get a letter on one day, where it was {usual} at most")


def _room(load: Load, course: Course, sending: Sending, level: Level | None) -> Capacity:
    """Return how a load goes at the rate of a course; who lives elsewhere counts with the nearest hour of its window."""
    window = Window.of(course)
    first, last = window.opens.hour, window.opens.hour + window.hours - 1
    days: dict[date, Counter[int]] = {}
    for day, hours in load.days().items():
        here = days[day] = Counter()
        for hour, count in hours.items():
            here[min(max(hour, first), last)] += count
    return foreseen(days, sending, window, level)


def _over_capacity(lag: Lag | None) -> Hazard:
    """Return the hazard of more letters on other days than now; what waits already is no effect of the edit."""
    if lag is None or lag.day is None or lag.over <= lag.over_before:
        return Hazard("over-capacity", 0, "")
    text = f"letters leave on a later day than theirs, at the rate of {lag.course}, where it was {lag.over_before}"
    return Hazard("over-capacity", lag.over, text)


def _cohort(person: Enrollment, course: LiveCourse, history: Sequence[str]) -> tuple[Start, Rhythm] | None:
    """Return with whom somebody goes on alike; None while she has no date."""
    meant_on, letter_on = person.next_meant_on, person.next_letter_on
    if person.next_lesson is None or meant_on is None or letter_on is None or person.paused == Pause.OPEN:
        return None
    rhythm = person.rhythm(course.course)
    cohort = Cohort(person.next_lesson, meant_on, letter_on, rhythm.weekdays, rhythm.pace, person.afterwards, frozenset(history))
    return start_of(cohort, rhythm, zone_of("", course.course)), rhythm


def load_of(impacts: Iterable[Impact]) -> tuple[LoadDay, ...]:
    """Return how many letters go on each day in some courses, as things are and as planned."""
    sums: dict[date, list[int]] = {}
    for impact in impacts:
        for place, load in enumerate((impact.before, impact.after, impact.reopening)):
            for day, hours in load.days().items():
                sums.setdefault(day, [0, 0, 0])[place] += hours.total()
    return tuple(LoadDay(day, *counts) for day, counts in sorted(sums.items()))
