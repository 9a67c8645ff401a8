"""A population through a course on a virtual clock: the engine's own decisions, in memory, from one due moment to the next.

Nothing here decides when a letter goes: `Steps` are the functions that the engine calls, and a letter that they let go is
shown to a witness who trusts none of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from drip.core import enrollment, handover
from drip.core.delivery import Kind, Reason, State, why_not
from drip.core.enrollment import Enrollment, Pause, Result, Stage, placed, zone_of
from drip.core.quota import Quota
from drip.core.witness import Outage, Seen, Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from drip.core.capacity import Level
    from drip.core.progress import LiveCourse, Step
    from drip.core.schedule import Sending
    from drip.core.timing import Slot

LATE = timedelta(minutes=1)
"""From here on a letter counts as late."""

_NOBODY = (0, "", 0, None, 0, datetime(2000, 1, 1, tzinfo=UTC))


class Happening(NamedTuple):
    """What befalls one person at an instant: join, pause (*weeks*), rest, resume, leave or bounce."""

    at: datetime
    what: str
    weeks: int = 0


@dataclass(slots=True)
class Traveller:
    """One person of a population: her facts, what she had in this run (first ids), and what will befall her.

    *bounces_on* is which of her letters comes back, counted from 1; 0 for none. *due* is when she is looked at next,
    *promised* when her next letter was first to come, *open* the slot of a letter that waits for the rate, *place* its
    number among those that wait, *over* whether it missed a window by that.
    """

    number: int
    facts: Enrollment
    had: frozenset[str] = frozenset()
    happenings: tuple[Happening, ...] = ()
    bounces_on: int = 0
    letters: int = 0
    due: datetime | None = None
    promised: datetime | None = None
    open: Slot | None = None
    place: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """The engine's decisions; a test puts a broken one here to see that it is caught."""

    begun: Callable[..., dict[str, Any]] = enrollment.begun
    opening_of: Callable[..., handover.Opening | None] = handover.opening_of
    why_not: Callable[..., Reason | None] = why_not
    why_later: Callable[..., Reason | None] = handover.why_later
    advanced: Callable[..., dict[str, Any]] = enrollment.advanced
    paused_for: Callable[..., enrollment.Move | None] = enrollment.paused_for
    paused_open: Callable[..., enrollment.Move | None] = enrollment.paused_open
    resumed: Callable[..., enrollment.Move | None] = enrollment.resumed
    left: Callable[..., dict[str, Any]] = handover.left
    ended: Callable[..., dict[str, Any]] = handover.ended


@dataclass(slots=True)
class Tally:
    """What came of it: letters by instant, how late the late ones were, and who finished on which local date.

    *over* counts by the day that was promised the letters which the rate kept from leaving in their window, *limits* says by
    day how many an hour might leave, *waiting* how many wait for the rate in the end.
    """

    letters: Counter[datetime] = field(default_factory=Counter)
    lessons: Counter[str] = field(default_factory=Counter)
    late: list[tuple[timedelta, datetime, int, str]] = field(default_factory=list)
    finished: list[date] = field(default_factory=list)
    over: Counter[date] = field(default_factory=Counter)
    limits: dict[date, int] = field(default_factory=dict)
    waiting: int = 0
    joined: int = 0
    left: int = 0
    bounced: int = 0
    pauses: int = 0


class Went(NamedTuple):
    """One letter of a course, as a listener hears of it."""

    who: int
    lesson: str
    meant_on: date
    at: datetime


def _deaf(went: Went) -> None:
    """Hear of a letter and do nothing."""


