"""Leaving is final under race: ten thousand leave while letters go out as fast as they can."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from drip.flows import reporting
from drip.store.tables import deliveries, enrollments
from drip.wiring import Deployment
from tests.conftest import Prepare
from tests.flows.racing import Found, Pace, Race, long_course

# A minute in peace; other work on the machine makes it several.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PEOPLE = 10_000
FEWER = 500
MUTANTS = {
    "a mark that reads nothing again": (Pace("blind mark", 0.05), True),
    "a leave that does not wait": (Pace("ours", 0.3), False),
}


@pytest.fixture
def long(prepare: Prepare) -> Deployment:
    """A course of many letters, so that there is always one to hand over."""
    schedule, letters = long_course()
    return prepare(schedule=schedule, changed=letters, environment={"DRIP_LOG": "json"})


def _sound(deployment: Deployment, found: Found, people: int) -> None:
    """Everybody was answered, nothing broke or went twice, and the books agree."""
    assert [] == found.faults
    assert people == len(found.answered)
    assert [] == found.copies()
    assert [] == reporting.audit(deployment.database, deployment.library)
    with deployment.database.read() as connection:
        left = connection.execute(sa.select(sa.func.count()).where(enrollments.c.state == "left")).scalar_one()
        busy = connection.execute(sa.select(sa.func.count()).where(deliveries.c.state == "submitting")).scalar_one()
    assert (people, 0) == (left, busy)


def test_ten_thousand_leave_at_full_speed(long: Deployment) -> None:
    """Not one hand-over begins, or is under way, after its person's leave was answered; and there were many to stop."""
    found = Race(long, PEOPLE, stay=PEOPLE // 20, pace=Pace()).run()

    assert [] == found.after_answers()
    _sound(long, found, PEOPLE)
    # It was a race: letters enough went out meanwhile, some of them to people who had pressed and were waited for.
    assert found.during() > PEOPLE
    assert found.met() > 0
    assert found.waited > 0


@pytest.mark.parametrize("weaker", MUTANTS)
def test_a_weaker_design_loses_the_same_race(long: Deployment, weaker: str) -> None:
    """So the race can be lost: a twentieth of the people is enough to see it."""
    pace, waits = MUTANTS[weaker]

    assert [] != Race(long, FEWER, stay=FEWER, pace=pace, waits=waits).run(pressers=3).after_answers()


def test_what_catches_them_finds_nothing_against_the_real_design(long: Deployment) -> None:
    """The same race, however long the senders dawdle."""
    found = Race(long, FEWER, stay=FEWER, pace=Pace("ours", 0.05)).run(pressers=3)

    assert [] == found.after_answers()
    _sound(long, found, FEWER)
