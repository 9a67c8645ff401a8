"""Dates in the words that letters and pages use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

SOME_DAY = "a day that your page will tell"
"""What a letter says in place of a date when there is none."""


def weekday_name(weekday: int) -> str:
    """Return the name of a `date.weekday()` number, such as `Tuesday`."""
    return WEEKDAY_NAMES[weekday]


def day_in_words(day: date) -> str:
    """Return a date as a person would say it, such as `Tuesday 3 March`."""
    return f"{WEEKDAY_NAMES[day.weekday()]} {day.day} {MONTH_NAMES[day.month - 1]}"
