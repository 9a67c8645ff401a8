"""What lies ahead of one person, foreseen from facts alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from drip.core.enrollment import NotNow, Pause, Stage, begun_again, why_not_now
from drip.core.outlook import coming, following, last_day
from drip.core.progress import LiveCourse, Step
from tests.core.test_enrollment import COURSE, JOINED, JOINED_ON, after, begun, had

LIVE = LiveCourse(1, COURSE, {})


def test_all_letters_ahead_are_foreseen_week_by_week() -> None:
    """From the next one to the last, each on her day; the later letters only for who wants them."""
    person = had(begun(), "a")
    found = coming(person, LIVE, frozenset("a"), now=JOINED)
    assert [("b", date(2026, 3, 10)), ("c", date(2026, 3, 17))] == [(one.step.lesson.id, one.slot.letter_on) for one in found]
    wants = coming(person._replace(afterwards=True), LIVE, frozenset("a"), now=JOINED)
    assert ["b", "c", "z"] == [one.step.lesson.id for one in wants]


def test_a_late_letter_is_foreseen_on_the_day_it_follows() -> None:
    """Nothing is dated in the past."""
    now = JOINED + timedelta(days=8)
    found = coming(had(begun(), "a"), LIVE, frozenset("a"), now=now)
    assert [date(2026, 3, 11), date(2026, 3, 17)] == [one.slot.letter_on for one in found]


@pytest.mark.parametrize("change", [{"paused": Pause.OPEN.value}, {"state": "left"}, {"state": "finished"}, {"state": "asked"}])
def test_nothing_is_foreseen_where_nothing_is_dated(change: dict[str, str]) -> None:
    """Paused until she says, before the course and after it."""
    assert [] == coming(after(had(begun(), "a"), change), LIVE, frozenset("a"), now=JOINED)


def test_the_letter_after_one_that_comes_today() -> None:
    """Its wait counts from today; after the last there is none."""
    person = had(begun(), "a")
    on = date(2026, 3, 5)
    found = following(person, LIVE, Step(COURSE.lessons["b"], afterwards=False), frozenset("ab"), meant_on=on, went_on=on)
    assert found is not None
    assert ("c", date(2026, 3, 17)) == (found.step.lesson.id, found.slot.letter_on)
    last = Step(COURSE.lessons["c"], afterwards=False)
    assert following(person, LIVE, last, frozenset("abc"), meant_on=on, went_on=on) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"last_letter_on": JOINED_ON}, NotNow.TODAY),
        ({"last_letter_on": JOINED_ON + timedelta(days=1)}, NotNow.TODAY),
        ({"asked_on": JOINED_ON}, NotNow.ASKED),
        ({"asked_on": JOINED_ON - timedelta(days=1)}, None),
        ({"paused": "open"}, None),
        ({"state": "left"}, NotNow.NOTHING),
        ({"next_lesson": None}, NotNow.NOTHING),
    ],
)
def test_why_the_next_letter_cannot_come_now(change: dict[str, object], why: NotNow | None) -> None:
    """One a day of hers; a pause is no reason."""
    person = after(had(begun(), "a"), {"last_letter_on": JOINED_ON - timedelta(days=1), **change})
    assert why is why_not_now(person, COURSE, now=JOINED)


def test_a_phase_begins_again_on_her_own_day() -> None:
    """In a new run, on her next own weekday that the minimum gap allows; an unknown phase does not begin."""
    finished = after(had(begun(), "c"), {"state": Stage.FINISHED.value, "ended_at": JOINED, "ended_why": "finished"})
    found = begun_again(finished, LIVE, "one", now=JOINED)
    assert found is not None
    person = after(finished, found[0])
    assert ("active", 2, None, "a", date(2026, 3, 10), None) == (
        person.state,
        person.run,
        person.place,
        person.next_lesson,
        person.next_letter_on,
        person.ended_at,
    )
    assert [] == found[1]
    assert begun_again(finished, LIVE, "nine", now=JOINED) is None


@pytest.mark.parametrize(
    ("state", "keep", "days"),
    [("finished", False, 90), ("finished", True, None), ("left", True, 30), ("ended", False, 30), ("active", False, None)],
)
def test_the_last_day_of_her_page(state: str, keep: bool, days: int | None) -> None:  # noqa: FBT001 - a column
    """Ninety days after the end, thirty after leaving; none for whoever keeps it or is on the course."""
    person = after(begun(), {"state": state, "keep": keep, "ended_at": JOINED})
    assert (None if days is None else JOINED_ON + timedelta(days=days)) == last_day(person, COURSE)
