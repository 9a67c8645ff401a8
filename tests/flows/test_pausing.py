"""A pause ends by itself on her day, with two lines on where she was, and nothing piled up meanwhile."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.engine import Engine

DAYS = {"tue": 1, "fri": 4}


def _heads(engine: Engine, name: str) -> list[tuple[str, bool]]:
    """Return each letter that somebody got, and whether the words for whoever was away stand at its head."""
    return [
        (request.message.subject.removeprefix("About "), "Welcome back" in request.message.text)
        for request in engine.mailer.requests
        if name in request.people
    ]


@pytest.mark.parametrize("weekday", DAYS)
@pytest.mark.parametrize("weeks", [1, 2, 4])
def test_a_pause_of_weeks_ends_by_itself(engine: Engine, weeks: int, weekday: str) -> None:
    """So many weeks after its own date the letter comes on her day; one letter, not those of the weeks between."""
    engine.join("ada", weekday=DAYS[weekday])
    engine.to_lesson("ada", "walk")
    before = engine.person("ada").next_letter_on
    engine.pause("ada", weeks)
    assert before is not None
    while engine.subjects("ada")[-1] != "walk":
        moment = engine.next_moment()
        assert moment is not None
        engine.go_to(moment)
        engine.work()

    person = engine.person("ada")
    assert (before + timedelta(weeks=weeks), "") == (person.last_letter_on, person.paused)
    assert DAYS[weekday] == before.weekday()
    engine.go_on(days=6)
    engine.work()
    assert ["hello", "breathe", "walk"] == engine.subjects("ada")
    engine.run_to_the_end()
    assert [("walk", True), ("rest", False), ("goodbye", False)] == _heads(engine, "ada")[2:]
    engine.assert_sound()


def test_a_long_rest_leaves_no_backlog(engine: Engine) -> None:
    """After three months until she says: one letter on her next day, with the two lines, and the rest week by week."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    engine.pause("ada", None)
    for _ in range(13):
        engine.go_on(days=7)
        engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.resume("ada")
    engine.run_to_the_end()

    went = [one.went_on for one in engine.deliveries("ada")[2:]]
    assert [1, 1, 1] == [day.weekday() for day in went if day is not None]
    assert [("walk", True), ("rest", False), ("goodbye", False)] == _heads(engine, "ada")[2:]
    assert [7, 7] == [(later - earlier).days for earlier, later in pairwise(went) if later and earlier]
    engine.assert_sound()


def test_the_two_lines_say_where_she_was_and_lay_no_guilt(engine: Engine) -> None:
    """Two short sentences, and no word of what she missed or of being late."""
    engine.join("ada")
    engine.to_lesson("ada", "rest")
    engine.pause("ada", 1)
    engine.run_to_the_end()
    text = next(one.message.text for one in engine.mailer.requests if "About rest" == one.message.subject)
    [_, line] = " ".join(text.split()).split("Welcome back.")
    assert line.startswith(" Nothing was missed.")
    assert not re.findall(r"\b(late|behind|sorry|catch up|overdue)\b", line)


@pytest.mark.parametrize("weeks", [1, 4, None])
def test_a_pause_that_is_taken_back_at_once_leaves_no_trace(engine: Engine, weeks: int | None) -> None:
    """The letter comes on the day it had, and nobody is welcomed back who was not away."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    before = engine.person("ada").next_letter_on
    engine.pause("ada", weeks)
    engine.resume("ada")

    assert before == engine.person("ada").next_letter_on
    engine.run_to_the_end()
    assert [("walk", False), ("rest", False), ("goodbye", False)] == _heads(engine, "ada")[2:]


def test_a_pause_taken_back_too_late_costs_its_date(engine: Engine) -> None:
    """She goes on after her letter would have come: it comes later, and its head says where she was."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    before = engine.person("ada").next_letter_on
    engine.pause("ada", 4)
    engine.go_on(days=8)
    engine.work()
    engine.resume("ada")
    engine.pause("ada", None)
    engine.resume("ada")
    engine.run_to_the_end()

    went_on = engine.deliveries("ada")[2].went_on
    assert before is not None
    assert went_on is not None
    assert went_on > before
    assert [("walk", True), ("rest", False)] == _heads(engine, "ada")[2:4]


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("weeks", [4, None])
def test_a_letter_that_was_open_when_she_paused_welcomes_her_back(engine: Engine, weeks: int | None, opened: bool) -> None:  # noqa: FBT001
    """What the engine had prepared before her pause knows of it like any other."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    if opened:
        engine.tick()
        assert ("pending", "") == engine.state_of("ada")
    engine.pause("ada", weeks)
    engine.go_on(days=15)
    engine.resume("ada")
    engine.run_to_the_end()
    assert [("walk", True), ("rest", False), ("goodbye", False)] == _heads(engine, "ada")[2:]
    engine.assert_sound()


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("weeks", [4, None])
@pytest.mark.parametrize(("days", "away"), [(0, False), (15, True)])
def test_a_letter_asked_for_in_a_pause_welcomes_whoever_was_away(
    engine: Engine,
    days: int,
    away: bool,  # noqa: FBT001 - a case
    weeks: int | None,
    opened: bool,  # noqa: FBT001 - a case
) -> None:
    """Asked for before its own date was over it is an ordinary letter."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    if opened:
        engine.tick()
    engine.pause("ada", weeks)
    if days:
        engine.go_on(days=days)
        engine.work()
    engine.next_now("ada")
    engine.work()
    assert ("walk", away) == _heads(engine, "ada")[-1]
