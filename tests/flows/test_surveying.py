"""Surveying: what the database counts is what the people say one by one, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from drip.core.delivery import Refused, Unknown
from drip.core.survey import Map, Stop
from drip.errors import NotFound
from drip.flows import holding, surveying
from drip.flows.applying import Accepting
from drip.store import surveys, tables, versions
from tests.conftest import Prepare
from tests.course import SCHEDULE, write_course
from tests.engine import Engine, engine_on


def the_map(engine: Engine) -> Map:
    """Return the map of the one course."""
    [found] = surveying.course_maps(engine.database, engine.library, real_on=None)
    return found


def stops(engine: Engine) -> dict[str, Stop]:
    """Return its lessons by id."""
    return {stop.lesson: stop for leg in the_map(engine).legs for stop in leg.stops}


def edit(engine: Engine, before: str, after: str) -> None:
    """Apply an edit of the schedule, whatever it brings."""
    deployment = engine.deployment
    folder = deployment.settings.schedule.parent
    write_course(folder, schedule=SCHEDULE.replace(before, after))
    edition = deployment.edition()
    planned = deployment.plan(edition)
    deployment.apply(edition, planned, Accepting(frozenset(one.name for one in planned.hazards), by="Sam", reason="a test"))


def test_the_map_follows_people_along(engine: Engine) -> None:
    """Who asked, who is at each lesson, who pauses, who left: the map says it after each step."""
    engine.join("asked", confirmed=False)
    engine.join("ada", "ben", "cleo", "dora")
    assert (4, 0) == (stops(engine)["hello"].next, stops(engine)["hello"].had)
    assert 4 == stops(engine)["hello"].waiting
    engine.work()
    engine.to_lesson("ada", "walk")
    engine.pause("ben", 2)
    engine.leave("cleo")
    found = the_map(engine)
    assert {"asked": 1, "active": 3, "left": 1} == dict(found.stages)
    assert (1, 0) == (found.resting, found.astray)
    at = stops(engine)
    assert [("hello", 0, 3), ("breathe", 0, 3), ("walk", 3, 0)] == [
        (one, at[one].next, at[one].had) for one in ("hello", "breathe", "walk")
    ]
    assert (1, 2) == (at["walk"].resting, at["walk"].waiting)


def test_a_removed_lesson_leaves_people_astray_until_a_tick(engine: Engine) -> None:
    """Between the edit and the tick they are named as such; after it they stand at the next lesson, and nobody is lost."""
    engine.join("ada", "ben")
    engine.work()
    engine.to_lesson("ada", "walk")
    edit(engine, "          - {id: walk, wait: 1 week}\n", "")
    assert 2 == the_map(engine).astray
    engine.work()
    assert (0, 2) == (the_map(engine).astray, stops(engine)["rest"].next)


def test_what_an_edit_put_behind_people_they_have_not_had(engine: Engine) -> None:
    """A lesson that now stands before their place is had by nobody, and next for nobody."""
    engine.join("ada", "ben")
    engine.work()
    engine.to_lesson("ada", "rest")
    moved = SCHEDULE.replace("          - {id: goodbye, wait: 1 week, numbered: false}\n", "").replace(
        "          - {id: breathe, wait: 3 days}\n",
        "          - {id: breathe, wait: 3 days}\n          - {id: goodbye, wait: 1 week, numbered: false}\n",
    )
    edit(engine, SCHEDULE, moved)
    engine.work()
    at = stops(engine)
    assert [("breathe", 2), ("goodbye", 0), ("walk", 2)] == [(one, at[one].had) for one in ("breathe", "goodbye", "walk")]


def test_a_held_lesson_and_a_held_course_say_so(engine: Engine) -> None:
    """Whoever is due at a held lesson waits there, with the reason; a hold of the course stands over the map."""
    engine.join("ada", "ben")
    engine.work()
    engine.to_lesson("ada", "walk")
    number = the_map(engine).version_id
    with engine.database.write() as connection:
        versions.hold_lesson(
            connection,
            "small",
            "walk",
            version_id=number,
            reason="broken-letter",
            detail="it does not render",
            now=engine.now().machine,
        )
    engine.work()
    assert ("it does not render", 2) == (stops(engine)["walk"].stopped, stops(engine)["walk"].waiting)
    holding.hold(engine.database, None, "a storm")
    assert "a storm" == the_map(engine).held


def test_letters_that_real_people_may_not_get_say_so(engine: Engine) -> None:
    """Where letters go to real people, a lesson that nobody has checked says it before anybody comes to it; else none does."""
    [real] = surveying.course_maps(engine.database, engine.library, real_on=engine.now().machine.date())
    assert {"no clinician has checked it, and nobody has accepted that"} == {
        stop.stopped for leg in real.legs for stop in leg.stops
    }
    assert {""} == {stop.stopped for stop in stops(engine).values()}


def test_the_week_counts_each_letter_once(engine: Engine) -> None:
    """What is dated, and what was opened and waits for its hour, stands in its hour; what pauses until she says does not."""
    engine.join("ada", "ben", "cleo", timezone="America/New_York")
    engine.join("dora", timezone="Asia/Kolkata")
    engine.work()
    engine.pause("cleo", None)
    london = ZoneInfo("Europe/London")
    moments = [engine.person(name).next_due_at for name in ("ada", "ben", "dora")]
    engine.go_to(min(one for one in moments if one is not None) - timedelta(days=2))
    [week] = surveying.weeks(engine.database, engine.library)
    due = Counter((one.astimezone(london).date(), one.astimezone(london).hour) for one in moments if one is not None)
    assert due == Counter({(day.on, hour): count for day in week.days for hour, count in enumerate(day.hours) if count})
    assert ("Europe/London", 0, 3) == (week.zone, week.overdue, week.letters)
    engine.go_to(max(one for one in moments if one is not None) + timedelta(minutes=1))
    [later] = surveying.weeks(engine.database, engine.library)
    assert 3 == later.overdue


def test_quarters_of_hours_are_alike_on_both_databases(engine: Engine) -> None:
    """An instant lies in the quarter that it lies in, to the microsecond on either side."""
    engine.join("ada", "ben", "cleo")
    base = engine.now().calendar.replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
    moments = {
        "ada": timedelta(minutes=15),
        "ben": timedelta(minutes=15) - timedelta(microseconds=1),
        "cleo": timedelta(minutes=59),
    }
    with engine.database.write() as connection:
        for name, ahead in moments.items():
            person = tables.enrollments.c.id == engine.person(name).id
            connection.execute(tables.enrollments.update().where(person).values(next_due_at=base + ahead, open_delivery=None))
    with engine.database.read() as connection:
        found = surveys.due_by_quarter(connection, "small", base, base + timedelta(hours=1))
    expected = [(base + timedelta(minutes=minutes), 1) for minutes in (0, 15, 45)]
    assert expected == [tuple(one) for one in found]


def test_outcomes_name_what_became_of_each_letter(engine: Engine) -> None:
    """Submitted, refused and in doubt stand at their letter; the sums are those of the report; nothing names a person."""
    engine.join("ada", "ben", "cleo")
    engine.mailer.script = [Refused("no such address")]
    engine.work()
    engine.to_lesson("ben", "breathe")
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    title, tallies = surveying.outcomes(engine.database, engine.library, "small", days=28, by_version=False)
    with engine.database.read() as connection:
        rows = connection.execute(sa.select(tables.deliveries.c.letter, tables.deliveries.c.state)).all()
    expected = Counter((row.letter, row.state) for row in rows)
    assert "A small course" == title
    assert ["hello", "breathe"] == [one.letter for one in tallies if one.letter in {"hello", "breathe"}]
    for one in tallies:
        assert sum(count for (letter, _), count in expected.items() if letter == one.letter) == one.letters
        assert expected[one.letter, "uncertain"] == one.ends["uncertain"]
        assert expected[one.letter, "failed"] == one.ends["failed"]
        assert expected[one.letter, "submitted"] == one.submitted


def test_outcomes_of_a_while_leave_out_what_is_older(engine: Engine) -> None:
    """Letters that were opened before it, by the machine's clock, are not counted; without a bound all are."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")
    engine.work()
    first = min(one.id for one in engine.deliveries("ada"))
    with engine.database.write() as connection:
        old = engine.now().machine - timedelta(days=40)
        connection.execute(tables.deliveries.update().where(tables.deliveries.c.id == first).values(created_at=old))
    counts = {
        days: sum(
            one.letters for one in surveying.outcomes(engine.database, engine.library, "small", days=days, by_version=True)[1]
        )
        for days in (28, 91, None)
    }
    assert {28: 1, 91: 2, None: 2} == counts


