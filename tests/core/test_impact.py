"""What an edit does to many: one answer for all who are alike, sums that forget nobody, and hazards from the rate."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from drip.core import impact
from drip.core.capacity import Level
from drip.core.enrollment import Enrollment, Stage
from drip.core.impact import Facts, Impact, load_of
from drip.core.plan import PersonTurn
from drip.core.population import newcomer
from drip.core.progress import LiveCourse, first_ids
from drip.core.project import project_of
from drip.files import Source, parse_source
from tests.course import SCHEDULE, lesson, letters

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TUESDAY = date(2026, 3, 10)
HAD = ("hello", "breathe")


def course(schedule: str = SCHEDULE, version: int = 1) -> LiveCourse:
    """Return the small course of a schedule."""
    extra = {f"one/{name}.md": lesson(name) for name in ("early", "farewell") if f"id: {name}" in schedule}
    project, problems = project_of(parse_source(Source(schedule, letters() | extra)))
    assert project is not None, problems
    found = project.schedule.courses["small"]
    return LiveCourse(version, found, first_ids(found, {}))


OLD = course()
WALK = "          - {id: walk, wait: 1 week}\n"
WITHOUT_WALK = course(SCHEDULE.replace(WALK, ""), 2)
WITH_EARLY = course(
    SCHEDULE.replace("          - {id: breathe", "          - {id: early, wait: 3 days}\n          - {id: breathe"), 2
)


def person(number: int = 1, **facts: Any) -> Enrollment:  # noqa: ANN401 - column values
    """Return somebody who had two letters and waits for `walk`."""
    half_way: dict[str, Any] = {
        "state": Stage.ACTIVE.value,
        "place": "breathe",
        "last_meant_on": TUESDAY - timedelta(days=7),
        "last_letter_on": TUESDAY - timedelta(days=7),
        "next_lesson": "walk",
        "next_meant_on": TUESDAY,
        "next_letter_on": TUESDAY,
    }
    return newcomer(number, OLD, "small", zone="Europe/London")._replace(**{**half_way, **facts})


def counted(found: Impact, *people: Enrollment) -> Impact:
    """Add people, each by her likeness, and sum up."""
    for one in people:
        key = one.likeness()
        if not found.add(one.id, key):
            found.learn(key, Facts(one, OLD, HAD, None))
            assert found.add(one.id, key)
    found.sum_up()
    return found


def numbers(found: Impact) -> dict[str, int]:
    """Return how many people each hazard counts."""
    return {hazard.name: hazard.count for hazard in found.counted() if hazard.count}


def test_everybody_alike_is_worked_out_once() -> None:
    """A thousand of two kinds are two kinds and a thousand people; each is told of by her number."""
    heard: list[PersonTurn] = []
    found = Impact(OLD, WITHOUT_WALK, NOW, heard=heard.append)
    counted(found, *(person(number, weekday=number % 2) for number in range(1, 1001)))
    assert ({"other": 1000}, {"removed-unread": 1000}) == (found.effects, numbers(found))
    assert list(range(1, 1001)) == [turn.enrollment for turn in heard]
    assert impact.SHOWN_MAX == len(found.turns)
    assert 2000 + 1000 == sum(day.before for day in load_of([found]))
    assert 2000 == sum(day.after for day in load_of([found]))


def test_what_is_forgotten_is_in_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few kinds are remembered at a time, the sums are the same."""
    people = [person(number, weekday=number % 7, pace=1 + number % 2) for number in range(1, 50)]
    whole = counted(Impact(OLD, WITH_EARLY, NOW), *people)
    monkeypatch.setattr(impact, "KNOWN_MAX", 3)
    few = counted(Impact(OLD, WITH_EARLY, NOW), *people)
    assert (whole.effects, numbers(whole), load_of([whole])) == (few.effects, numbers(few), load_of([few]))
    assert {"will-not-get": 49} == numbers(few)


def test_who_moved_on_is_counted_anew() -> None:
    """Her old share goes, her new one comes; one who is gone takes hers along, and one who is new brings hers."""
    found = counted(Impact(OLD, WITHOUT_WALK, NOW), *(person(number) for number in (1, 2, 3)))
    past = person(1, place="walk", next_lesson="rest")
    found.correct({1: Facts(past, OLD, (*HAD, "walk"), None), 2: None, 4: Facts(person(4), OLD, HAD, None)})
    assert {"removed-unread": 2} == numbers(found)


def test_the_order_of_letters_is_asked_for_only_where_it_matters() -> None:
    """Her place says it, unless it went away, one that she had came back, or she had nothing where she began."""
    had = frozenset(HAD)
    removed = Impact(OLD, WITHOUT_WALK, NOW)
    assert removed.is_told(person(), OLD, had)
    assert removed.is_told(person(place=None), OLD, frozenset())
    assert not removed.is_told(person(place="walk"), OLD, had | {"walk"})
    assert not removed.is_told(person(place="walk"), OLD, had)
    assert not Impact(OLD, WITH_EARLY, NOW).is_told(person(), OLD, had | {"early"})
    assert not removed.is_told(person(), WITH_EARLY, had)


def test_letters_that_wait_already_are_no_effect_of_an_edit() -> None:
    """A rate raises over-capacity where it makes more of them wait, by the warm-up where there is one."""
    slow = course(SCHEDULE.replace("    phases:", "    sending: {per_hour: 1}\n    phases:"), 2)
    people = [person(number) for number in range(1, 61)]
    lag = counted(Impact(OLD, slow, NOW), *people).lag("small", None)
    assert lag is not None
    assert (0, True) == (lag.over_before, lag.over > 0)
    assert lag.late > timedelta(days=2)
    assert lag.day is not None
    still = counted(Impact(slow, slow, NOW), *people)
    waits = still.lag("small", None)
    assert waits is not None
    assert waits.over_before == waits.over > 0
    assert [] == [hazard.name for hazard in still.hazards({}, {}, waits) if hazard.name == "over-capacity"]
    assert None is counted(Impact(slow, OLD, NOW), *people).lag("small", None)
    warm = course(SCHEDULE.replace("    phases:", '    sending: {per_hour: 1, grow: "2x daily"}\n    phases:'), 2)
    begun = counted(Impact(OLD, warm, NOW), *people)
    cold, hot = begun.lag("small", None), begun.lag("small", Level(1, 100, NOW.date()))
    assert cold is not None
    assert hot is not None
    assert (True, 0) == (cold.over > 0, hot.over)
