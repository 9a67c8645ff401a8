"""Helplines: what a letter says of them, and how long ago somebody checked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from drip.core.country import country_in_words
from drip.core.problem import Problem, quoted
from drip.core.reading import words_in
from drip.core.source import Document
from drip.core.timeword import date_of

if TYPE_CHECKING:
    from drip.core.schedule import Course, Helpline

CHECKED_DAYS_MAX = 90
"""Numbers change; a wrong one is worse than none."""


def spoken(lines: Sequence[Helpline]) -> list[str]:
    """Return the lines of text that name the helplines of one country, the country before the first of them.

    A number stays on one line.
    """
    said = [f"{line.name}, {line.unbroken}{f' ({line.hours})' if line.hours else ''}." for line in lines]
    where = f"In {country_in_words(lines[0].country)}:" if lines else ""
    return [f"{where} {said[0]}"] if len(said) == 1 else [where, *said] if said else []


def words_most(course: Course) -> int:
    """Return how many words the helplines of one country add where they stand, at most; 0 for a course without any."""
    countries = {line.country for line in course.helplines}
    return max((len(words_in(" ".join(spoken(course.helplines_in(country))))) for country in countries), default=0)


def unchecked(schedule: Document, today: date) -> list[Problem]:
    """Return the helplines of a schedule that were checked too long before *today*, or are said to be checked after it."""
    courses = schedule.at(("courses",))
    problems: list[Problem] = []
    for name, course in courses.items() if isinstance(courses, Mapping) else ():
        lines = course.get("helplines") if isinstance(course, Mapping) else None
        for index, line in enumerate(lines if isinstance(lines, list) else ()):
            path = ("courses", str(name), "helplines", index, "checked_on")
            try:
                checked_on = date_of(line.get("checked_on") if isinstance(line, Mapping) else None)
            except ValueError:
                continue
            if checked_on > today:
                text = f"checked_on: {checked_on} is still to come"
                problems.append(schedule.problem("S218", path, text, "write the day on which somebody tried the number"))
            elif today - checked_on > timedelta(days=CHECKED_DAYS_MAX):
                text = f"the helpline {quoted(line.get('name'))} was checked {(today - checked_on).days} days ago"
                hint = f"look whether it is still right, and write the day; {CHECKED_DAYS_MAX} days are trusted"
                problems.append(schedule.problem("S219", path, text, hint, severity="warning"))
    return problems
