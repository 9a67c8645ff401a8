"""A simulation says what the engine does: the same dates, for calm people and for those who pause, and nothing is written."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from drip.core import timing
from drip.core.population import ZONES, Shape, newcomer
from drip.core.schedule import Course
from drip.core.simulation import Happening, Simulation, Traveller, Went
from drip.core.witness import Outage
from drip.flows import simulating
from drip.store.tables import deliveries, enrollments, subscribers
from tests.core.test_simulation import LIVE
from tests.engine import Engine

SHAPE = Shape(date(2027, 2, 1), people=120, over=14, weeks=6, pauses=0.4, bounces=0.1, leaves=0.2)


@settings(max_examples=120, deadline=None)
@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    st.sampled_from([zone for zone, _ in ZONES]),
    st.one_of(st.none(), st.integers(0, 6)),
    st.one_of(st.none(), st.integers(6, 21)),
    st.sampled_from([1, 2]),
)
def test_an_untroubled_person_has_the_dates_of_the_calendar(
    joined: datetime, zone: str, weekday: int | None, hour: int | None, pace: int
) -> None:
    """Whoever, wherever and whenever: what `course_calendar` foretells is what a simulated person gets, to the instant."""
    send_at = None if hour is None else time(hour)
    written = None if hour is None else f"{hour:02}:00"
    facts = newcomer(1, LIVE, "course", zone=zone, weekday=weekday, send_at=written, pace=pace)
    heard: list[Went] = []
    run = Simulation(
        LIVE,
        [Traveller(1, facts, happenings=(Happening(joined, "join"),))],
        begins=joined,
        ends=joined + timedelta(days=400),
        heard=heard.append,
    )
    run.run()
    calendar = timing.course_calendar(
        LIVE.course, joined=joined, zone=ZoneInfo(zone), weekday=weekday, send_at=send_at, pace=pace
    )
    assert [(entry.lesson, entry.due_at) for entry in calendar] == [(went.lesson, went.at) for went in heard]
    assert [] == run.witness.broken


def test_the_same_seed_is_the_same_people() -> None:
    """A person is the same in any number of people, and whatever the shares are; another seed makes others."""
    few = simulating.made(SHAPE, LIVE, "course", "a")
    calm = Shape(SHAPE.first_day, people=200, over=14, weeks=6)
    more = simulating.made(calm, LIVE, "course", "a")
    assert [person.facts for person in few] == [person.facts for person in more[:120]]
    assert [person.happenings[0] for person in few] == [person.happenings[0] for person in more[:120]]
    assert [person.facts for person in few] != [person.facts for person in simulating.made(SHAPE, LIVE, "course", "b")]


def test_a_troubled_population_breaks_nothing() -> None:
    """Pauses, bounces, leaves, two outages and a spring: every letter holds, and all of it is told."""
    zone = ZoneInfo("Europe/London")
    people = simulating.made(SHAPE, LIVE, "course", "a")
    begins, ends = SHAPE.begins(zone), SHAPE.ends(zone) + timedelta(days=200)
    outages = [Outage(begins + timedelta(days=day), begins + timedelta(days=day + 5)) for day in (8, 40)]
    run = simulating.simulate(LIVE, people, begins=begins, ends=ends, outages=outages)
    told = simulating.told(run, LIVE, outages=outages, asked={}, seed="a")
    assert [] == told["broken"]
    assert told["letters"] == sum(told["days"].values()) == sum(told["hours"]) == sum(told["lessons"].values())
    assert min(told["left"], told["bounced"], told["pauses"], told["clock_changes"], told["late"]["letters"]) > 5
    assert 120 == told["finished"]["people"] + told["left"] + told["bounced"]


# Beside the engine ----------------------------------------------------------------------------------------------------


def _steps(engine: Engine, name: str, happenings: list[Happening], ends: datetime) -> None:
    """Live through the engine's calendar up to *ends*, with what befalls somebody at its instants."""
    waiting = sorted(happenings)
    while True:
        engine.work()
        moment = engine.next_moment()
        if waiting and (moment is None or waiting[0].at <= moment):
            happening = waiting.pop(0)
            engine.go_to(happening.at)
            if happening.what == "resume":
                engine.resume(name)
            elif happening.what == "leave":
                engine.leave(name)
            else:
                engine.pause(name, happening.weeks or None)
        elif moment is None or moment >= ends:
            return
        else:
            engine.go_to(moment)


