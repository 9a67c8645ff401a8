"""A survey of a course: how many people stand at each lesson, when letters fall due, and what became of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from drip.core.delivery import OPEN, Outcome, State
from drip.core.enrollment import Pause, Stage
from drip.core.progress import place_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from zoneinfo import ZoneInfo

    from drip.core.progress import LiveCourse

    Since = Callable[[int], LiveCourse]
    """Returns the course as it stands in a version."""

DAYS = 7
HOURS = 24


# Where people stand -------------------------------------------------------------------------------------------------


class Stand(NamedTuple):
    """People who stand alike: the version whose names they carry, stage, place, next lesson, pause, how many.

    Somebody *waits* whose letter is open, or due.
    """

    version_id: int
    state: str
    place: str | None
    next_lesson: str | None
    paused: str
    waits: bool
    people: int


@dataclass(slots=True)
class Stop:
    """A lesson on the map of everybody: how many have it next, of those how many rest or wait at it, and how many had it.

    *stopped* says why its letter does not go, '' where it goes.
    """

    lesson: str
    title: str
    number: int | None = None
    next: int = 0
    resting: int = 0
    waiting: int = 0
    had: int = 0
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Leg:
    """A phase with its lessons, or what comes after the last."""

    title: str
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """A course with everybody on it; *astray* counts people whose next lesson stands no more in the live version."""

    course: str
    title: str
    version_id: int
    held: str
    legs: tuple[Leg, ...]
    stages: Mapping[str, int]
    resting: int
    astray: int

    @property
    def most(self) -> int:
        """How many people stand at the fullest lesson."""
        return max((stop.next for leg in self.legs for stop in leg.stops), default=0)


@dataclass(slots=True)
class Stops:
    """What keeps letters of a course back: *held* says why all of it stands, the mapping why one lesson does."""

    held: str = ""
    lessons: Mapping[str, str] = field(default_factory=dict)


def mapped(  # noqa: PLR0917 - a course and what is known of its people
    name: str,
    live: LiveCourse,
    titles: Mapping[str, str],
    stands: Iterable[Stand],
    omitted: Mapping[str, int],
    stops: Stops,
    since: Since,
) -> Map:
    """Return the map of a live course; *omitted* counts by first ids the people for whom a lesson was left out.

    Whoever is past a lesson had it, unless it was left out: the audit holds the books to that.
    """
    known = {
        lesson.id: Stop(lesson.id, titles.get(lesson.id, lesson.id), live.course.numbers.get(lesson.id))
        for lesson in (*live.course.sequence, *live.course.afterwards)
    }
    stages: Counter[str] = Counter()
    placed: Counter[str] = Counter()
    resting = astray = 0
    for stand in stands:
        stages[stand.state] += stand.people
        if stand.state in {Stage.ACTIVE, Stage.FINISHED}:
            placed[_kept(stand.version_id, stand.place, live, since) or ""] += stand.people
        if stand.state != Stage.ACTIVE:
            continue
        resting += stand.people if stand.paused != Pause.NONE else 0
        stop = known.get(_named(stand.version_id, stand.next_lesson, live, since) or "")
        if stop is None:
            astray += stand.people
            continue
        stop.next += stand.people
        stop.resting += stand.people if stand.paused != Pause.NONE else 0
        stop.waiting += stand.people if stand.waits and stand.paused == Pause.NONE else 0
    _count_had(known, live, placed, omitted)
    for lesson, why in stops.lessons.items():
        if lesson in known:
            known[lesson].stopped = why
    legs = [Leg(phase.title, tuple(known[lesson.id] for lesson in phase.lessons)) for phase in live.course.phases]
    if live.course.afterwards:
        legs.append(Leg("Afterwards, for whoever asked", tuple(known[lesson.id] for lesson in live.course.afterwards)))
    return Map(name, live.course.title, live.version_id, stops.held, tuple(legs), stages, resting, astray)


def _named(version_id: int, lesson: str | None, live: LiveCourse, since: Since) -> str | None:
    """Return what a lesson of a version is called in the live one; None where it is gone."""
    if lesson is None or version_id == live.version_id:
        return lesson
    return live.current_id(since(version_id).first_id(lesson))


def _kept(version_id: int, place: str | None, live: LiveCourse, since: Since) -> str | None:
    """Return where a place of a version stands in the live one."""
    if place is None or version_id == live.version_id:
        return place
    return place_kept(since(version_id), live, place)


def _count_had(known: Mapping[str, Stop], live: LiveCourse, placed: Mapping[str, int], omitted: Mapping[str, int]) -> None:
    """Count for each lesson the people who are at it or past it, but for those for whom it was left out."""
    past = 0
    for lesson in reversed(list(known)):
        past += placed.get(lesson, 0)
        known[lesson].had = max(0, past - omitted.get(live.first_id(lesson), 0))


# When letters fall due ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DueDay:
    """A day of a week: how many letters fall due in each of its hours, by the clock of the course."""

    on: date
    hours: tuple[int, ...]

    @property
    def letters(self) -> int:
        """How many fall due on that day."""
        return sum(self.hours)

    @property
    def busiest(self) -> int | None:
        """The hour with the most letters; None on a day without any."""
        return max(range(HOURS), key=lambda hour: (self.hours[hour], -hour)) if self.letters else None


@dataclass(frozen=True, slots=True)
class Week:
    """The coming seven days of a course, by the clock in its zone; *overdue* letters had their time and wait all the same.

    At *per_hour* (None: no limit), which *grows* from day to day or not, the latest letter of all leaves *late* after its hour,
    and was meant for the day *latest* (None: none is late).
    """

    course: str
    title: str
    zone: str
    held: str
    days: tuple[DueDay, ...]
    overdue: int
    per_hour: int | None = None
    grows: bool = False
    late: timedelta = timedelta()
    latest: date | None = None

    @property
    def letters(self) -> int:
        """How many letters fall due."""
        return sum(day.letters for day in self.days)

    @property
    def most(self) -> int:
        """How many letters the fullest hour has."""
        return max((count for day in self.days for count in day.hours), default=0)

    @property
    def busiest(self) -> tuple[date, int] | None:
        """The day and the hour with the most letters; None in a week without any."""
        if not self.letters:
            return None
        day = max(self.days, key=lambda one: max(one.hours))
        return day.on, day.busiest or 0


def due_days(first: date, due: Iterable[tuple[datetime, int]], zone: ZoneInfo) -> tuple[DueDay, ...]:
    """Return seven days from *first* on with the letters *due* (instants with counts) in the hours of *zone*.

    An hour that a clock change repeats holds the letters of both.
    """
    counts = [[0] * HOURS for _ in range(DAYS)]
    for instant, letters in due:
        local = instant.astimezone(zone)
        ahead = (local.date() - first).days
        if 0 <= ahead < DAYS:
            counts[ahead][local.hour] += letters
    return tuple(DueDay(first + timedelta(days=number), tuple(hours)) for number, hours in enumerate(counts))


def load_of(days: Iterable[DueDay]) -> dict[date, dict[int, int]]:
    """Return how many letters fall due on each day in each hour that has any."""
    return {day.on: {hour: count for hour, count in enumerate(day.hours) if count} for day in days}


# What became of letters ---------------------------------------------------------------------------------------------


class Fate(NamedTuple):
    """Letters that fared alike: the letter by its first id, the version, what we did, what the provider said, how many."""

    letter: str
    version_id: int
    state: str
    outcome: str | None
    letters: int


ENDS = ("delivered", "quiet", "bounced", "blocked", "complained", "withheld", "failed", "uncertain", "open")
"""How a letter can stand, each in one way: `quiet` was submitted and has no last word, `complained` came and was unwanted."""

_SAID = {
    Outcome.DELIVERED: "delivered",
    Outcome.BOUNCED: "bounced",
    Outcome.BLOCKED: "blocked",
    Outcome.DROPPED: "blocked",
    Outcome.COMPLAINED: "complained",
    Outcome.UNSUBSCRIBED: "delivered",
}


@dataclass(slots=True)
class Tally:
    """What became of one letter, in one version or in all (None): how many stand how, by the words of `ENDS`."""

    letter: str
    title: str
    version_id: int | None = None
    number: int | None = None
    ends: Counter[str] = field(default_factory=Counter)

    @property
    def letters(self) -> int:
        """How many there are."""
        return self.ends.total()

    @property
    def submitted(self) -> int:
        """How many the provider took."""
        return sum(self.ends[name] for name in ("delivered", "quiet", "bounced", "blocked", "complained"))

    def share(self, name: str) -> float:
        """Return the share of what the provider took that ended as *name*, from 0 to 1."""
        return self.ends[name] / self.submitted if self.submitted else 0.0


def end_of(state: str, outcome: str | None) -> str:
    """Return how a letter stands, as one of `ENDS`: what the provider said is the last word on what it took."""
    if state in {one.value for one in OPEN}:
        return "open"
    if state != State.SUBMITTED:
        return state
    return _SAID.get(Outcome(outcome), "quiet") if outcome else "quiet"


def tallied(live: LiveCourse, titles: Callable[[str, int], str], fates: Iterable[Fate], *, by_version: bool) -> list[Tally]:
    """Return a tally per letter, or per letter and version, in the order of the course; other letters follow by name.

    *titles* gives the title of a letter, by its first id, in a version.
    """
    order = [live.first_id(lesson.id) for lesson in (*live.course.sequence, *live.course.afterwards)]
    numbers = {live.first_id(lesson): number for lesson, number in live.course.numbers.items()}
    found: dict[tuple[str, int | None], Tally] = {}
    newest: dict[tuple[str, int | None], int] = {}
    for fate in fates:
        key = (fate.letter, fate.version_id if by_version else None)
        tally = found.setdefault(key, Tally(fate.letter, "", key[1], numbers.get(fate.letter)))
        newest[key] = max(newest.get(key, 0), fate.version_id)
        tally.ends[end_of(fate.state, fate.outcome)] += fate.letters
    for key, tally in found.items():
        tally.title = titles(tally.letter, newest[key])
    place = {letter: index for index, letter in enumerate(order)}
    return [found[key] for key in sorted(found, key=lambda key: (place.get(key[0], len(order)), key[0], key[1] or 0))]
