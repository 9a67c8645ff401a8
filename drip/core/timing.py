"""When a letter falls due: pure functions of facts and `now`.

Three dates are kept apart. The *meant date* is the local date a letter was meant for, before any lateness; the rhythm
counts from it. The *letter date* is the local date on which it is to go, later than the meant date only when it follows
late or waits for the minimum gap. The *due instant* is the opening, in UTC, of the person's window on the letter date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from zoneinfo import ZoneInfo

    from drip.core.schedule import Course, Lesson

NOTICE = timedelta(hours=1)
"""An edit or a change of settings brings no letter sooner than this."""

AT_ONCE = timedelta(hours=1)
"""How long an `anytime` letter may be late before it obeys the window."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When one person wants her letters, within what the course allows.

    *weekdays* and *allow_days* hold `date.weekday()` numbers; *opens* and *closes* bound her window in local time
    (half-open); *pace* multiplies the waits inside the phases; *min_gap* and *late* count calendar days.
    """

    zone: ZoneInfo
    weekdays: frozenset[int]
    opens: time
    closes: time
    allow_days: frozenset[int]
    pace: int = 1
    min_gap: int = 2
    late: int = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a letter stands in time: its meant date, the date it goes, and that day's window in UTC."""

    meant_on: date
    letter_on: date
    due_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One line of a person's calendar: which lesson goes on which local date, and the UTC instant."""

    lesson: str
    letter_on: date
    due_at: datetime