TROUBLES = {
    "calm": [],
    "a pause of two weeks": [(5, "pause", 2)],
    "pressed again": [(5, "pause", 1), (6, "pause", 4)],
    "until she says": [(9, "rest", 0), (40, "resume", 0)],
    "taken back": [(9, "pause", 4), (10, "resume", 0)],
    "leaves": [(15, "leave", 0)],
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_engine_agrees(engine: Engine, trouble: str) -> None:
    """The living, simulated from where they stand, get in the engine what the simulation foretold, day by day."""
    engine.join("ada", timezone="America/New_York", weekday=3)
    engine.join("bo", pace=2)
    engine.work()
    began = engine.now().calendar
    found = simulating.living(engine.database, engine.library, "small", None)
    ends = began + timedelta(days=150)
    ada = engine.person("ada").id
    for person in found.people:
        happenings = TROUBLES[trouble] if person.number == ada else []
        person.happenings = tuple(Happening(began + timedelta(days=day), what, weeks) for day, what, weeks in happenings)
    mine = next(list(person.happenings) for person in found.people if person.number == ada)
    heard: list[Went] = []
    run = Simulation(found.course, found.people, begins=began, ends=ends, heard=heard.append)
    run.run()
    assert [] == run.witness.broken

    _steps(engine, "ada", mine, ends)
    for name in ("ada", "bo"):
        who = engine.person(name)
        zone = who.rhythm(found.course.course).zone
        foretold = [(went.lesson, went.at.astimezone(zone).date()) for went in heard if went.who == who.id]
        # The welcome letter went before the simulation began.
        assert foretold == [(one.letter, one.went_on) for one in engine.deliveries(name)[1:] if one.went_on is not None]
    engine.assert_sound()


def test_looking_at_the_living_writes_nothing(engine: Engine) -> None:
    """People, letters and courses are as they were, row for row."""

    def rows() -> list[object]:
        with engine.database.read() as connection:
            return [connection.execute(sa.select(table)).all() for table in (subscribers, enrollments, deliveries)]

    engine.join("ada", "bo")
    engine.work()
    engine.go_on(days=3)
    engine.tick()
    before = rows()
    found = simulating.living(engine.database, engine.library, "small", None)
    run = simulating.simulate(found.course, found.people, begins=found.now, ends=found.now + timedelta(days=100))
    assert (2, 8, []) == (len(found.people), run.tally.letters.total(), run.witness.broken)
    assert before == rows()


def _without(course: Course, lesson: str) -> Course:
    """Return a course that lacks one lesson."""
    kept = [
        phase.model_copy(update={"lessons": tuple(one for one in phase.lessons if one.id != lesson)}) for phase in course.phases
    ]
    fields = {name: getattr(course, name) for name in Course.model_fields}
    return Course.model_validate(fields | {"phases": tuple(kept)}, by_name=True)


@pytest.mark.parametrize("opened", [False, True])
def test_the_living_are_turned_to_the_files(engine: Engine, opened: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A lesson that the files do not have comes to nobody, were it on its way already; the others come."""
    engine.join("ada")
    engine.work()
    if opened:
        engine.to_lesson("ada", "breathe")
        engine.tick()
        assert engine.person("ada").open_delivery is not None
    files = _without(engine.library.course(1, "small").course, "breathe")
    found = simulating.living(engine.database, engine.library, "small", files)
    run = simulating.simulate(found.course, found.people, begins=found.now, ends=found.now + timedelta(days=100))
    assert (["walk", "rest", "goodbye"], []) == (list(run.tally.lessons), run.witness.broken)
