"""The words for days and times that a schedule uses: durations, times of day, weekdays, zones."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from functools import cache
from zoneinfo import available_timezones

from drip.core.problem import did_you_mean, quoted

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The weekday words of a schedule; the index is `date.weekday()`."""

_DURATION = re.compile(r"(\d{1,3}) (day|days|week|weeks)")
_GROWTH = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)x daily")
GROWTH_MAX = 10
_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def days_of(text: object) -> int:
    """Return the calendar days in a duration such as `3 days` or `1 week`.

    Raises ValueError with a sentence for the operator when *text* is anything else.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        msg = f"{text!r} is not a duration; write a whole number of days or weeks, such as '3 days' or '1 week'"
        raise ValueError(msg)
    return int(match[1]) * (7 if match[2].startswith("week") else 1)


def growth_of(text: object) -> Decimal:
    """Return the factor in a growth such as `1.5x daily`.

    Raises ValueError with a sentence for the operator when *text* is anything else, or nothing that grows.
    """
    match = _GROWTH.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        msg = f"{quoted(text)} is not a growth; write a factor a day, such as 1.5x daily"
        raise ValueError(msg)
    factor = Decimal(match[1])
    if not 1 < factor <= GROWTH_MAX:
        msg = f"{quoted(text)} is out of bounds; write a factor above 1 and up to {GROWTH_MAX}, such as 1.5x daily"
        raise ValueError(msg)
    return factor


def clock_time_of(text: object) -> time:
    """Return the time of day in a string such as `09:00`.

    Raises ValueError with a sentence for the operator when *text* is anything else.
    """
    if isinstance(text, time):
        return text
    match = _CLOCK_TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        msg = f'{text!r} is not a time of day; write it in quotes with two digits each, such as "09:00"'
        raise ValueError(msg)
    return time(int(match[1]), int(match[2]))


def date_of(text: object) -> date:
    """Return the date in a string such as `2026-11-30`.

    Raises ValueError with a sentence for the operator when *text* is anything else.
    """
    if type(text) is date:
        return text
    try:
        if isinstance(text, str) and len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    msg = f"{quoted(text)} is not a date; write it as 2026-11-30"
    raise ValueError(msg)


def weekdays_of(words: object) -> tuple[str, ...]:
    """Return weekday words in week order from a list of them, or all seven from the word `any`."""
    if words == "any":
        return WEEKDAYS
    if isinstance(words, (list, tuple)) and words and all(word in WEEKDAYS for word in words):
        return tuple(day for day in WEEKDAYS if day in words)
    msg = f"{words!r} is not a list of weekdays; write [tue] or [mon, thu], or the word any"
    raise ValueError(msg)


def zone_hint(name: str) -> str:
    """Return the remedy for a zone that does not exist: the zone of that city, or the nearest name, or an example."""
    city = "_".join(name.casefold().split())
    by_city = sorted(zone for zone in zone_names() if "/" in zone and zone.rpartition("/")[2].casefold() == city)
    if by_city:
        return f"did you mean {by_city[0]}?"
    return did_you_mean(name, zone_names(), otherwise="write a name such as Europe/London")


@cache
def zone_names() -> frozenset[str]:
    """Return every time zone that can be written, such as `Europe/London`; the machine's own is not among them."""
    return frozenset(available_timezones() - {"localtime", "Factory", "posixrules"})