def test_of_no_course_there_are_no_outcomes(engine: Engine) -> None:
    """A course that does not run is not found."""
    with pytest.raises(NotFound):
        surveying.outcomes(engine.database, engine.library, "nothing", days=7, by_version=False)


def test_the_week_says_how_late_a_limit_makes_its_letters(prepare: Prepare) -> None:
    """Seven letters of one hour at two an hour: the last leaves three hours late; at seven an hour none is."""
    limited = SCHEDULE.replace("    phases:\n", "    sending: {per_hour: 2}\n    phases:\n", 1)
    with engine_on(prepare(schedule=limited)) as engine:
        engine.join(*(f"person{number}" for number in range(7)))
        due = (engine.now().calendar + timedelta(days=2)).replace(hour=10, minute=0, second=0, microsecond=0)
        with engine.database.write() as connection:
            connection.execute(tables.enrollments.update().values(next_due_at=due, open_delivery=None))
        [week] = surveying.weeks(engine.database, engine.library)
        assert (7, 2, timedelta(hours=3)) == (week.letters, week.per_hour, week.late)
        assert due.astimezone(ZoneInfo("Europe/London")).date() == week.latest
        edit(engine, SCHEDULE, limited.replace("per_hour: 2", "per_hour: 7"))
        [week] = surveying.weeks(engine.database, engine.library)
        assert (7, timedelta(), None) == (week.per_hour, week.late, week.latest)
