"""Made people: who they are and what befalls them, drawn from numbers that the caller gives; the same ones, the same people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeVar

from drip.core import timing
from drip.core.enrollment import Enrollment, Pause, Stage, zone_of
from drip.core.simulation import Happening, Traveller
from drip.core.timeword import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from drip.core.progress import LiveCourse

    Draw = Callable[[], float]
    """Gives the next number of a person's own, from 0 up to 1."""

T = TypeVar("T")

ZONES = (
    ("America/New_York", 18),
    ("America/Los_Angeles", 9),
    ("America/Chicago", 8),
    ("Europe/Berlin", 6),
    ("Australia/Sydney", 5),
    ("America/Toronto", 5),
    ("Europe/Dublin", 4),
    ("Europe/Paris", 3),
    ("America/Denver", 3),
    ("Pacific/Auckland", 3),
    ("Asia/Kolkata", 2),
    ("Australia/Brisbane", 2),
    ("Africa/Johannesburg", 1),
    ("America/Sao_Paulo", 1),
)
"""Where people live, in hundredths; the others live in the zone of the course."""

OWN_DAY, OWN_HOUR, SLOWLY = 0.4, 0.3, 0.15
"""How many choose a day, choose an hour, or read every two weeks."""

PAUSES = (("pause", 1, 4), ("pause", 2, 3), ("pause", 4, 2), ("rest", 0, 1))
"""Which pauses people take, with weeks and weights; the last is *until I say*."""

RESTS_MAX = 60
"""Days after which whoever paused until she says has said so."""

FIRST_BOUNCES = 0.7
"""How many of the addresses that bounce do so with the first letter."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a population is like: how many join from *first_day* on over *over* days, and the shares that something befalls.

    *weeks* is how long after the last has joined anything may befall anybody.
    """

    first_day: date
    people: int
    over: int
    weeks: int
    pauses: float = 0.0
    bounces: float = 0.0
    leaves: float = 0.0

    def begins(self, zone: ZoneInfo) -> datetime:
        """Return the first instant: midnight of the first day in *zone*."""
        return timing.instant(self.first_day, time(0), zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """Return the instant after the last."""
        return timing.instant(self.first_day + timedelta(days=self.over + 7 * self.weeks), time(0), zone)


def made(number: int, shape: Shape, course: LiveCourse, name: str, draw: Draw) -> Traveller:
    """Return one made person of a course called *name*; each takes as many numbers whatever the shares are."""
    facts = _person(number, course, name, draw)
    day = shape.first_day + timedelta(days=int(draw() * shape.over))
    minute = 7 * 60 + int(draw() * 16 * 60)
    zone = zone_of(facts.zone, course.course)
    joined = max(timing.instant(day, time(minute // 60, minute % 60), zone), shape.begins(zone_of("", course.course)))
    happenings, bounces_on = _befalls(shape, joined, len(course.course.sequence), draw)
    return Traveller(number, facts, happenings=(Happening(joined, "join"), *happenings), bounces_on=bounces_on)


def troubled(person: Traveller, shape: Shape, begins: datetime, letters: int, draw: Draw) -> Traveller:
    """Return somebody who is there already with what befalls her from *begins* on."""
    person.happenings, person.bounces_on = _befalls(shape, begins, letters, draw)
    return person


def _befalls(shape: Shape, since: datetime, letters: int, draw: Draw) -> tuple[tuple[Happening, ...], int]:
    """Return pauses and a leave from *since* on, and which letter bounces, 0 for none."""
    stretch = timedelta(days=7 * max(1, shape.weeks))

    def moment() -> datetime:
        # Whole seconds: an instant is shown and compared as it is.
        return since + timedelta(seconds=int(draw() * stretch.total_seconds()))

    pauses, which, at, rests = draw() < shape.pauses, draw(), moment(), 1 + int(draw() * RESTS_MAX)
    leaves, left_at = draw() < shape.leaves, moment()
    bounces, first, later = draw() < shape.bounces, draw() < FIRST_BOUNCES, 1 + int(draw() * letters)
    found: list[Happening] = []
    if pauses:
        what, weeks = _pick([((what, weeks), weight) for what, weeks, weight in PAUSES], which)
        found.append(Happening(at, what, weeks))
        if what == "rest":
            found.append(Happening(at + timedelta(days=rests), "resume"))
    if leaves:
        found.append(Happening(left_at, "leave"))
    return tuple(found), (1 if first else later) if bounces else 0


def _person(number: int, course: LiveCourse, name: str, draw: Draw) -> Enrollment:
    allow = course.course.allow
    rest = 100 - sum(weight for _, weight in ZONES)
    zone = _pick([(course.course.timezone, rest), *ZONES], draw())
    own_day, day = draw() < OWN_DAY, allow.days[int(draw() * len(allow.days))]
    hours = [time(hour) for hour in range(24) if allow.opens <= time(hour) < allow.closes] or [course.course.send.at]
    own_hour, hour = draw() < OWN_HOUR, hours[int(draw() * len(hours))]
    slowly = draw() < SLOWLY
    return newcomer(
        number,
        course,
        name,
        zone=zone,
        weekday=WEEKDAYS.index(day) if own_day else None,
        send_at=hour.isoformat("minutes") if own_hour else None,
        pace=2 if slowly else 1,
    )


def newcomer(
    number: int,
    course: LiveCourse,
    name: str,
    *,
    zone: str,
    weekday: int | None = None,
    send_at: str | None = None,
    pace: int = 1,
) -> Enrollment:
    """Return the facts of somebody who asked for a course and has not begun it."""
    return Enrollment(
        id=number,
        public_id="",
        subscriber_id=number,
        open_delivery=None,
        deliveries_due=0,
        confirmed_at=datetime(2000, 1, 1, tzinfo=UTC),
        course=name,
        state=Stage.ASKED.value,
        zone=zone,
        weekday=weekday,
        send_at=send_at,
        pace=pace,
        short=False,
        afterwards=False,
        run=1,
        place=None,
        last_meant_on=None,
        last_letter_on=None,
        next_lesson=None,
        next_meant_on=None,
        next_letter_on=None,
        next_due_at=None,
        next_closes_at=None,
        version_id=course.version_id,
        paused=Pause.NONE.value,
        pause_from_on=None,
        resumed=False,
        ended_at=None,
        ended_why="",
    )


def _pick(choices: Sequence[tuple[T, int]], number: float) -> T:
    """Return one of *choices* by its weight."""
    left = number * sum(weight for _, weight in choices)
    for choice, weight in choices:
        left -= weight
        if left < 0:
            return choice
    return choices[-1][0]
