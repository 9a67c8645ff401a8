"""A population on a virtual clock: what must hold does, and whatever breaks it is named, with the person and the lesson."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drip.core import enrollment, handover, timing
from drip.core.capacity import Level, Window, foreseen
from drip.core.enrollment import Enrollment, Move, placed
from drip.core.handover import Opening
from drip.core.population import newcomer
from drip.core.progress import LiveCourse, Step
from drip.core.schedule import Course, Lesson, Phase, Sender, Sending
from drip.core.simulation import Happening, Simulation, Steps, Traveller, Went
from drip.core.witness import INVARIANTS, Outage, Seen, Witness

LESSONS = (Lesson(id="hello", wait=0, anytime=True), *(Lesson(id=one, wait=7) for one in ("a", "b", "c", "d")))
COURSE = Course(
    title="A course",
    sender=Sender(name="Sam", email="letters@example.org"),
    reply_to="hello@example.org",
    postal_address="1 Example Street",
    timezone="Europe/London",
    phases=(Phase(id="one", title="One", lessons=LESSONS),),
)
LIVE = LiveCourse(1, COURSE, {})
JOINED = datetime(2027, 3, 9, 12, 0, tzinfo=UTC)
"""A Tuesday, three weeks before the clocks of London change."""

DAY = timedelta(days=1)
DARK = Outage(datetime(2027, 3, 15, tzinfo=UTC), datetime(2027, 3, 18, tzinfo=UTC))


def traveller(number: int = 7, *happenings: Happening, joined: datetime = JOINED) -> Traveller:
    """Return somebody in London who joins, and then whatever befalls her."""
    facts = newcomer(number, LIVE, "course", zone="Europe/London")
    return Traveller(number, facts, happenings=(Happening(joined, "join"), *happenings))


def walked(*people: Traveller, heard: Callable[[Went], None] | None = None, **given: Any) -> Simulation:  # noqa: ANN401 - handed on as it comes
    """Walk people through the course and return the simulation."""
    more: dict[str, Any] = {} if heard is None else {"heard": heard}
    run = Simulation(LIVE, people, begins=JOINED - DAY, ends=JOINED + 200 * DAY, **more, **given)
    run.run()
    return run


def names(run: Simulation) -> list[tuple[str, int, str]]:
    """Return what is broken: the invariant, the person and the lesson."""
    return [(one.name, one.who, one.lesson) for one in run.witness.broken]


# What is broken on purpose --------------------------------------------------------------------------------------------


def _then(change: Callable[[Enrollment, dict[str, Any], datetime], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return the step after a result with something changed about it, while a letter follows."""

    def advanced(person: Enrollment, *facts: Any, now: datetime) -> dict[str, Any]:  # noqa: ANN401 - handed on as it comes
        changes = enrollment.advanced(person, *facts, now=now)
        return changes | change(person, changes, now) if changes.get("next_due_at") else changes

    return advanced


def _in_days(days: int) -> Callable[..., dict[str, Any]]:
    """Return the step after a result that puts the next letter so many days on."""
    return _then(
        lambda person, _, now: placed(timing.slot_on(now.date() + days * DAY, person.rhythm(COURSE))),
    )


def _same_again(person: Enrollment, _changes: dict[str, Any], _now: datetime) -> dict[str, Any]:
    return {"next_lesson": person.next_lesson}


def _one_left_out(_person: Enrollment, changes: dict[str, Any], _now: datetime) -> dict[str, Any]:
    place = COURSE.places[changes["next_lesson"]]
    return {"next_lesson": LESSONS[min(place + 1, len(LESSONS) - 1)].id}


