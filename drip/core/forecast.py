"""How many letters go on each coming day, as people stand: everybody's whole course ahead.

Nobody joins, pauses or leaves in it, and every letter goes on its day.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from drip.core import timing
from drip.core.progress import steps_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from zoneinfo import ZoneInfo

    from drip.core.progress import LiveCourse
    from drip.core.timing import Rhythm


class Cohort(NamedTuple):
    """Whoever gets the same letters on the same days from her next one on; *had* holds the first ids of her run."""

    lesson: str
    meant_on: date
    letter_on: date
    weekdays: frozenset[int]
    pace: int
    afterwards: bool
    had: frozenset[str]


def dates_of(cohort: Cohort, course: LiveCourse, rhythm: Rhythm) -> Iterator[date]:
    """Yield the date of each letter of a cohort in a course, the next one first; *rhythm* is that of anybody in it."""
    lesson = course.course.lessons.get(cohort.lesson)
    if lesson is None:
        return
    yield cohort.letter_on
    meant_on, letter_on = cohort.meant_on, cohort.letter_on
    for step in steps_after(course.course, lesson.id, afterwards=cohort.afterwards):
        if course.first_id(step.lesson.id) in cohort.had:
            continue
        meant_on, letter_on = timing.next_dates(
            step.lesson, rhythm, last_meant_on=meant_on, last_letter_on=letter_on, afterwards=step.afterwards
        )
        yield letter_on


class Start(NamedTuple):
    """With whom somebody goes on, and when that is where the course is at home: so many days later or earlier, at an hour."""

    cohort: Cohort
    days_off: int
    hour: int


def start_of(cohort: Cohort, rhythm: Rhythm, home: ZoneInfo) -> Start:
    """Return where whoever lives by *rhythm* starts; her clock and that of *home* are as far apart as on her next day."""
    there = timing.instant(cohort.letter_on, rhythm.opens, rhythm.zone).astimezone(home)
    return Start(cohort, (there.date() - cohort.letter_on).days, there.hour)


class Load:
    """How many letters go on each day and at each hour, by the clock of the course."""

    def __init__(self, course: LiveCourse, today: date) -> None:
        """Count nothing yet; what is late counts for *today*."""
        self._course = course
        self._today = today
        self._starts: Counter[Start] = Counter()
        self._rhythms: dict[Cohort, Rhythm] = {}
        self._days: dict[date, Counter[int]] | None = None

    def add(self, start: Start, rhythm: Rhythm, count: int) -> None:
        """Add so many people."""
        self._days = None
        self._starts[start] += count
        self._rhythms.setdefault(start.cohort, rhythm)

    def days(self) -> dict[date, Counter[int]]:
        """Return the letters of each day by the hour at which they fall due, worked out when first asked for."""
        if self._days is None:
            self._days = self._worked_out()
        return self._days

    def _worked_out(self) -> dict[date, Counter[int]]:
        ahead = {cohort: tuple(dates_of(cohort, self._course, rhythm)) for cohort, rhythm in self._rhythms.items()}
        found: dict[date, Counter[int]] = {}
        for (cohort, days_off, hour), people in self._starts.items():
            for day in ahead[cohort]:
                here = max(day + timedelta(days=days_off), self._today)
                found.setdefault(here, Counter())[hour] += people
        return dict(sorted(found.items()))