def rhythm_of(
    course: Course, zone: ZoneInfo, *, weekday: int | None = None, send_at: time | None = None, pace: int = 1
) -> Rhythm:
    """Return a person's rhythm in *course*: her own weekday and hour where she chose them, else the course's.

    A chosen hour keeps the length of the course's window, cut at the end of what the course allows. A day or an hour that
    the course does not allow, or no longer, is read as the course's own: nobody's window is empty or at night.
    """
    allow_days = course.allowed_weekdays
    if weekday not in allow_days:
        weekday = None
    if send_at is not None and not course.allow.opens <= send_at < course.allow.closes:
        send_at = None
    opens = course.send.at if send_at is None else send_at
    closes = course.send.until
    if send_at is not None:
        length = _minutes(course.send.until) - _minutes(course.send.at)
        end = min(_minutes(send_at) + length, _minutes(course.allow.closes))
        closes = time(end // 60, end % 60)
    days = course.send_weekdays if weekday is None else frozenset({weekday})
    return Rhythm(
        zone=zone,
        weekdays=days,
        opens=opens,
        closes=closes,
        allow_days=allow_days,
        pace=pace,
        min_gap=course.min_gap,
        late=course.late,
    )


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


# Everybody of one zone and hour asks for the same ones: a tick for a page of people, a simulation for thousands.
@lru_cache(maxsize=65_536)
def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a local time: one that does not exist moves forward, of one that exists twice the first."""
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


def slot_on(day: date, rhythm: Rhythm, *, meant_on: date | None = None) -> Slot:
    """Return the slot of a letter that goes on *day*, meant for *meant_on* (that same day by default)."""
    due_at, closes_at = instant(day, rhythm.opens, rhythm.zone), instant(day, rhythm.closes, rhythm.zone)
    if closes_at <= due_at:
        # A clock change moved the opening past the close; a window as long as ever follows the moved opening.
        closes_at = due_at + timedelta(minutes=_minutes(rhythm.closes) - _minutes(rhythm.opens))
    return Slot(meant_on=day if meant_on is None else meant_on, letter_on=day, due_at=due_at, closes_at=closes_at)


def at_once(now: datetime, rhythm: Rhythm) -> Slot:
    """Return the slot of an `anytime` letter that is asked for *now*."""
    today = now.astimezone(rhythm.zone).date()
    return Slot(meant_on=today, letter_on=today, due_at=now, closes_at=now + AT_ONCE)


def on_or_after(day: date, weekdays: AbstractSet[int]) -> date:
    """Return the first date from *day* on whose weekday is among *weekdays*."""
    return next(later for ahead in range(7) if (later := day + timedelta(days=ahead)).weekday() in weekdays)


def _own_day(day: date, lesson: Lesson, rhythm: Rhythm) -> date:
    """Return the first date from *day* on that suits *lesson*: her own weekday, or any allowed one for a free letter."""
    return on_or_after(day, rhythm.allow_days if lesson.anyday or lesson.anytime else rhythm.weekdays)


def wait_of(lesson: Lesson, rhythm: Rhythm, *, afterwards: bool = False) -> timedelta:
    """Return the calendar days from the last meant date to *lesson*, at the person's pace."""
    return timedelta(days=lesson.wait * (1 if afterwards else rhythm.pace))


def meant_after(last_meant_on: date, lesson: Lesson, rhythm: Rhythm, *, afterwards: bool = False) -> date:
    """Return the meant date of *lesson*, counted from the last one and moved on to a day that suits it."""
    return _own_day(last_meant_on + wait_of(lesson, rhythm, afterwards=afterwards), lesson, rhythm)


def gap_ends_on(last_letter_on: date | None, rhythm: Rhythm) -> date:
    """Return the first date on which the minimum gap after the last scheduled letter is over."""
    return date.min if last_letter_on is None else last_letter_on + timedelta(days=rhythm.min_gap)


def next_slot(
    lesson: Lesson, rhythm: Rhythm, *, last_meant_on: date, last_letter_on: date | None, afterwards: bool = False
) -> Slot:
    """Return the slot of the lesson that follows a letter just handed over."""
    meant_on = meant_after(last_meant_on, lesson, rhythm, afterwards=afterwards)
    return _settle(meant_on, gap_ends_on(last_letter_on, rhythm), lesson, rhythm, late=rhythm.late)


def next_dates(
    lesson: Lesson, rhythm: Rhythm, *, last_meant_on: date, last_letter_on: date | None, afterwards: bool = False
) -> tuple[date, date]:
    """Return the meant date and the letter date of `next_slot`: all of it that no zone and no hour decides."""
    meant_on = meant_after(last_meant_on, lesson, rhythm, afterwards=afterwards)
    return _settled(meant_on, gap_ends_on(last_letter_on, rhythm), lesson, rhythm, late=rhythm.late)


def _settle(meant_on: date, earliest: date, lesson: Lesson, rhythm: Rhythm, *, late: int) -> Slot:
    """Return the slot for a letter meant for one date that may not go before *earliest*.

    Within *late* days it follows and keeps its meant date, so that the next lesson keeps its own; after that it goes on
    a day that suits it, and the rhythm restarts from there.
    """
    meant_on, letter_on = _settled(meant_on, earliest, lesson, rhythm, late=late)
    return slot_on(letter_on, rhythm, meant_on=meant_on)


def _settled(meant_on: date, earliest: date, lesson: Lesson, rhythm: Rhythm, *, late: int) -> tuple[date, date]:
    """Return the meant date and the letter date of `_settle`."""
    day = on_or_after(max(meant_on, earliest), rhythm.allow_days)
    if (day - meant_on).days <= late:
        return meant_on, day
    own = _own_day(day, lesson, rhythm)
    return own, own


def first_open_day(now: datetime, rhythm: Rhythm) -> date:
    """Return the first local date whose window has not closed at *now*."""
    today = now.astimezone(rhythm.zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(-1, 3))
    return next(day for day in days if slot_on(day, rhythm).closes_at > now)


def follow(slot: Slot, lesson: Lesson, rhythm: Rhythm, *, last_letter_on: date | None, now: datetime) -> Slot:
    """Return the slot in which a letter that had fallen due and missed its window follows."""
    earliest = max(first_open_day(now, rhythm), gap_ends_on(last_letter_on, rhythm))
    return _settle(slot.meant_on, earliest, lesson, rhythm, late=rhythm.late)


def may_go(slot: Slot, rhythm: Rhythm, *, last_letter_on: date | None, now: datetime) -> bool:
    """Whether a scheduled letter may be handed over at *now*: inside its window, the minimum gap over."""
    return slot.due_at <= now < slot.closes_at and gap_ends_on(last_letter_on, rhythm) <= now.astimezone(rhythm.zone).date()


def _first_day_with_notice(now: datetime, rhythm: Rhythm) -> date:
    today = now.astimezone(rhythm.zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(-1, 4))
    return next(day for day in days if instant(day, rhythm.opens, rhythm.zone) >= now + NOTICE)


def redate(meant_on: date, lesson: Lesson, rhythm: Rhythm, *, last_letter_on: date | None, now: datetime) -> Slot:
    """Return the slot after an edit or a change of pace, zone or hour has put the letter on *meant_on*.

    A date in the past, within the next hour or inside the minimum gap becomes the next day of hers: that is not lateness.
    """
    earliest = max(_first_day_with_notice(now, rhythm), gap_ends_on(last_letter_on, rhythm))
    return slot_on(_own_day(max(meant_on, earliest), lesson, rhythm), rhythm)


def move_to_weekday(meant_on: date, lesson: Lesson, rhythm: Rhythm, *, last_letter_on: date | None, now: datetime) -> Slot:
    """Return the slot after she chose another weekday (already in *rhythm*): the nearest to the meant date.

    Not closer than the minimum gap and not within the next hour; then it is the same weekday a week on.
    """
    earliest = max(_first_day_with_notice(now, rhythm), gap_ends_on(last_letter_on, rhythm))
    if lesson.anyday or lesson.anytime:
        return slot_on(_own_day(max(meant_on, earliest), lesson, rhythm), rhythm)
    nearby = (meant_on + timedelta(days=shift) for shift in range(-3, 4))
    nearest = min(
        (day for day in nearby if day.weekday() in rhythm.weekdays and day >= earliest),
        key=lambda day: abs(day - meant_on),
        default=on_or_after(earliest, rhythm.weekdays),
    )
    return slot_on(nearest, rhythm)


def own_day_from_now(rhythm: Rhythm, *, last_letter_on: date | None, now: datetime) -> Slot:
    """Return the slot on her next own weekday, not within the next hour and not closer than the minimum gap."""
    earliest = max(_first_day_with_notice(now, rhythm), gap_ends_on(last_letter_on, rhythm))
    return slot_on(on_or_after(earliest, rhythm.weekdays), rhythm)


def pause_for(meant_on: date, weeks: int, lesson: Lesson, rhythm: Rhythm, *, now: datetime) -> Slot:
    """Return the slot after a pause of *weeks*: the meant date of the next letter plus as many weeks."""
    resumed_on = max(meant_on + timedelta(weeks=weeks), _first_day_with_notice(now, rhythm))
    return slot_on(_own_day(resumed_on, lesson, rhythm), rhythm)


def resume(meant_on: date, lesson: Lesson, rhythm: Rhythm, *, last_letter_on: date | None, now: datetime) -> Slot:
    """Return the slot after a resume: the first day of hers on or after both the original meant date and today."""
    earliest = max(meant_on, first_open_day(now, rhythm), gap_ends_on(last_letter_on, rhythm))
    return slot_on(_own_day(earliest, lesson, rhythm), rhythm)


def anchor_before(slot: Slot, lesson: Lesson, rhythm: Rhythm, *, afterwards: bool = False) -> date:
    """Return the last meant date from which counting *lesson*'s wait gives *slot* again.

    A pause or a new weekday moves the next letter by hand; keeping the anchor with it makes every later recount agree.
    """
    return slot.meant_on - wait_of(lesson, rhythm, afterwards=afterwards)


def course_calendar(
    course: Course, *, joined: datetime, zone: ZoneInfo, pace: int = 1, weekday: int | None = None, send_at: time | None = None
) -> list[CalendarEntry]:
    """Return the dates of everybody's untroubled course: who joins at *joined* (aware UTC) gets these letters then."""
    rhythm = rhythm_of(course, zone, weekday=weekday, send_at=send_at, pace=pace)
    entries: list[CalendarEntry] = []
    slot: Slot | None = None
    for lesson in course.sequence:
        slot = (
            first_slot(lesson, rhythm, now=joined)
            if slot is None
            else next_slot(lesson, rhythm, last_meant_on=slot.meant_on, last_letter_on=slot.letter_on)
        )
        entries.append(CalendarEntry(lesson.id, slot.letter_on, slot.due_at))
    return entries


def first_slot(lesson: Lesson, rhythm: Rhythm, *, now: datetime) -> Slot:
    """Return the slot of the first lesson of a run that begins *now*: at once when it may go at any time."""
    if lesson.anytime:
        return at_once(now, rhythm)
    today = now.astimezone(rhythm.zone).date()
    return redate(today + wait_of(lesson, rhythm), lesson, rhythm, last_letter_on=None, now=now - NOTICE)
