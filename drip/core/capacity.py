"""How many letters a day has room for at so many an hour, how that grows while a domain is warmed up, and who is late by it.

The limit is one of letters in an hour. With `grow` it is multiplied after each day that used it: one on which at least as
many letters left as one hour allows. So silence lets nothing leap, and the growth ends by itself where it no longer binds:
where a whole day's letters fit into one hour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from drip.core.schedule import Course, Sending

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

DAYS_MAX = 3_650
"""How far ahead the last letter is looked for."""


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of a day in which letters go: from *opens* up to *closes*."""

    opens: time
    closes: time

    @classmethod
    def of(cls, course: Course) -> Window:
        """Return the hours in which letters go to whoever chose none."""
        return cls(course.send.at, course.send.until)

    @property
    def hours(self) -> int:
        """How often an hour's letters may begin in it: a part of an hour takes a whole hour's."""
        day = date(2000, 1, 1)
        return max(0, ceil((datetime.combine(day, self.closes) - datetime.combine(day, self.opens)) / HOUR))


@dataclass(frozen=True, slots=True)
class Level:
    """Where a warm-up stands: *per_hour* on *day*, having begun with *began* an hour."""

    began: int
    per_hour: int
    day: date


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of a course as it stands: *per_hour* today, and how many *went* in this hour of the clock and *today*.

    *grows_to* is what it is tomorrow if today uses it; 0 where nothing grows.
    """

    per_hour: int
    went: int = 0
    today: int = 0
    grows_to: int = 0

    @property
    def full(self) -> bool:
        """Whether this hour has no room left."""
        return self.went >= self.per_hour

    @property
    def words(self) -> str:
        """How it stands and when it grows, as a sentence without an end."""
        said = f"{self.per_hour:,} letters an hour for all, and {self.went:,} went in this one"
        said += "; the rest waits for the next" if self.full else ""
        if not self.grows_to:
            return said
        if uses(self.today, self.per_hour):
            return f"{said}; it grows tomorrow, to {self.grows_to:,}"
        used = f"a day with at least {self.per_hour:,}"
        return f"{said}; it grows to {self.grows_to:,} after {used}, and today had {self.today:,}"


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its limit, how many letters were *meant* for it and how many have *room*, and what becomes of them.

    *over* is how many of those meant for it do not leave on it, *late* how long after its hour the last of them leaves.
    """

    day: date
    per_hour: int
    room: int
    meant: int
    left: int
    over: int
    late: timedelta


@dataclass(frozen=True, slots=True)
class Capacity:
    """Every day from the first of a load to the one on which its last letter leaves."""

    days: tuple[Day, ...]

    @property
    def over(self) -> int:
        """How many letters do not fit into the day that they are meant for."""
        return sum(day.over for day in self.days)

    @property
    def latest(self) -> Day | None:
        """The day whose last letter is the latest of all; None when none is late."""
        found = max(self.days, key=lambda day: (day.late, -day.day.toordinal()), default=None)
        return found if found is not None and found.late else None


def uses(letters: int, per_hour: int) -> bool:
    """Whether a day with so many letters used the limit, so that it grows after it."""
    return letters >= per_hour


def grown(per_hour: int, grow: Decimal | None, letters: int) -> int:
    """Return the limit of the day after one on which so many *letters* left."""
    if grow is None or not uses(letters, per_hour):
        return per_hour
    return ceil(per_hour * grow)


def limit_on(day: date, sending: Sending, level: Level | None, letters: int) -> int:
    """Return the limit of *day*, where *letters* left on the day of *level*: what is remembered of the warm-up, or None."""
    if sending.grow is None or level is None or level.began != sending.per_hour:
        return sending.per_hour
    return level.per_hour if day <= level.day else grown(level.per_hour, sending.grow, letters)


def moved_on(day: date, sending: Sending, level: Level | None, letters: int) -> Level | None:
    """Return what is to be remembered of the warm-up on *day*; None where nothing grows.

    An edit of `per_hour` begins anew with it. An edit of `grow` alone goes on from where the warm-up stands.
    """
    if sending.grow is None:
        return None
    if level is None or level.began != sending.per_hour:
        return Level(sending.per_hour, sending.per_hour, day)
    # A clock that was set back must not let the same day count twice.
    return level if day <= level.day else Level(level.began, limit_on(day, sending, level, letters), day)


def foreseen(
    load: Mapping[date, int | Mapping[int, int]], sending: Sending, window: Window, level: Level | None = None
) -> Capacity:
    """Return how a *load* of letters goes, those meant for the earliest hour first.

    The load says for each day how many letters fall due, in all (then at the hour at which the window opens) or by the hour
    of the day. *level* is where the warm-up stands; None when it begins with the first day. What does not fit into a window
    goes on when the next day's opens.
    """
    waiting: deque[_Cohort] = deque()
    meant = {day: _by_hour(count, window) for day, count in load.items() if count}
    cohorts = {day: [_Cohort(day, hour, count) for hour, count in sorted(hours.items()) if count] for day, hours in meant.items()}
    found: list[tuple[date, int, int]] = []
    day, last = min(cohorts, default=date.max), max(cohorts, default=date.min)
    left = 0
    while (day <= last or waiting) and len(found) < DAYS_MAX:
        level = moved_on(day, sending, level, left)
        per_hour = sending.per_hour if level is None else level.per_hour
        left = _pass(day, deque(cohorts.get(day, ())), waiting, per_hour, window)
        found.append((day, per_hour, left))
        # Nothing happens on the days between.
        day = day + DAY if waiting or day >= last else min(ahead for ahead in cohorts if ahead > day)
    return Capacity(tuple(_told(day, per_hour, left, cohorts.get(day, ()), window) for day, per_hour, left in found))


@dataclass(slots=True)
class _Cohort:
    """The letters of one hour: how many still wait, how many left on their own day, and when the last one left."""

    day: date
    hour: int
    waiting: int
    on_its_day: int = 0
    late: timedelta = timedelta(0)
    count: int = 0

    def __post_init__(self) -> None:
        self.count = self.waiting


def _by_hour(count: int | Mapping[int, int], window: Window) -> Mapping[int, int]:
    return count if isinstance(count, Mapping) else {window.opens.hour: count}


def _pass(day: date, coming: deque[_Cohort], waiting: deque[_Cohort], per_hour: int, window: Window) -> int:
    """Let a day pass: each hour of the window takes its letters, the longest meant first; return how many left."""
    left = 0
    for hour in range(window.opens.hour, window.opens.hour + window.hours):
        while coming and coming[0].hour <= hour:
            waiting.append(coming.popleft())
        room = per_hour
        while waiting and room:
            cohort = waiting[0]
            taken = min(room, cohort.waiting)
            cohort.waiting -= taken
            cohort.late = (day - cohort.day) + HOUR * (hour - cohort.hour)
            cohort.on_its_day += taken if cohort.day == day else 0
            room -= taken
            left += taken
            if not cohort.waiting:
                waiting.popleft()
    # Whoever's hour lies outside the window waits for the next one.
    waiting.extend(coming)
    return left


def _told(day: date, per_hour: int, left: int, cohorts: list[_Cohort] | tuple[_Cohort, ...], window: Window) -> Day:
    meant = sum(cohort.count for cohort in cohorts)
    stayed = sum(cohort.on_its_day for cohort in cohorts)
    late = max((cohort.late for cohort in cohorts), default=timedelta(0))
    return Day(day, per_hour, per_hour * window.hours, meant, left, meant - stayed, max(late, timedelta(0)))
