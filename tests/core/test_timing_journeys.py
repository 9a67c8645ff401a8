"""Whole courses on a clock of the test's own: outages, pauses and edits at any moment, and what must hold all the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import event, given, settings
from hypothesis import strategies as st

from drip.core import timing
from drip.core.schedule import Lesson
from drip.core.timing import Rhythm, Slot

ZONES = sorted(name for name in available_timezones() if name not in {"Factory", "localtime"})
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS_MAX = 2000
"""More than any course here can need: whoever takes as many never ends."""


@dataclass(frozen=True)
class Outage:
    """A time in which nothing is sent and nothing is even looked at."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Happening:
    """What she, or an operator, does at an instant; *what* says which, *value* how."""

    at: datetime
    what: str
    value: object


@dataclass(frozen=True)
class Went:
    """One letter handed over: which, when, on which local date, and under which rhythm and slot."""

    lesson: str
    at: datetime
    on: date
    rhythm: Rhythm
    slot: Slot


@dataclass
class Journey:
    """One person's way through a course, driven as the engine drives it: what is due goes or follows, nothing else."""

    lessons: list[Lesson]
    rhythm: Rhythm
    joined: datetime
    outages: tuple[Outage, ...] = ()
    happenings: tuple[Happening, ...] = ()
    went: list[Went] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin the run at the moment she joins."""
        self.slot = timing.first_slot(self.lessons[0], self.rhythm, now=self.joined)
        self.anchor = timing.anchor_before(self.slot, self.lesson, self.rhythm)
        self.paused = False

    @property
    def lesson(self) -> Lesson:
        """The next lesson."""
        return self.lessons[len(self.went)]

    @property
    def last_letter_on(self) -> date | None:
        """The local date on which the last letter went."""
        return self.went[-1].on if self.went else None

    def run(self) -> list[Went]:
        """Go through the whole course, from one moment at which something can happen to the next."""
        now, waiting = self.joined, sorted(self.happenings, key=lambda happening: happening.at)
        for _ in range(STEPS_MAX):
            if len(self.went) == len(self.lessons):
                return self.went
            due = None if self.paused else self._after_outages(max(now, self.slot.due_at))
            if waiting and (due is None or waiting[0].at <= due):
                happening = waiting.pop(0)
                now = max(now, happening.at)
                self._happen(happening, now)
                continue
            assert due is not None, "paused for ever"
            now = due
            self._tick(now)
        raise AssertionError("the course does not end")

    def _after_outages(self, now: datetime) -> datetime:
        for outage in sorted(self.outages, key=lambda outage: outage.begins):
            if outage.begins <= now < outage.ends:
                now = outage.ends
        return now

    def _tick(self, now: datetime) -> None:
        if not timing.may_go(self.slot, self.rhythm, last_letter_on=self.last_letter_on, now=now):
            self.slot = timing.follow(self.slot, self.lesson, self.rhythm, last_letter_on=self.last_letter_on, now=now)
            return
        on = now.astimezone(self.rhythm.zone).date()
        self.went.append(Went(self.lesson.id, now, on, self.rhythm, self.slot))
        self.anchor = self.slot.meant_on
        if len(self.went) < len(self.lessons):
            self.slot = timing.next_slot(self.lesson, self.rhythm, last_meant_on=self.anchor, last_letter_on=on)

    def _happen(self, happening: Happening, now: datetime) -> None:
        match happening.what, happening.value:
            case "pause", int(weeks):
                base = self.slot.meant_on
                if self.slot.closes_at <= now:
                    base = timing.follow(
                        self.slot, self.lesson, self.rhythm, last_letter_on=self.last_letter_on, now=now
                    ).meant_on
                self.slot = timing.pause_for(base, weeks, self.lesson, self.rhythm, now=now)
            case "until I say", _:
                self.paused = True
            case "resume", _:
                if not self.paused:
                    return
                self.paused = False
                self.slot = timing.resume(
                    self.slot.meant_on, self.lesson, self.rhythm, last_letter_on=self.last_letter_on, now=now
                )
            case "edit", (int(number), int(wait)):
                number %= len(self.lessons)
                changed = number == len(self.went) and self.lessons[number].wait != wait
                self.lessons[number] = self.lessons[number].model_copy(update={"wait": wait})
                if not changed:
                    return
                self._redate(timing.meant_after(self.anchor, self.lesson, self.rhythm), now)
            case "choice", dict(chosen):
                self._settle(replace(self.rhythm, **chosen), now)
        self.anchor = timing.anchor_before(self.slot, self.lesson, self.rhythm)

    def _settle(self, new: Rhythm, now: datetime) -> None:
        old = self.rhythm
        if old == new:
            return
        meant_on = self.slot.meant_on
        if new.pace != old.pace:
            meant_on = timing.meant_after(self.anchor, self.lesson, replace(new, weekdays=old.weekdays))
        self.rhythm = new
        if new.weekdays == old.weekdays:
            self._redate(meant_on, now)
        else:
            self.slot = timing.move_to_weekday(meant_on, self.lesson, new, last_letter_on=self.last_letter_on, now=now)

    def _redate(self, meant_on: date, now: datetime) -> None:
        self.slot = timing.redate(meant_on, self.lesson, self.rhythm, last_letter_on=self.last_letter_on, now=now)


# What is drawn ------------------------------------------------------------------------------------------------------


@st.composite
def rhythms(draw: st.DrawFn, *, pace: int | None = None) -> Rhythm:
    """Draw a person's rhythm: any zone, a window of three hours or more, one or two of the allowed days."""
    opens = draw(st.integers(0, 20 * 60))
    closes = draw(st.integers(opens + 180, 24 * 60 - 1))
    allow_days = draw(st.one_of(st.just(frozenset(range(7))), st.frozensets(st.integers(0, 6), min_size=1)))
    return Rhythm(
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        weekdays=draw(st.frozensets(st.sampled_from(sorted(allow_days)), min_size=1, max_size=2)),
        opens=time(opens // 60, opens % 60),
        closes=time(closes // 60, closes % 60),
        allow_days=allow_days,
        pace=pace or draw(st.sampled_from((1, 2))),
        min_gap=draw(st.integers(1, 4)),
        late=draw(st.integers(0, 4)),
    )


joinings = st.datetimes(datetime(2024, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@st.composite
def courses(draw: st.DrawFn, min_gap: int) -> list[Lesson]:
    """Draw a course: a welcome letter at once, then up to fourteen that wait at least the minimum gap."""
    waits = draw(st.lists(st.tuples(st.integers(min_gap, 14), st.booleans()), min_size=1, max_size=14))
    rest = [Lesson(id=f"letter-{number}", wait=wait, anyday=anyday) for number, (wait, anyday) in enumerate(waits)]
    return [Lesson(id="welcome", wait=0, anytime=True), *rest]


@st.composite
def outages(draw: st.DrawFn, joined: datetime, *, most: int = 4) -> tuple[Outage, ...]:
    """Draw times of one hour to sixty days in which nothing goes."""
    drawn = draw(st.lists(st.tuples(st.integers(0, 150 * 24 * 60), st.integers(60, 60 * 24 * 60)), min_size=1, max_size=most))
    begins = [(joined + timedelta(minutes=begin), timedelta(minutes=length)) for begin, length in drawn]
    return tuple(Outage(begin, begin + length) for begin, length in begins)


@st.composite
def happenings(draw: st.DrawFn, joined: datetime, rhythm: Rhythm) -> tuple[Happening, ...]:
    """Draw pauses, resumes, new settings one or several at a time, and edits of a wait."""
    drawn: list[Happening] = []
    for minutes in draw(st.lists(st.integers(0, 200 * 24 * 60), max_size=8)):
        at = joined + timedelta(minutes=minutes)
        what = draw(st.sampled_from(("pause", "until I say", "edit", "zone", "day", "hour", "pace", "everything")))
        if what == "pause":
            drawn.append(Happening(at, what, draw(st.integers(1, 4))))
        elif what == "until I say":
            drawn.append(Happening(at, what, None))
            drawn.append(Happening(at + draw(st.timedeltas(HOUR, 60 * DAY)), "resume", None))
        elif what == "edit":
            drawn.append(Happening(at, what, (draw(st.integers(0, 14)), draw(st.integers(rhythm.min_gap, 14)))))
        else:
            new = draw(rhythms())
            names = {"zone": ["zone"], "day": ["weekdays", "allow_days"], "hour": ["opens", "closes"], "pace": ["pace"]}
            chosen = names.get(what, ["zone", "weekdays", "allow_days", "opens", "closes", "pace"])
            drawn.append(Happening(at, "choice", {name: getattr(new, name) for name in chosen}))
    return tuple(drawn)


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    """Draw a whole journey with trouble and changes of every kind."""
    rhythm, joined = draw(rhythms()), draw(joinings)
    lessons = draw(courses(rhythm.min_gap))
    return Journey(lessons, rhythm, joined, draw(outages(joined)), draw(happenings(joined, rhythm)))


# What holds ---------------------------------------------------------------------------------------------------------


def _in_window(went: Went) -> bool:
    """Whether the letter went in her window on an allowed day; on nights with a clock change, in that night's window."""
    rhythm, local = went.rhythm, went.at.astimezone(went.rhythm.zone)
    beside = {(went.at + days * DAY).astimezone(rhythm.zone).utcoffset() for days in (-1, 0, 1)}
    if len(beside) == 1:
        return rhythm.opens <= local.time() < rhythm.closes and local.weekday() in rhythm.allow_days
    near = (timing.slot_on(local.date() - days * DAY, rhythm) for days in (0, 1))
    return any(slot.due_at <= went.at < slot.closes_at and slot.letter_on.weekday() in rhythm.allow_days for slot in near)


@settings(max_examples=350, deadline=None)
@given(journeys())
def test_whatever_happens_the_timing_stays_kind(journey: Journey) -> None:
    """Every letter goes exactly once, in its order and her window, never closer than the gap, and the course ends."""
    expected = [lesson.id for lesson in journey.lessons]
    went = journey.run()
    assert expected == [letter.lesson for letter in went]
    for before, after in pairwise(went):
        assert journey.rhythm.min_gap <= (after.on - before.on).days
    at_once = 1 if went[0].at < journey.joined + HOUR else 0
    assert [] == [letter for letter in went[at_once:] if not _in_window(letter)]


def _with_and_without(journey: Journey) -> list[tuple[Went, Went]]:
    calm = Journey(list(journey.lessons), journey.rhythm, journey.joined)
    return list(zip(calm.run(), journey.run(), strict=True))


@settings(max_examples=250, deadline=None)
@given(st.data(), rhythms(), joinings, st.integers(1, 3))
def test_an_outage_costs_at_most_a_week_more_than_it_lasted(
    data: st.DataObject, rhythm: Rhythm, joined: datetime, most: int
) -> None:
    """No letter, and so not the end, comes earlier than without it, nor later than the outages took and a week for each.

    One week more, once, when an outage met the welcome: it alone goes at once, on any day and at any hour, and the rhythm
    that counts from it then has to find her weekday anew.
    """
    dark = data.draw(outages(joined, most=most))
    pairs = _with_and_without(Journey(data.draw(courses(rhythm.min_gap)), rhythm, joined, dark))
    met_welcome = pairs[0][0].at < pairs[0][1].at
    slack = 3 * HOUR + (7 * DAY if met_welcome else 0 * DAY)
    cost = sum((outage.ends - outage.begins + 7 * DAY for outage in dark), slack)
    for calm, late in pairs:
        assert calm.at <= late.at <= calm.at + cost
    event("the outage cost something" if pairs[-1][0].at < pairs[-1][1].at else "the outage cost nothing")


@settings(max_examples=200, deadline=None)
@given(st.data(), rhythms(pace=2), joinings)
def test_every_two_weeks_stays_slow_through_outages(data: st.DataObject, rhythm: Rhythm, joined: datetime) -> None:
    """No two lessons are closer than twice their wait, less the days by which the first of them followed late."""
    lessons = data.draw(courses(rhythm.min_gap))
    went = Journey(lessons, rhythm, joined, data.draw(outages(joined))).run()
    for lesson, before, after in zip(lessons[1:], went, went[1:], strict=False):
        followed = (before.on - before.slot.meant_on).days
        assert followed <= rhythm.late
        assert 2 * lesson.wait - followed <= (after.on - before.on).days


def test_after_two_dark_months_the_letters_come_one_a_week() -> None:
    """No backlog and no burst: who missed eight Tuesdays gets the ninth letter on the next, and one on each that follows."""
    tuesdays = Rhythm(
        zone=ZoneInfo("Europe/London"), weekdays=frozenset({1}), opens=time(9), closes=time(20), allow_days=frozenset(range(7))
    )
    joined = datetime(2026, 1, 2, 12, tzinfo=UTC)
    lessons = [Lesson(id="welcome", wait=0, anytime=True), *(Lesson(id=f"letter-{number}", wait=7) for number in range(6))]
    dark = Outage(datetime(2026, 1, 14, tzinfo=UTC), datetime(2026, 3, 13, 22, tzinfo=UTC))
    went = [letter.on for letter in Journey(lessons, tuesdays, joined, (dark,)).run()]
    assert [date(2026, 1, 2), date(2026, 1, 13)] == went[:2]
    assert [date(2026, 3, 17) + weeks * 7 * DAY for weeks in range(5)] == went[2:]