def _whole_days(_person: Enrollment, changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {"next_due_at": now + DAY * (changes["next_letter_on"] - now.date()).days} if now.hour == 9 else {}


def _no_date(_person: Enrollment, _changes: dict[str, Any], _now: datetime) -> dict[str, Any]:
    return {"next_due_at": None}


def _at_any_hour(person: Enrollment, course: LiveCourse, *, now: datetime) -> Opening | None:
    found = handover.opening_of(person, course, now=now)
    slot = enrollment.slot_of(person, course.course)
    return None if found is None or slot is None else Opening(found.step, slot, goes=True)


FAULTS: dict[str, tuple[Steps, tuple[Happening, ...], str]] = {
    "twice": (Steps(advanced=_then(_same_again)), (), "hello"),
    "order": (Steps(advanced=_then(_one_left_out)), (), "b"),
    # The hand-over looks at the gap once more; only without that look does the wrong date come through.
    "min-gap": (Steps(advanced=_in_days(1), opening_of=_at_any_hour, why_later=lambda *_, **__: None), (), "a"),
    "burst": (Steps(advanced=_in_days(2)), (), "a"),
    "same-hour": (Steps(advanced=_then(_whole_days)), (), "c"),
    "stands-still": (Steps(advanced=_then(_no_date)), (), "a"),
    "window": (Steps(opening_of=_at_any_hour, why_later=lambda *_, **__: None), (), "a"),
    "after-leaving": (Steps(left=lambda **_: {}), (Happening(JOINED + 10 * DAY, "leave"),), "b"),
    "while-resting": (Steps(paused_open=lambda *_: Move({}, None)), (Happening(JOINED + 10 * DAY, "rest"),), "b"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(name: str) -> None:
    """A step of the engine that breaks one rule is found out by that rule's name, with the person and the lesson, once."""
    steps, happenings, lesson = FAULTS[name]
    dark = (DARK,) if name == "window" else ()
    run = walked(traveller(7, *happenings), steps=steps, outages=dark)
    assert [(name, 7, lesson)] == names(run)
    assert [] == names(walked(traveller(7, *happenings), outages=dark))


def _seen(at: datetime, who: int = 7) -> Seen:
    facts = newcomer(who, LIVE, "course", zone="Europe/London")
    step = Step(LESSONS[1], afterwards=False)
    return Seen(who, facts, step, timing.slot_on(at.date(), facts.rhythm(COURSE)), at)


def test_a_letter_during_an_outage_is_named() -> None:
    """The witness knows when nothing may go, whoever let the letter go."""
    witness = Witness(LIVE, outages=(DARK,))
    assert not witness.letter(_seen(DARK.begins + timedelta(hours=33)))
    assert ["while-out"] == [one.name for one in witness.broken]


def test_a_letter_over_the_rate_is_named() -> None:
    """The second letter of an hour that has room for one is told; the one an hour later is not."""
    witness = Witness(LIVE, sending=Sending(per_hour=1))
    ten = datetime(2027, 3, 16, 10, tzinfo=UTC)
    assert [True, False, True] == [witness.letter(_seen(ten + timedelta(minutes=20 * who), who)) for who in (0, 1, 4)]
    assert [("rate", 1)] == [(one.name, one.who) for one in witness.broken]


def test_every_invariant_is_tried() -> None:
    """No invariant is promised that nothing here breaks."""
    assert set(INVARIANTS) == {*FAULTS, "while-out", "rate"}


# What is right --------------------------------------------------------------------------------------------------------


def test_the_rate_makes_letters_late_and_loses_none() -> None:
    """Five people at nine, two letters an hour: the last one waits two hours, and everybody finishes in order."""
    heard: list[Went] = []
    people = [traveller(number, joined=JOINED + timedelta(hours=number)) for number in range(1, 6)]
    run = walked(*people, sending=Sending(per_hour=2), heard=heard.append)
    assert [] == names(run)
    first = sorted(letter.at for letter in heard if letter.lesson == "a")
    nine = datetime(2027, 3, 16, 9, tzinfo=UTC)
    assert [0, 0, 1, 1, 2] == [int((at - nine).total_seconds()) // 3600 for at in first]
    assert 5 == len(run.tally.finished)
    assert timedelta(hours=2) <= max(run.tally.late)[0] < timedelta(hours=2, minutes=1)


def test_a_rate_that_is_far_too_small_waits_for_the_next_window() -> None:
    """Whoever does not fit into the day follows on another, never at night, and still gets every lesson in order."""
    narrow = replace_send(COURSE)
    live = LiveCourse(1, narrow, {})
    people = [traveller(number, joined=JOINED + timedelta(hours=number)) for number in range(1, 6)]
    run = Simulation(live, people, begins=JOINED - DAY, ends=JOINED + 400 * DAY, sending=Sending(per_hour=1))
    run.run()
    assert [] == names(run)
    assert 25 == run.tally.letters.total()
    assert timedelta(days=1) < max(run.tally.late)[0]


def test_the_rate_grows_with_the_days_that_used_it() -> None:
    """Thirty people at nine, two an hour, half as much again a day: the day's letters are those that `capacity` foretells."""
    sending = Sending(per_hour=2, grow=Decimal("1.5"))
    people = [traveller(number, joined=JOINED - timedelta(minutes=number)) for number in range(1, 31)]
    level = Level(2, 2, JOINED.date() + 5 * DAY)
    run = Simulation(LIVE, people, begins=JOINED - DAY, ends=JOINED + 8 * DAY, sending=sending, level=level)
    run.run()
    assert [] == names(run)
    days: Counter[date] = Counter()
    for at, count in run.tally.letters.items():
        days[at.date()] += count
    tuesday = date(2027, 3, 16)
    first = next(day for day, count in sorted(days.items()) if count)
    told = foreseen({tuesday: 30}, sending, Window.of(COURSE), Level(2, run.tally.limits[tuesday], tuesday))
    assert [(one.day, one.left, one.per_hour) for one in told.days if one.day < JOINED.date() + 8 * DAY] == [
        (day, days[day], run.tally.limits[day]) for day in sorted(days) if day >= tuesday
    ]
    assert first < tuesday


def test_a_letter_over_a_rate_that_has_not_grown_is_named() -> None:
    """The witness counts the days for itself: two letters an hour are too many on the first day, and right on the second."""
    witness = Witness(LIVE, sending=Sending(per_hour=1, grow=Decimal(2)))
    ten = datetime(2027, 3, 16, 10, tzinfo=UTC)
    asked = [ten, ten + timedelta(minutes=5), ten + DAY, ten + DAY + timedelta(minutes=5), ten + DAY + timedelta(minutes=9)]
    assert [True, False, True, True, False] == [witness.letter(_seen(at, who)) for who, at in enumerate(asked)]


def test_what_the_rate_keeps_over_its_day_is_counted_once() -> None:
    """Whoever misses a window by the rate is one letter too many for the day that was promised, however many days she waits."""
    live = LiveCourse(1, replace_send(COURSE), {})
    run = Simulation(live, people_again(), begins=JOINED - DAY, ends=JOINED + 9 * DAY, sending=Sending(per_hour=1))
    run.run()
    assert {date(2027, 3, 16): 3} == dict(run.tally.over)
    calm = walked(traveller(7), outages=[Outage(JOINED + 5 * DAY, JOINED + 9 * DAY)], sending=Sending(per_hour=1))
    assert ({}, 0) == (dict(calm.tally.over), calm.tally.waiting)
    short = Simulation(
        live, people_again(), begins=JOINED - DAY, ends=JOINED + 6 * DAY + timedelta(hours=22), sending=Sending(per_hour=1)
    )
    short.run()
    assert 4 == short.tally.waiting


def people_again() -> list[Traveller]:
    """Return five people who join hour by hour."""
    return [traveller(number, joined=JOINED + timedelta(hours=number)) for number in range(1, 6)]


def replace_send(course: Course) -> Course:
    """Return the course with a window of two hours."""
    send = course.send.model_copy(update={"until": course.send.at.replace(hour=course.send.at.hour + 2)})
    fields = {name: getattr(course, name) for name in Course.model_fields}
    return Course.model_validate(fields | {"send": send}, by_name=True)


def test_a_date_that_goes_and_comes_back_is_one_letter() -> None:
    """Two pauses that lead to the same date bring one letter on it."""
    heard: list[Went] = []
    walked(
        traveller(
            7, Happening(JOINED + DAY, "pause", 1), Happening(JOINED + 2 * DAY, "rest"), Happening(JOINED + 3 * DAY, "resume")
        ),
        heard=heard.append,
    )
    assert list(COURSE.lessons) == [letter.lesson for letter in heard]


def test_a_bounce_ends_it() -> None:
    """After the letter that comes back nothing follows, and nobody stands still."""
    person = replace(traveller(7), bounces_on=2)
    run = walked(person)
    assert ([], 2, 1) == (names(run), run.tally.letters.total(), run.tally.bounced)
    assert [date(2027, 3, 16)] == [at.astimezone(ZoneInfo("Europe/London")).date() for at in sorted(run.tally.letters)[1:]]


def test_clock_changes_are_met() -> None:
    """Who goes through the last Sunday of March meets one, and her letters stay at nine."""
    run = walked(traveller(7))
    assert (1, []) == (run.witness.clock_changes, names(run))
