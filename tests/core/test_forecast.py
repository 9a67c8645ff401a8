"""The letters of the coming days: the dates are those of timing, and what is late counts for today."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
from hypothesis import given

from drip.core import timing
from drip.core.forecast import Cohort, Load, dates_of, start_of
from drip.core.progress import LiveCourse
from drip.core.project import project_of
from drip.core.timing import Rhythm, rhythm_of
from drip.files import Source, parse_source
from tests.course import SCHEDULE, letters

LONDON, SYDNEY = ZoneInfo("Europe/London"), ZoneInfo("Australia/Sydney")
PROJECT = project_of(parse_source(Source(SCHEDULE, letters())))[0]
assert PROJECT is not None
COURSE = PROJECT.schedule.courses["small"]
LIVE = LiveCourse(1, COURSE, {})
TUESDAY = date(2026, 3, 3)


def cohort(rhythm: Rhythm, lesson: str = "breathe", *, had: frozenset[str] = frozenset({"hello"})) -> Cohort:
    """Return whoever gets *lesson* on a Tuesday next."""
    return Cohort(lesson, TUESDAY, TUESDAY, rhythm.weekdays, rhythm.pace, afterwards=False, had=had)


@given(
    weekday=st.one_of(st.none(), st.integers(0, 6)),
    pace=st.sampled_from([1, 2]),
    late=st.integers(0, 6),
    zone=st.sampled_from([LONDON, SYDNEY]),
)
def test_the_dates_are_those_of_the_slots(weekday: int | None, pace: int, late: int, zone: ZoneInfo) -> None:
    """Without a zone and an hour they are worked out as with them, also after a letter that went late."""
    rhythm = rhythm_of(COURSE, zone, weekday=weekday, pace=pace)
    went = TUESDAY + timedelta(days=late)
    found = list(dates_of(cohort(rhythm)._replace(letter_on=went), LIVE, rhythm))
    expected, meant, last = [went], TUESDAY, went
    for lesson in COURSE.sequence[2:]:
        slot = timing.next_slot(lesson, rhythm, last_meant_on=meant, last_letter_on=last)
        meant, last = slot.meant_on, slot.letter_on
        expected.append(last)
    assert expected == found


def test_what_she_had_is_passed_over() -> None:
    """A lesson that an edit put before her again is no letter ahead."""
    rhythm = rhythm_of(COURSE, LONDON)
    assert 4 == len([*dates_of(cohort(rhythm), LIVE, rhythm)])
    assert 3 == len([*dates_of(cohort(rhythm, had=frozenset({"hello", "rest"})), LIVE, rhythm)])
    assert [] == [*dates_of(cohort(rhythm, lesson="gone"), LIVE, rhythm)]


def test_days_and_hours_are_those_of_the_course() -> None:
    """Nine on Tuesday in Sydney is ten on Monday night in London; a letter that is late goes today at the earliest."""
    load = Load(LIVE, TUESDAY + timedelta(days=3))
    for zone, count in ((LONDON, 5), (SYDNEY, 2)):
        rhythm = rhythm_of(COURSE, zone)
        load.add(start_of(cohort(rhythm, "goodbye"), rhythm, LONDON), rhythm, count)
    assert {TUESDAY + timedelta(days=3): Counter({9: 5, 22: 2})} == load.days()
    ahead = Load(LIVE, TUESDAY - timedelta(days=3))
    rhythm = rhythm_of(COURSE, SYDNEY)
    ahead.add(start_of(cohort(rhythm), rhythm, LONDON), rhythm, 2)
    assert [TUESDAY + timedelta(days=7 * week - 1) for week in range(4)] == [*ahead.days()]
