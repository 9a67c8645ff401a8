"""What must hold of every letter, looked at from outside: a witness keeps its own notes and trusts nobody's cursor."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from drip.core import timing
from drip.core.capacity import Level, grown
from drip.core.enrollment import Pause, zone_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse, Step
    from drip.core.schedule import Sending
    from drip.core.timing import Rhythm, Slot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

INVARIANTS = {
    "twice": "nobody gets a lesson twice",
    "order": "the lessons come in their order, and none is left out",
    "window": "no letter goes outside the person's window, but the first one at once after she joined",
    "min-gap": "two letters to one person are never closer than min_gap",
    "burst": "no two letters are closer than the wait of the second, less what the first may be late: no backlog",
    "same-hour": "a letter that is on time goes at her hour, also after a clock change",
    "after-leaving": "nothing goes after a leave or a bounce",
    "while-resting": "nothing goes during a pause until she says",
    "while-out": "nothing goes during an outage",
    "rate": "no hour has more letters than sending.per_hour, as far as it has grown",
    "stands-still": "everybody under way has a next date, a pause or an end",
}
"""The invariants by name, each as the sentence that a broken one contradicts."""


class Broken(NamedTuple):
    """One broken invariant: its *name*, *who* by number, the lesson, the instant, and what was seen."""

    name: str
    who: int
    lesson: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which nothing is handed over: from *begins* up to *ends*."""

    begins: datetime
    ends: datetime


class Seen(NamedTuple):
    """One letter as it was handed over: which, to whom, for which slot, and at which instant."""

    who: int
    facts: Enrollment
    step: Step
    slot: Slot
    at: datetime


@dataclass(slots=True)
class _Memory:
    """What the witness saw of one person."""

    joined: datetime | None = None
    letters: int = 0
    gone: str = ""
    resting: bool = False
    had: set[str] = field(default_factory=set)
    index: int = -1
    last_on: date | None = None
    offset: timedelta | None = None


