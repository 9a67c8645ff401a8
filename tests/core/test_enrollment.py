"""One run through one course: what a result, a pause, a resume and a new setting do to the cursor."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core import enrollment as core
from drip.core.delivery import State
from drip.core.enrollment import Enrollment, Pause, Result, Stage
from drip.core.schedule import Course

COURSE = Course.model_validate(
    {
        "title": "A course",
        "from": {"name": "Sam", "email": "letters@example.org"},
        "reply_to": "hello@example.org",
        "postal_address": "1 Example Street",
        "timezone": "Europe/London",
        "phases": [
            {
                "id": "one",
                "title": "One",
                "lessons": [{"id": "a", "wait": 0, "anytime": True}, {"id": "b", "wait": 7}, {"id": "c", "wait": 7}],
            }
        ],
        "afterwards": [{"id": "z", "wait": 56}],
    }
)
JOINED = datetime(2026, 3, 3, 12, tzinfo=UTC)
JOINED_ON = JOINED.date()
NEW = Enrollment(
    id=1, public_id="p", subscriber_id=1, course="x", state="asked", zone="Europe/London", weekday=None, send_at=None, pace=1,
    short=False, afterwards=False, run=1, place=None, last_meant_on=None, last_letter_on=None, next_lesson=None,
    next_meant_on=None, next_letter_on=None, next_due_at=None, next_closes_at=None, open_delivery=None, version_id=1, paused="",
    pause_from_on=None, resumed=False, deliveries_due=0, confirmed_at=None, ended_at=None, ended_why="",
)  # fmt: skip


def after(person: Enrollment, changes: dict[str, Any]) -> Enrollment:
    """Return the person with the changes written."""
    return person._replace(**changes)


def begun() -> Enrollment:
    """Return somebody who just began."""
    return after(NEW, core.begun(NEW, COURSE, now=JOINED))


def had(person: Enrollment, lesson: str, state: State = State.SUBMITTED, *, on: date = JOINED_ON) -> Enrollment:
    """Return the person after a result."""
    result = Result(lesson, on, state, on)
    seen = frozenset("abc"[: "abc".index(lesson) + 1]) if lesson in "abc" else frozenset("abcz")
    return after(person, core.advanced(person, result, COURSE, seen, {}, now=JOINED))


def test_the_first_letter_is_due_at_once() -> None:
    """She pressed the button a moment ago."""
    person = begun()
    assert ("active", "a", JOINED, JOINED) == (person.state, person.next_lesson, person.next_due_at, person.confirmed_at)


@pytest.mark.parametrize(
    ("state", "last"), [(State.SUBMITTED, True), (State.UNCERTAIN, True), (State.FAILED, False), (State.WITHHELD, False)]
)
def test_the_course_goes_on_after_every_result(state: State, last: bool) -> None:  # noqa: FBT001 - the expected value
    """Only what went, or may have gone, counts for the minimum gap."""
    person = had(begun(), "a", state)
    assert ("a", "b", date(2026, 3, 10)) == (person.place, person.next_lesson, person.next_meant_on)
    assert (JOINED.date() if last else None) == person.last_letter_on
    assert None is person.open_delivery


def test_after_the_last_lesson_she_has_finished() -> None:
    """No date, no next lesson."""
    person = had(had(had(begun(), "a"), "b"), "c")
    assert ("finished", None, None, "finished") == (person.state, person.next_lesson, person.next_due_at, person.ended_why)


def test_whoever_asked_gets_the_late_letters_at_their_own_wait() -> None:
    """Pace does not stretch what comes after the last phase."""
    person = had(had(had(begun()._replace(afterwards=True, pace=2), "a"), "b"), "c", on=date(2026, 3, 31))
    assert ("z", date(2026, 5, 26)) == (person.next_lesson, person.next_meant_on)
    assert person.had_afterwards(COURSE)
    assert "finished" == had(person, "z").state


def test_a_result_for_somebody_who_left_gives_her_no_date() -> None:
    """Her place is kept for an undo."""
    person = had(begun()._replace(state=Stage.LEFT.value, next_due_at=None), "a")
    assert ("left", "a", "b", None) == (person.state, person.place, person.next_lesson, person.next_due_at)


def test_a_result_during_an_open_pause_dates_nothing() -> None:
    """The date is remembered and counted from when she resumes."""
    person = had(begun()._replace(paused=Pause.OPEN.value), "a")
    assert (None, date(2026, 3, 10), date(2026, 3, 10)) == (person.next_due_at, person.next_meant_on, person.pause_from_on)


@given(st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=5))
def test_pressing_pause_again_replaces(weeks: list[int]) -> None:
    """Only the last press counts."""
    person = had(begun(), "a")
    original = person.next_meant_on
    assert original is not None
    for number in weeks:
        move = core.paused_for(person, number, COURSE, now=JOINED)
        assert move is not None
        person = after(person, move.changes)
    assert original + timedelta(weeks=weeks[-1]) == person.next_meant_on
    assert Pause.WEEKS == person.paused


def test_an_open_pause_and_a_resume_bring_back_the_date() -> None:
    """When it has not passed, and then she was not away; else it is her first own day."""
    person = had(begun(), "a")
    pause = core.paused_open(person, COURSE)
    assert pause is not None
    assert None is pause.slot
    paused = after(person, pause.changes)
    assert None is paused.next_due_at
    for days, expected in [(1, date(2026, 3, 10)), (8, date(2026, 3, 17)), (40, date(2026, 4, 14))]:
        move = core.resumed(paused, COURSE, now=JOINED + timedelta(days=days))
        assert move is not None
        back = after(paused, move.changes)
        assert (expected, expected > date(2026, 3, 10), "") == (back.next_letter_on, back.resumed, back.paused)


def test_nothing_to_pause_is_no_move() -> None:
    """Before the start and after the end."""
    assert None is core.paused_for(NEW, 1, COURSE, now=JOINED)
    assert None is core.paused_open(NEW, COURSE)
    assert None is core.resumed(had(begun(), "a"), COURSE, now=JOINED)


def test_a_setting_that_changes_no_date_stays() -> None:
    """An open letter is then left alone."""
    move = core.resettled(had(begun(), "a"), COURSE, now=JOINED, short=True)
    assert (True, {"short": True}) == (move.stays, move.changes)


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_new_weekday_takes_the_nearest_date(first: int, second: int) -> None:
    """Within three days of the meant date, on the day she chose; choosing again is the same as choosing once."""
    person = had(begun(), "a")
    moved = after(person, core.resettled(person, COURSE, now=JOINED, weekday=first).changes)
    assert moved.next_letter_on is not None
    assert first == moved.next_letter_on.weekday()
    assert abs(moved.next_letter_on - date(2026, 3, 10)) <= timedelta(days=3)
    again = after(moved, core.resettled(moved, COURSE, now=JOINED, weekday=second).changes)
    assert again.next_letter_on is not None
    assert second == again.next_letter_on.weekday()


def test_an_unknown_zone_is_the_courses() -> None:
    """It blocks nobody."""
    assert "Europe/London" == core.zone_of("Mars/Olympus", COURSE).key
    assert "Europe/London" == core.zone_of("../etc/passwd", COURSE).key
    assert "Asia/Tokyo" == core.zone_of("Asia/Tokyo", COURSE).key


def test_people_who_are_alike_have_the_same_dates() -> None:
    """Who she is does not count; where she stands does."""
    person = had(begun(), "a")
    assert person.likeness() == person._replace(id=2, public_id="q", subscriber_id=7, open_delivery=3).likeness()
    for change in ({"zone": "Asia/Tokyo"}, {"pace": 2}, {"place": "b"}, {"run": 2}, {"short": True}, {"paused": "open"}):
        assert person.likeness() != person._replace(**change).likeness()
