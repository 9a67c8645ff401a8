"""The calendar of one person who joins a course: what comes on which day, at both paces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table

from drip import clock
from drip.core.schedule import Course, Schedule
from drip.core.timing import CalendarEntry, course_calendar


@dataclass(frozen=True, slots=True)
class Calendar:
    """When each letter of *course* comes to somebody who joined, every week and every two weeks."""

    id: str
    course: Course
    joined: datetime
    zone: ZoneInfo
    weekly: tuple[CalendarEntry, ...]
    two_weekly: tuple[CalendarEntry, ...]

    def as_json(self) -> dict[str, object]:
        """Return the calendar as plain values."""
        return {
            "course": self.id,
            "joined": self.joined.isoformat(),
            "zone": self.zone.key,
            "every_week": [self._entry(entry) for entry in self.weekly],
            "every_two_weeks": [self._entry(entry) for entry in self.two_weekly],
        }

    def _entry(self, entry: CalendarEntry) -> dict[str, object]:
        return {
            "lesson": entry.lesson,
            "number": self.course.numbers.get(entry.lesson),
            "letter_on": entry.letter_on.isoformat(),
            "due_at": entry.due_at.isoformat(),
        }


def calendars_of(schedule: Schedule, joined_on: date | None, zone: ZoneInfo | None) -> list[Calendar]:
    """Return the calendar of each course for somebody who joins at noon of *joined_on*, or now."""
    now = clock.read().calendar
    calendars = []
    for course_id, course in schedule.courses.items():
        own = zone or ZoneInfo(course.timezone)
        joined = now if joined_on is None else datetime.combine(joined_on, time(12), own).astimezone(now.tzinfo)
        weekly, two_weekly = (tuple(course_calendar(course, joined=joined, zone=own, pace=pace)) for pace in (1, 2))
        calendars.append(Calendar(course_id, course, joined, own, weekly, two_weekly))
    return calendars


def print_calendar(calendar: Calendar, out: Console) -> None:
    """Print *calendar* as a table that fits into eighty columns."""
    joined = calendar.joined.astimezone(calendar.zone)
    out.print(f"\n{calendar.course.title}: who joins on {_day(joined.date())} in {calendar.zone.key} gets", soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("No.", justify="right")
    table.add_column("Lesson", overflow="fold")
    table.add_column("Every week", no_wrap=True)
    table.add_column("Every two weeks", no_wrap=True)
    slow = {entry.lesson: entry for entry in calendar.two_weekly}
    last_phase = None
    for entry in calendar.weekly:
        phase = calendar.course.phase_numbers.get(entry.lesson)
        if phase != last_phase and last_phase is not None:
            table.add_section()
        last_phase = phase
        number = calendar.course.numbers.get(entry.lesson)
        other = slow.get(entry.lesson)
        table.add_row(str(number or ""), entry.lesson, _day(entry.letter_on), _day(other.letter_on) if other else "")
    out.print(table)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _day(day: date) -> str:
    """Return a day such as `Tue  3 Mar 2026`, in the same words on every machine."""
    return f"{_DAYS[day.weekday()]} {day.day:2} {_MONTHS[day.month - 1]} {day.year}"
