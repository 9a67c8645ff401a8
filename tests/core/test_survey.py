"""Surveys: who stands where on the live map, which hour a letter falls into, and one end for each letter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from drip.core.delivery import OPEN, Outcome, State
from drip.core.enrollment import Stage
from drip.core.progress import LiveCourse, first_ids
from drip.core.schedule import Course, Lesson, Phase, Sender
from drip.core.survey import ENDS, Fate, Map, Stand, Stop, Stops, Tally, due_days, end_of, mapped, tallied

LONDON = ZoneInfo("Europe/London")
MONDAY = date(2026, 10, 19)


def live(
    version: int, *lessons: Lesson, known: Mapping[str, str] | None = None, afterwards: tuple[Lesson, ...] = ()
) -> LiveCourse:
    """Return a course of one phase as it stands in a version."""
    course = Course(
        title="A course",
        sender=Sender(name="Sam", email="letters@example.org"),
        reply_to="hello@example.org",
        postal_address="1 Example Street",
        timezone="Europe/London",
        phases=(Phase(id="one", title="One", lessons=lessons),),
        afterwards=afterwards,
    )
    return LiveCourse(version, course, first_ids(course, known or {}))


def lesson(name: str, was: str | None = None) -> Lesson:
    """Return a weekly lesson."""
    return Lesson(id=name, wait=7, was=was)


FIRST = live(1, lesson("a"), lesson("b"), lesson("c"), afterwards=(lesson("late"),))
ACTIVE, FINISHED = Stage.ACTIVE.value, Stage.FINISHED.value


def stand(place: str | None, following: str | None, people: int, **facts: Any) -> Stand:  # noqa: ANN401 - the fields of a named tuple
    """Return people who stand alike, on the course and in version 1 unless *facts* say otherwise."""
    found = Stand(1, ACTIVE, place, following, "", waits=False, people=people)
    return found._replace(**facts)


def stops_of(found: Map) -> dict[str, Stop]:
    """Return the lessons of a map by id."""
    return {stop.lesson: stop for leg in found.legs for stop in leg.stops}


def drawn(*stands: Stand, on: LiveCourse = FIRST, omitted: Mapping[str, int] | None = None, stops: Stops | None = None) -> Map:
    """Return the map of some people; version 1 is FIRST."""
    return mapped("small", on, {"a": "Letter A"}, stands, omitted or {}, stops or Stops(), lambda _: FIRST)


def test_everybody_is_at_one_lesson_and_had_those_behind_her() -> None:
    """Next counts by the next lesson, had by the place; who has finished had all, and the later letters are their own."""
    found = drawn(
        stand(None, "a", 5),
        stand("a", "b", 4),
        stand("b", "c", 3),
        stand("c", "late", 1),
        stand("c", None, 2, state=FINISHED),
    )
    stops = stops_of(found)
    assert {"a": 5, "b": 4, "c": 3, "late": 1} == {name: stop.next for name, stop in stops.items()}
    assert {"a": 10, "b": 6, "c": 3, "late": 0} == {name: stop.had for name, stop in stops.items()}
    assert (5, "Letter A", "b") == (found.most, stops["a"].title, stops["b"].title)
    assert {ACTIVE: 13, FINISHED: 2} == found.stages


def test_whoever_left_or_only_asked_stands_nowhere() -> None:
    """They are in the totals and at no lesson."""
    found = drawn(
        stand("a", None, 7, state=Stage.LEFT.value),
        stand(None, None, 8, state=Stage.ASKED.value),
        stand("a", None, 9, state="ended"),
    )
    assert [(0, 0)] * 4 == [(stop.next, stop.had) for stop in stops_of(found).values()]
    assert {"left": 7, "asked": 8, "ended": 9} == found.stages


def test_paused_people_rest_and_the_others_wait() -> None:
    """Whoever is paused waits for no letter, even where one is open; resting people are counted in all and at the lesson."""
    found = drawn(
        stand("a", "b", 4, waits=True),
        stand("a", "b", 2, paused="weeks", waits=True),
        stand("a", "b", 1, paused="open"),
        stand("a", "b", 8),
    )
    stop = stops_of(found)["b"]
    assert (15, 3, 4) == (stop.next, stop.resting, stop.waiting)
    assert 3 == found.resting


def test_what_passed_people_by_they_have_not_had() -> None:
    """A lesson that was left out for three is had by three fewer; it never falls below none."""
    found = drawn(stand("b", "c", 5), omitted={"a": 3, "b": 9})
    assert [2, 0, 0] == [stops_of(found)[name].had for name in "abc"]


def test_people_of_an_older_version_stand_where_it_is_now() -> None:
    """A renamed lesson keeps its people; whose next is gone is astray, and a removed place is the one before it."""
    after = live(2, lesson("alpha", was="a"), lesson("c"))
    found = drawn(stand(None, "a", 6), stand("a", "b", 5), stand("b", "c", 4), on=after)
    stops = stops_of(found)
    assert (6, 9) == (stops["alpha"].next, stops["alpha"].had)
    assert (4, 0) == (stops["c"].next, stops["c"].had)
    assert 5 == found.astray


def test_a_stop_says_why_its_letter_does_not_go() -> None:
    """The reason stands at its lesson alone; one of a lesson that is gone says nothing."""
    found = drawn(stops=Stops("we rest", {"b": "it is a draft", "gone": "?"}))
    assert ("we rest", ["", "it is a draft", "", ""]) == (found.held, [stop.stopped for stop in stops_of(found).values()])


def test_hours_are_those_of_the_course() -> None:
    """In the week in which the clock goes back, nine o'clock is nine o'clock on both sides, and the doubled hour holds both."""
    due = [
        (datetime(2026, 10, 20, 8, tzinfo=UTC), 3),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, 9, tzinfo=UTC), 2),
        (datetime(2026, 10, 26, 9, tzinfo=UTC), 9),
    ]
    days = due_days(MONDAY, due, LONDON)
    assert [date(2026, 10, 19) + timedelta(days=ahead) for ahead in range(7)] == [day.on for day in days]
    assert (3, 9) == (days[1].letters, days[1].busiest)
    assert (2, 2, 4) == (days[6].hours[1], days[6].hours[9], days[6].letters)
    assert 7 == sum(day.letters for day in days)
    assert days[0].busiest is None


@given(st.sampled_from([state.value for state in State]), st.none() | st.sampled_from([one.value for one in Outcome]))
def test_each_letter_ends_in_one_way(state: str, outcome: str | None) -> None:
    """Whatever we did and the provider said, a letter is in exactly one of the named ends."""
    end = end_of(state, outcome)
    assert end in ENDS
    assert (end == "open") == (state in {one.value for one in OPEN})
    assert (end in {"withheld", "failed", "uncertain"}) == (state in {"withheld", "failed", "uncertain"})


def test_letters_are_summed_in_the_order_of_the_course() -> None:
    """Versions add up unless they are asked for apart; letters that stand on no map follow by name."""
    fates = [
        Fate("kit", 1, "submitted", "delivered", 1),
        Fate("b", 2, "submitted", None, 4),
        Fate("a", 1, "submitted", "delivered", 10),
        Fate("a", 2, "submitted", "bounced", 1),
        Fate("a", 2, "uncertain", None, 2),
        Fate("a", 2, "submitted", "complained", 1),
    ]

    def title(letter: str, version: int) -> str:
        return f"{letter}{version}"

    together = tallied(FIRST, title, fates, by_version=False)
    assert [("a", "a2", 14, 12), ("b", "b2", 4, 4), ("kit", "kit1", 1, 1)] == [
        (one.letter, one.title, one.letters, one.submitted) for one in together
    ]
    assert 1 / 12 == together[0].share("bounced")
    apart = tallied(FIRST, title, fates, by_version=True)
    assert [("a", 1), ("a", 2), ("b", 2), ("kit", 1)] == [(one.letter, one.version_id) for one in apart]


def test_a_share_of_nothing_is_nothing() -> None:
    """A letter of which none was submitted has no share of anything."""
    assert 0.0 == Tally("a", "A").share("bounced")