class Witness:
    """Sees every letter and everything that people do, and notes what must not have been."""

    def __init__(
        self,
        course: LiveCourse,
        *,
        outages: Sequence[Outage] = (),
        sending: Sending | None = None,
        level: Level | None = None,
    ) -> None:
        """Know the *course*, when nothing may go, how many letters an hour may have, and where that stands."""
        self.broken: list[Broken] = []
        self.clock_changes = 0
        self._course = course
        self._order = {lesson: place for place, lesson in enumerate(course.course.lessons)}
        self._outages = outages
        self._sending = sending
        self._per_hour = level.per_hour if sending and level and level.began == sending.per_hour and sending.grow else 0
        self._on: tuple[date, int] | None = None
        self._zone = zone_of("", course.course)
        self._hour: deque[datetime] = deque()
        self._people: dict[int, _Memory] = {}
        self._rhythms: dict[tuple[str, int | None, str | None, int], Rhythm] = {}
        self._timed: dict[tuple[object, ...], str] = {}
        self._now: datetime | None = None

    # What people do ---------------------------------------------------------------------------------------------------

    def knows(self, who: int, facts: Enrollment, had: AbstractSet[str]) -> None:
        """Note what somebody had before this began."""
        memory = self._of(who)
        memory.had |= had
        memory.last_on = facts.last_letter_on
        memory.resting = facts.paused == Pause.OPEN

    def joins(self, who: int, at: datetime) -> None:
        """Note that somebody begins."""
        self._of(who).joined = at

    def goes(self, who: int, why: str) -> None:
        """Note that somebody left, or that her address bounced: from here on nothing may go."""
        self._of(who).gone = why

    def rests(self, who: int, *, until_she_says: bool) -> None:
        """Note that somebody begins a pause until she says, or that it is over."""
        self._of(who).resting = until_she_says

    def stands_still(self, who: int, lesson: str, at: datetime, text: str) -> None:
        """Note somebody who is under way and has no future."""
        self.broken.append(Broken("stands-still", who, lesson, at, text))

    def _of(self, who: int) -> _Memory:
        found = self._people.get(who)
        if found is None:
            found = self._people[who] = _Memory()
        return found

    # Letters ----------------------------------------------------------------------------------------------------------

    def letter(self, seen: Seen) -> bool:
        """Look at a letter; return whether everything holds."""
        before = len(self.broken)
        memory, rhythm = self._of(seen.who), self._rhythm(seen.facts)
        self._look_at_what(seen, memory)
        self._look_at_when(seen, memory, rhythm)
        return len(self.broken) == before

    def _break(self, name: str, seen: Seen, text: str) -> None:
        self.broken.append(Broken(name, seen.who, seen.step.lesson.id, seen.at, text))

    def _look_at_what(self, seen: Seen, memory: _Memory) -> None:
        lesson = seen.step.lesson.id
        first, index = self._course.first_id(lesson), self._order[lesson]
        if first in memory.had:
            self._break("twice", seen, "she had it before")
        elif index <= memory.index or (memory.joined is not None and index != memory.index + 1):
            self._break("order", seen, f"it stands at place {index + 1}, and she had place {memory.index + 1} last")
        if memory.gone:
            self._break("after-leaving", seen, memory.gone)
        if memory.resting:
            self._break("while-resting", seen, "she paused until she says")
        memory.had.add(first)
        memory.index = index

    def _look_at_when(self, seen: Seen, memory: _Memory, rhythm: Rhythm) -> None:
        local = seen.at.astimezone(rhythm.zone)
        on = local.date()
        if memory.last_on is not None:
            apart = (on - memory.last_on).days
            least = timing.wait_of(seen.step.lesson, rhythm, afterwards=seen.step.afterwards).days - rhythm.late
            if apart < rhythm.min_gap:
                self._break("min-gap", seen, f"{apart} days after the last one, and min_gap is {rhythm.min_gap}")
            elif memory.letters and apart < least:
                self._break("burst", seen, f"{apart} days after the last one, and {least} is the least")
        at_once = seen.step.lesson.anytime and memory.joined is not None and seen.at - memory.joined < timing.AT_ONCE
        if not at_once:
            wrong = self._timing_of(seen, rhythm, local)
            if wrong:
                self._break(wrong, seen, f"it went at {local:%H:%M} on {on:%a %d %b %Y} in {rhythm.zone.key}")
        if any(outage.begins <= seen.at < outage.ends for outage in self._outages):
            self._break("while-out", seen, "nothing could be handed over then")
        self._look_at_rate(seen)
        offset = local.utcoffset()
        self.clock_changes += memory.offset is not None and memory.offset != offset
        memory.last_on, memory.offset = on, offset
        memory.letters += 1

    def _look_at_rate(self, seen: Seen) -> None:
        if self._sending is None:
            return
        day = seen.at.astimezone(self._zone).date()
        if self._on is None or self._on[0] != day:
            before = 0 if self._on is None else self._on[1]
            self._per_hour = grown(self._per_hour or self._sending.per_hour, self._sending.grow, before)
            self._on = (day, 0)
        self._on = (day, self._on[1] + 1)
        while self._hour and seen.at - self._hour[0] >= HOUR:
            self._hour.popleft()
        self._hour.append(seen.at)
        if len(self._hour) > self._per_hour:
            self._break("rate", seen, f"it is letter {len(self._hour)} within an hour, and {self._per_hour} may go")

    def _timing_of(self, seen: Seen, rhythm: Rhythm, local: datetime) -> str:
        """Return which rule the moment of a letter breaks, '' for none; worked out once for people who are alike."""
        if self._now != seen.at:
            self._now = seen.at
            self._timed.clear()
        key = (id(rhythm), seen.slot.due_at)
        found = self._timed.get(key)
        if found is None:
            on_time = seen.slot.due_at == seen.at
            if not _in_window(seen.at, rhythm, local):
                found = "window"
            else:
                found = "same-hour" if on_time and local.time() != _shown_at(local.date(), rhythm) else ""
            self._timed[key] = found
        return found

    def _rhythm(self, facts: Enrollment) -> Rhythm:
        key = (facts.zone, facts.weekday, facts.send_at, facts.pace)
        found = self._rhythms.get(key)
        if found is None:
            found = self._rhythms[key] = facts.rhythm(self._course.course)
        return found


def _in_window(at: datetime, rhythm: Rhythm, local: datetime) -> bool:
    """Whether *at* lies in her window on an allowed day; on a night with a clock change, in that night's window."""
    beside = {(at + days * DAY).astimezone(rhythm.zone).utcoffset() for days in (-1, 0, 1)}
    if len(beside) == 1:
        return rhythm.opens <= local.time() < rhythm.closes and local.weekday() in rhythm.allow_days
    slots = (timing.slot_on(local.date() - days * DAY, rhythm) for days in (0, 1))
    return any(slot.due_at <= at < slot.closes_at and slot.letter_on.weekday() in rhythm.allow_days for slot in slots)


def _shown_at(day: date, rhythm: Rhythm) -> time:
    """Return what her clock shows at her hour of *day*: that hour, or a later one where the clock leaps over it."""
    there = datetime.combine(day, rhythm.opens, rhythm.zone).astimezone(UTC)
    return there.astimezone(rhythm.zone).time()
