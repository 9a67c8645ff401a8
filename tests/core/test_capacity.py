"""How many letters a day has room for, how that grows, and who is late by it."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.capacity import Level, Limit, Window, foreseen, grown, limit_on, moved_on
from drip.core.schedule import Sending
from drip.core.timeword import growth_of

MONDAY = date(2027, 3, 1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WINDOW = Window(time(9), time(19))

fixed = Sending(per_hour=50)
warming = Sending(per_hour=50, grow=Decimal("1.5"))


def test_what_fits_is_on_time() -> None:
    """One hour's letters leave in their hour: none is late, none over."""
    found = foreseen({MONDAY: 50}, fixed, WINDOW)
    assert [(50, 500, 50, 0, timedelta(0))] == [(one.per_hour, one.room, one.left, one.over, one.late) for one in found.days]
    assert (0, None) == (found.over, found.latest)


def test_what_does_not_fit_into_an_hour_is_late_and_still_of_the_day() -> None:
    """The eleventh hour of letters is too much for ten: the last of the day is nine hours late, the rest follow next day."""
    found = foreseen({MONDAY: 510}, fixed, WINDOW)
    assert [(500, 10, 24 * HOUR), (10, 0, timedelta(0))] == [(one.left, one.over, one.late) for one in found.days]
    assert 9 * HOUR == foreseen({MONDAY: 500}, fixed, WINDOW).days[0].late
    assert found.latest is found.days[0]


def test_the_backlog_of_one_day_makes_the_next_one_late() -> None:
    """Those meant for the earlier day go first, and the day after has only what they leave over."""
    found = foreseen({MONDAY: 700, MONDAY + DAY: 400}, fixed, WINDOW)
    assert [(500, 200), (500, 100), (100, 0)] == [(one.left, one.over) for one in found.days]
    assert 300 == found.over


def test_letters_by_the_hour_wait_for_their_hour() -> None:
    """Letters that fall due over the day use the hours in between; those after the window go when the next one opens."""
    found = foreseen({MONDAY: {9: 40, 12: 40, 20: 5}}, fixed, WINDOW)
    assert [(80, 5, 13 * HOUR), (5, 0, timedelta(0))] == [(one.left, one.over, one.late) for one in found.days]


def test_it_grows_after_a_day_that_used_it() -> None:
    """A day with an hour's letters or more counts; a quieter one and days of silence do not, so nothing ever leaps."""
    assert [50, 75] == [grown(50, Decimal("1.5"), letters) for letters in (49, 50)]
    assert 50 == grown(50, None, 5_000)
    assert 2 == grown(1, Decimal("1.1"), 1)
    quiet = {MONDAY + ahead * DAY: 49 for ahead in range(30)}
    assert {50} == {one.per_hour for one in foreseen(quiet, warming, WINDOW).days}
    weekly = foreseen({MONDAY + 7 * week * DAY: 400 for week in range(5)}, warming, WINDOW)
    assert [50, 75, 113, 170, 255] == [one.per_hour for one in weekly.days]


def test_it_ends_where_it_no_longer_binds() -> None:
    """Once a whole day's letters fit into an hour it stays as it is."""
    long = foreseen({MONDAY + ahead * DAY: 1_000 for ahead in range(60)}, warming, WINDOW)
    assert [1_295] == sorted({one.per_hour for one in long.days if one.day > MONDAY + 20 * DAY})
    assert timedelta(0) == long.days[-1].late


def test_a_warm_up_goes_on_from_where_it_stands() -> None:
    """What is remembered counts, not the first number; an edit of that number begins anew, one of the factor goes on."""
    level = Level(50, 170, MONDAY)
    assert 170 == foreseen({MONDAY: 10}, warming, WINDOW, level).days[0].per_hour
    assert 20 == limit_on(MONDAY, Sending(per_hour=20, grow=Decimal(2)), level, 400)
    assert 340 == limit_on(MONDAY + DAY, Sending(per_hour=50, grow=Decimal(2)), level, 400)
    assert 50 == limit_on(MONDAY + DAY, fixed, level, 400)
    assert None is moved_on(MONDAY + DAY, fixed, level, 400)
    assert Level(20, 20, MONDAY + DAY) == moved_on(MONDAY + DAY, Sending(per_hour=20, grow=Decimal(2)), level, 400)


def test_a_day_never_counts_twice() -> None:
    """Asked again on the same day, or by a clock that was set back, the level stays."""
    level = Level(50, 170, MONDAY)
    assert [level, level] == [moved_on(day, warming, level, 9_000) for day in (MONDAY, MONDAY - DAY)]


@pytest.mark.parametrize("text", ["1.5x daily", "2x daily", "10x daily", "1.001x daily"])
def test_a_growth_is_read(text: str) -> None:
    """A factor above one and up to ten, to the thousandth."""
    assert Decimal(text.partition("x")[0]) == growth_of(text)


@pytest.mark.parametrize("text", ["1x daily", "0.5x daily", "11x daily", "1.5", "1.5x", "1.5x weekly", "fast", 2, None, ""])
def test_what_does_not_grow_is_refused_with_a_remedy(text: object) -> None:
    """Each refusal ends with how it is written."""
    with pytest.raises(ValueError, match=r"; write a factor .*such as 1\.5x daily$"):
        growth_of(text)


loads = st.dictionaries(
    st.dates(MONDAY, MONDAY + 40 * DAY),
    st.one_of(st.integers(0, 3_000), st.dictionaries(st.integers(0, 23), st.integers(0, 900), max_size=4)),
    max_size=12,
)


@given(loads, st.integers(1, 400), st.sampled_from([None, Decimal("1.1"), Decimal("1.5"), Decimal(3)]))
def test_nothing_is_lost_and_no_day_has_more_than_its_room(
    load: dict[date, int | dict[int, int]], per_hour: int, grow: Decimal | None
) -> None:
    """Whatever the load: all of it leaves, within each day's room, and the limit only ever grows, after days that used it."""
    found = foreseen(load, Sending(per_hour=per_hour, grow=grow), WINDOW).days
    meant = sum(count if isinstance(count, int) else sum(count.values()) for count in load.values())
    assert meant == sum(one.left for one in found) == sum(one.meant for one in found)
    assert [] == [one for one in found if one.left > one.room]
    for before, after in pairwise(found):
        assert grown(before.per_hour, grow, before.left) == after.per_hour


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(500, went=20), "500 letters an hour for all, and 20 went in this one"),
        (Limit(500, went=500), "500 letters an hour for all, and 500 went in this one; the rest waits for the next"),
        (
            Limit(5, went=2, today=4, grows_to=8),
            "5 letters an hour for all, and 2 went in this one; it grows to 8 after a day with at least 5, and today had 4",
        ),
        (
            Limit(500, went=20, today=500, grows_to=750),
            "500 letters an hour for all, and 20 went in this one; it grows tomorrow, to 750",
        ),
    ],
)
def test_a_limit_says_how_it_stands_and_when_it_grows(limit: Limit, words: str) -> None:
    """One sentence for whoever looks at night."""
    assert words == limit.words
