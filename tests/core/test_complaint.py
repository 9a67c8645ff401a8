"""When so many letters are reported as spam that sending must stop."""

from __future__ import annotations

from datetime import date

import pytest

from drip.core.complaint import Complaints, worst

MONDAY, TUESDAY = date(2027, 3, 1), date(2027, 3, 2)


@pytest.mark.parametrize(
    ("count", "letters", "too_many"),
    [
        (1, 200, False),
        (2, 20, False),
        (3, 200, True),
        (3, 2_999, True),
        (3, 3_000, False),
        (4, 3_000, True),
        (10, 10_000, False),
        (11, 10_000, True),
        (50, 0, False),
    ],
)
def test_more_than_one_in_a_thousand_is_too_many_from_three_on(count: int, letters: int, too_many: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """One or two people never stop a course, however small it is; three of three thousand are just one in a thousand."""
    assert too_many == Complaints(MONDAY, count, letters).too_many


def test_each_day_has_its_own_share() -> None:
    """Complaints of two days are not added up, and of two bad days the worse one is told."""
    assert None is worst([MONDAY] * 2 + [TUESDAY] * 2, {MONDAY: 10, TUESDAY: 10})
    assert Complaints(TUESDAY, 4, 10) == worst([MONDAY] * 4 + [TUESDAY] * 4, {MONDAY: 100, TUESDAY: 10})


def test_the_words_say_why_and_what_to_do() -> None:
    """With the figures, the day, and what to find out before it goes on."""
    words = Complaints(MONDAY, 4, 1_000).words
    assert "4 of the 1,000 letters of Monday 1 March" in words
    assert words.endswith("find out who they are and how they joined before you release it")
