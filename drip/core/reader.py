"""For whom a letter is shown before it is live: sample people, and what a letter would tell each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from drip.core import timing
from drip.core.enrollment import zone_of
from drip.core.progress import next_step
from drip.core.schedule import Helpline
from drip.core.wording import SOME_DAY, day_in_words, weekday_name

if TYPE_CHECKING:
    from datetime import datetime

    from drip.core.schedule import Course
    from drip.core.timing import Rhythm

WITH_LINES = "*"
"""Stands for the first country for which the course names a helpline."""

MADE_UP = Helpline(country="GB", name="A listening service", number="000 000", hours="day and night", checked_on=date(2026, 1, 1))
"""The helpline that is shown where a course names none yet."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads: her *key* in a list of readers, her *label* there, and the settings that a letter depends on.

    *back* says that a pause ended just now, *new* that she joined today, *resting* that she is paused until she says.
    *meant_on* and *letter_on* are the dates of her next letter where they are known; *next_lesson* is what it is.
    """

    key: str
    label: str
    name: str = "Ana"
    zone: str = ""
    country: str = ""
    weekday: int | None = None
    send_at: str | None = None
    pace: int = 1
    short: bool = False
    back: bool = False
    new: bool = False
    resting: bool = False
    afterwards: bool = False
    keep: bool = False
    meant_on: date | None = None
    letter_on: date | None = None
    next_lesson: str = ""

    def rhythm(self, course: Course) -> Rhythm:
        """Return when she wants her letters."""
        send_at = None if self.send_at is None else time.fromisoformat(self.send_at)
        zone = zone_of(self.zone or course.timezone, course)
        return timing.rhythm_of(course, zone, weekday=self.weekday, send_at=send_at, pace=self.pace)

    def helplines(self, course: Course) -> tuple[Helpline, ...]:
        """Return the helplines that stand in her letters."""
        if self.country == WITH_LINES:
            return course.helplines_in(course.helplines[0].country) if course.helplines else (MADE_UP,)
        return course.helplines_in(self.country)


# As long as names become, in letters of both directions, with everything that means something in a letter's making.
_LONG = (
    "Wilhelmina-Antoinette “Mina” O’Brien & <b>Söhne</b> [of](http://x) {{ name }} **the** אלישבע \u202eesrever _"
    + "longest" * 12
)

SAMPLES = (
    Reader("weekly", "Every week, full letters"),
    Reader("short", "Every week, short letters", short=True),
    Reader("slow", "Every two weeks", pace=2),
    Reader("new", "Joined today", new=True),
    Reader("back", "Half-way, back from a pause", back=True),
    Reader("helpline", "In a country with a helpline", country=WITH_LINES),
    Reader("nameless", "Gave no name", name=""),
    Reader("long", "A name as hard as they come", name=_LONG),
)
"""The people on whom a letter is tried; the first is shown where nobody is chosen."""


class Dates(NamedTuple):
    """On which day a letter is shown as if it went, and what it says of days to her, in words."""

    on: date
    weekday: str
    next_date: str
    forget_date: str


def dates(reader: Reader, course: Course, letter: str, *, now: datetime) -> Dates:
    """Return the dates in *letter* as if it were her next one, whatever she has had.

    It goes on the day of her next letter where that is known, at once where it is the first of somebody who joins, and
    else on the next of her days.
    """
    rhythm = reader.rhythm(course)
    meant_on, on = _day(reader, course, letter, rhythm, now)
    return Dates(
        on,
        weekday_name(min(rhythm.weekdays)),
        _next_date(reader, course, letter, rhythm, meant_on, on),
        "you say so" if reader.keep else day_in_words(on + timedelta(days=course.retention.finished)),
    )


def _day(reader: Reader, course: Course, letter: str, rhythm: Rhythm, now: datetime) -> tuple[date, date]:
    """Return the meant date and the letter date."""
    if reader.meant_on is not None and reader.letter_on is not None:
        return reader.meant_on, reader.letter_on
    first = course.sequence[0]
    if reader.new or letter == first.id:
        slot = timing.first_slot(first, rhythm, now=now)
    else:
        slot = timing.own_day_from_now(rhythm, last_letter_on=None, now=now)
    return slot.meant_on, slot.letter_on


def _next_date(  # noqa: PLR0917 - one letter on one day
    reader: Reader, course: Course, letter: str, rhythm: Rhythm, meant_on: date, on: date
) -> str:
    """Return the date of the letter after this one, '' after the last."""
    if reader.resting:
        return SOME_DAY
    if letter not in course.lessons:
        # What she asks for moves nothing of her course.
        return day_in_words(on)
    late = letter not in course.places
    step = next_step(course, letter, frozenset({letter}), {}, afterwards=reader.afterwards or late)
    if step is None:
        return ""
    slot = timing.next_slot(step.lesson, rhythm, last_meant_on=meant_on, last_letter_on=on, afterwards=step.afterwards)
    return day_in_words(slot.letter_on)