class Simulation:
    """One population, one course, one stretch of time."""

    def __init__(
        self,
        course: LiveCourse,
        people: Sequence[Traveller],
        *,
        begins: datetime,
        ends: datetime,
        outages: Sequence[Outage] = (),
        sending: Sending | None = None,
        level: Level | None = None,
        steps: Steps = Steps(),
        heard: Callable[[Went], None] = _deaf,
    ) -> None:
        """Go from *begins* up to *ends*, with *sending* from where its growth stands; *heard* is told of every letter."""
        self.tally = Tally()
        self.witness = Witness(course, outages=outages, sending=sending, level=level)
        self.people = people
        self._course = course
        self._begins = begins
        self._ends = ends
        self._outages = sorted(outages, key=lambda outage: outage.begins)
        self._zone = zone_of("", course.course)
        self._quota = None if sending is None else Quota(sending, level, self._zone)
        self._steps = steps
        self._heard = heard
        self._known: dict[tuple[Any, ...], Enrollment] = {}
        self._waiting: list[tuple[date, datetime, int, int, Traveller]] = []
        self._pushed = 0
        self._told: set[int] = set()
        self._moments: list[datetime] = []
        self._looks: defaultdict[datetime, list[Traveller]] = defaultdict(list)
        self._events: defaultdict[datetime, list[tuple[Traveller, Happening]]] = defaultdict(list)

    def run(self) -> None:
        """Go from each moment at which something is due to the next, until the end or until nothing is dated."""
        for person in self.people:
            self.witness.knows(person.number, person.facts, person.had)
            self._settle(person, {}, self._begins)
            for happening in person.happenings:
                self._at(happening.at)
                self._events[happening.at].append((person, happening))
        now = self._begins
        while self._moments:
            now = heappop(self._moments)
            while self._moments and self._moments[0] == now:
                heappop(self._moments)
            if now >= self._ends:
                break
            for person, happening in self._events.pop(now, ()):
                self._happen(person, happening, now)
            people = self._due(now)
            later = self._after_outage(now)
            if later is not None:
                for person in people:
                    self._look(person, later)
                self._at(later)
                continue
            self._tick(people, now)
        self._end(now)

    def _end(self, now: datetime) -> None:
        """Look at everybody once more when all is over."""
        if self._quota is not None:
            self.tally.limits = self._quota.limits
        for person in self.people:
            self.tally.waiting += person.open is not None or person.over
            under_way = person.facts.state == Stage.ACTIVE and person.facts.paused != Pause.OPEN
            if under_way and person.due is None and person.number not in self._told:
                self._stands_still(person, now, "she is under way and has no date")

    # Time -------------------------------------------------------------------------------------------------------------

    def _at(self, instant: datetime) -> None:
        heappush(self._moments, instant)

    def _look(self, person: Traveller, instant: datetime) -> None:
        """Look at a person at *instant*, and no more at any other."""
        person.due = instant
        people = self._looks.get(instant)
        if people is None:
            self._at(instant)
            people = self._looks[instant] = []
        people.append(person)

    def _due(self, now: datetime) -> list[Traveller]:
        """Take whoever is to be looked at now, each of them once: a date may have gone away and come back."""
        found = []
        for person in self._looks.pop(now, ()):
            if person.due == now:
                person.due = None
                found.append(person)
        return found

    def _after_outage(self, now: datetime) -> datetime | None:
        return next((outage.ends for outage in self._outages if outage.begins <= now < outage.ends), None)

    # People -----------------------------------------------------------------------------------------------------------

    def _alike(self, facts: Enrollment) -> Enrollment:
        """Return the one record of everybody who is alike: what is decided for it is decided for all of them."""
        key = facts.likeness()
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Enrollment._make((*_NOBODY, *key))
        return found

    def _settle(self, person: Traveller, changes: dict[str, Any], now: datetime) -> None:
        """Write *changes* about a person, and look at her when they say."""
        person.facts = self._alike(person.facts._replace(**changes))
        person.open, person.over = None, False
        due = person.facts.next_due_at if person.facts.state == Stage.ACTIVE else None
        person.due, person.promised = None, due
        if due is not None:
            self._look(person, max(due, now))

    def _happen(self, person: Traveller, happening: Happening, now: datetime) -> None:
        course, steps = self._course.course, self._steps
        if happening.what == "join":
            self.witness.joins(person.number, now)
            self.tally.joined += 1
            self._settle(person, steps.begun(person.facts, course, now=now), now)
            return
        if person.facts.state != Stage.ACTIVE:
            return
        # While a letter waits to be handed over the cursor keeps the dates only, as in the engine.
        facts = person.facts if person.open is None else person.facts._replace(next_due_at=None)
        if happening.what in {"leave", "bounce"}:
            left = happening.what == "leave"
            self.tally.left += left
            self.tally.bounced += not left
            self.witness.goes(person.number, "she left" if left else "her address bounced")
            self._settle(person, steps.left(now=now) if left else steps.ended("bounced", now=now), now)
            return
        match happening.what:
            case "pause":
                move = steps.paused_for(facts, happening.weeks, course, now=now)
            case "rest":
                move = steps.paused_open(facts, course)
            case _:
                move = steps.resumed(facts, course, now=now)
        if move is not None:
            self.tally.pauses += happening.what != "resume"
            self.witness.rests(person.number, until_she_says=happening.what == "rest")
            self._settle(person, move.changes, now)

    def _stands_still(self, person: Traveller, now: datetime, text: str) -> None:
        self._told.add(person.number)
        self.witness.stands_still(person.number, person.facts.next_lesson or "", now, text)

    # Letters ----------------------------------------------------------------------------------------------------------

    def _tick(self, people: Iterable[Traveller], now: datetime) -> None:
        """Open what is due, and hand over what may go, as many letters as the rate has room for."""
        openings: dict[int, tuple[Enrollment, handover.Opening | None]] = {}
        results: dict[tuple[int, frozenset[str]], Reason | _Result] = {}
        for person in people:
            found = openings.get(id(person.facts))
            if found is None:
                found = openings[id(person.facts)] = self._open(person.facts, now)
            if found[1] is None:
                person.due = None
                self._stands_still(person, now, "her next lesson is not in the course")
                continue
            if person.open is not None and not person.over:
                self._miss(person, person.open, now)
            person.facts, (step, slot, goes) = found[0], found[1]
            person.open = None
            if not goes:
                if slot.due_at <= now:
                    person.due = None
                    self._stands_still(person, now, "her letter is due and may not go")
                else:
                    self._look(person, slot.due_at)
            elif self._quota is None:
                self._hand_over(person, step, slot, now, results)
            else:
                self._pushed += 1
                person.open, person.place = slot, self._pushed
                heappush(self._waiting, (slot.meant_on, slot.due_at, person.number, self._pushed, person))
                self._look(person, slot.closes_at)
        if self._quota is not None:
            self._hand_over_within(self._quota, now, results)

    def _open(self, facts: Enrollment, now: datetime) -> tuple[Enrollment, handover.Opening | None]:
        found = self._steps.opening_of(facts, self._course, now=now)
        if found is None:
            return facts, None
        slot = found.slot
        cursor = (facts.next_meant_on, facts.next_letter_on, facts.next_due_at, facts.next_closes_at)
        if (slot.meant_on, slot.letter_on, slot.due_at, slot.closes_at) != cursor:
            facts = self._alike(facts._replace(**placed(slot)))
        return facts, found

    def _hand_over_within(self, quota: Quota, now: datetime, results: dict[tuple[int, frozenset[str]], Reason | _Result]) -> None:
        """Hand over the letters that wait, the longest meant first, until the moving hour is full."""
        while self._waiting and quota.has_room(now):
            *_, place, person = heappop(self._waiting)
            # Whoever paused, left or was given another date meanwhile does not wait here any more.
            slot = person.open if person.place == place else None
            step = None if slot is None else enrollment.step_of(person.facts, self._course.course)
            if slot is not None and step is not None and self._hand_over(person, step, slot, now, results):
                quota.grant(now)
        again = quota.room_at(now) if self._waiting else None
        if again is not None:
            self._at(again)

    def _miss(self, person: Traveller, slot: Slot, now: datetime) -> None:
        """Note a letter that did not leave in its window, unless an outage kept it."""
        if now >= slot.closes_at and not any(one.begins < slot.closes_at and slot.due_at < one.ends for one in self._outages):
            person.over = True
            self.tally.over[(person.promised or slot.due_at).astimezone(self._zone).date()] += 1

    def _hand_over(
        self,
        person: Traveller,
        step: Step,
        slot: Slot,
        now: datetime,
        results: dict[tuple[int, frozenset[str]], Reason | _Result],
    ) -> bool:
        """Hand a letter over if it may go, record the result, and return whether it went."""
        key = (id(person.facts), person.had)
        found = results.get(key)
        if found is None:
            found = results[key] = self._decide(person.facts, person.had, step, slot, now)
        if isinstance(found, Reason):
            person.open, person.due = None, None
            if found in {Reason.WINDOW, Reason.GAP}:
                self._look(person, now)
            return False
        sound = self.witness.letter(Seen(person.number, person.facts, step, slot, now))
        self._count(person, step, slot, now)
        person.had, person.open, person.due, person.over = found.had, None, None, False
        person.facts = found.facts
        if person.letters == person.bounces_on:
            self._at(now + LATE)
            self._events[now + LATE].append((person, Happening(now + LATE, "bounce")))
        if found.facts.state == Stage.FINISHED:
            self.tally.finished.append(found.on)
        due = found.facts.next_due_at if found.facts.state == Stage.ACTIVE else None
        person.promised = due
        # Who got a letter that must not have been is followed no further: one fault is told once.
        if not sound:
            self._told.add(person.number)
        elif due is not None:
            self._look(person, max(due, now))
        return True

    def _decide(self, facts: Enrollment, had: frozenset[str], step: Step, slot: Slot, now: datetime) -> Reason | _Result:
        course, steps = self._course, self._steps
        standing = handover.standing_of(facts, suppression=None, erased=False, held=False)
        reason = steps.why_not(Kind.LESSON, standing) or steps.why_later(
            Kind.LESSON, slot.due_at, slot.closes_at, facts, course, now=now
        )
        if reason is not None:
            return reason
        on = now.astimezone(facts.rhythm(course.course).zone).date()
        after = had | {course.first_id(step.lesson.id)}
        result = Result(step.lesson.id, slot.meant_on, State.SUBMITTED, on)
        changes = steps.advanced(facts, result, course.course, after, course.firsts, now=now)
        return _Result(self._alike(facts._replace(**changes)), after, on)

    def _count(self, person: Traveller, step: Step, slot: Slot, now: datetime) -> None:
        person.letters += 1
        self.tally.letters[now] += 1
        self.tally.lessons[step.lesson.id] += 1
        late = now - (person.promised or now)
        if late > LATE:
            self.tally.late.append((late, now, person.number, step.lesson.id))
        self._heard(Went(person.number, step.lesson.id, slot.meant_on, now))


class _Result(NamedTuple):
    """What a letter that went leaves behind for everybody alike."""

    facts: Enrollment
    had: frozenset[str]
    on: date
