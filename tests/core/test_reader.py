"""Readers: on which day a letter is shown as if it went, and what it would say of days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from drip.core.project import readable_of
from drip.core.reader import MADE_UP, SAMPLES, Reader, dates
from drip.core.schedule import Course
from drip.core.source import Source
from drip.files import parse_source
from tests.course import SCHEDULE, letters, with_helplines

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
"""A Wednesday; the small course goes on Tuesdays at nine in London."""


def course_of(schedule: str = SCHEDULE) -> Course:
    """Return the small course."""
    project, _ = readable_of(parse_source(Source(schedule, letters())))
    assert project is not None
    return next(iter(project.schedule.courses.values()))


def reader(key: str) -> Reader:
    """Return a sample reader."""
    return next(one for one in SAMPLES if one.key == key)


def test_a_letter_is_shown_as_if_it_were_her_next_one() -> None:
    """It goes on the next of her days, the first of all at once, and names the day of the one after it."""
    course = course_of()
    first, second, *_ = course.sequence
    shown = dates(reader("weekly"), course, second.id, now=NOON)
    assert shown.on.weekday() in course.send_weekdays
    assert NOON.date() < shown.on <= date(2026, 12, 2)
    assert first.anytime
    assert NOON.date() == dates(reader("weekly"), course, first.id, now=NOON).on


def test_slow_readers_wait_longer_for_the_next() -> None:
    """The letter names a later day to whoever reads every two weeks."""
    course = course_of()
    lesson = course.sequence[2].id
    weekly, slow = (dates(reader(key), course, lesson, now=NOON) for key in ("weekly", "slow"))
    assert weekly.on == slow.on
    assert weekly.next_date != slow.next_date


def test_the_last_letter_names_no_next_day() -> None:
    """After the last letter there is no date, unless she asked for the two late ones."""
    course = course_of()
    last = course.sequence[-1].id
    assert "" == dates(reader("weekly"), course, last, now=NOON).next_date
    late = dates(replace(reader("weekly"), afterwards=True), course, last, now=NOON).next_date
    assert bool(course.afterwards) == bool(late)


def test_known_dates_win() -> None:
    """Where her next letter has a date, every letter is shown as if it went then; resting, she is promised none."""
    course = course_of()
    hers = replace(reader("weekly"), meant_on=date(2027, 1, 5), letter_on=date(2027, 1, 6))
    shown = dates(hers, course, course.sequence[1].id, now=NOON)
    assert date(2027, 1, 6) == shown.on
    assert (
        "a day that your page will tell" == dates(replace(hers, resting=True), course, course.sequence[1].id, now=NOON).next_date
    )
    assert "you say so" == dates(replace(hers, keep=True), course, course.sequence[1].id, now=NOON).forget_date


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.key)
def test_every_sample_can_be_dated_for_every_letter(sample: Reader) -> None:
    """No sample breaks on any letter, whatever the course asks of it."""
    course = course_of()
    for letter in (*course.letter_ids, "confirm"):
        assert dates(sample, course, letter, now=NOON).weekday.endswith("day"), letter


def test_a_country_without_lines_borrows_one_that_says_so() -> None:
    """The reader with a helpline reads the first country's lines, and a made-up one where the course names none."""
    assert (MADE_UP,) == reader("helpline").helplines(course_of())
    named = course_of(with_helplines(SCHEDULE))
    assert ["The Listeners"] == [line.name for line in reader("helpline").helplines(named)]
    assert () == reader("weekly").helplines(named)
