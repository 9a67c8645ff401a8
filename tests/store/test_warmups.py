"""Where a growing limit stands: in the database, for all workers, and right whenever one looks."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from drip.clock import Now
from drip.core.capacity import Level, Limit
from drip.core.schedule import Course, Sending
from drip.store import tallies, warmups
from drip.store.session import Database
from drip.wiring import Deployment

NOON = datetime(2027, 3, 9, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def database(deployment: Deployment) -> Database:
    """The database of an installation at rest."""
    return deployment.database


@pytest.fixture
def course(deployment: Deployment) -> Course:
    """A course that is warmed up."""
    return warming(deployment.library.course(1, "small").course)


def warming(course: Course, per_hour: int = 50, grow: str | None = "1.5") -> Course:
    """Return *course* with a limit that grows."""
    return course.model_copy(update={"sending": Sending(per_hour=per_hour, grow=None if grow is None else Decimal(grow))})


def went(database: Database, letters: int, at: datetime, owner: str = "one") -> None:
    """Let letters have gone."""
    with database.write() as connection:
        tallies.add(connection, "small", letters, owner=owner, now=Now(at, at))


def move_on(database: Database, course: Course, at: datetime) -> bool:
    """Do what a tick does."""
    with database.write() as connection:
        return warmups.move_on(connection, "small", course, at)


def limit(database: Database, course: Course, at: datetime) -> Limit:
    """Return the limit at an instant."""
    with database.read() as connection:
        found = warmups.limit(connection, "small", course, at)
    assert found is not None
    return found


def test_letters_are_counted_by_the_hour_over_all_workers(database: Database, course: Course) -> None:
    """Two processes and two hours make one sum a day; the hour of the clock has its own."""
    for owner in ("one", "two"):
        went(database, 20, NOON, owner)
        went(database, 3, NOON + timedelta(minutes=29), owner)
        went(database, 1, NOON - timedelta(hours=2), owner)
    assert Limit(50, went=46, today=48, grows_to=75) == limit(database, course, NOON)
    with database.read() as connection:
        assert 48 == tallies.on_machine_day(connection, NOON.date())


def test_it_grows_after_a_day_that_used_it_and_not_in_silence(database: Database, course: Course) -> None:
    """A used day lifts the next; then a quiet day and a silent week change nothing; and nobody needs a tick to see it."""
    assert [True, False] == [move_on(database, course, NOON), move_on(database, course, NOON)]
    went(database, 50, NOON)
    assert 50 == limit(database, course, NOON).per_hour
    assert 75 == limit(database, course, NOON + DAY).per_hour
    assert move_on(database, course, NOON + DAY)
    went(database, 74, NOON + DAY)
    assert 75 == limit(database, course, NOON + 2 * DAY).per_hour
    for ahead in range(2, 12):
        move_on(database, course, NOON + ahead * DAY)
    assert 75 == limit(database, course, NOON + 12 * DAY).per_hour
    with database.read() as connection:
        assert Level(50, 75, date(2027, 3, 20)) == warmups.find(connection, "small")


def test_a_machine_that_was_off_for_a_week_grows_once(database: Database, course: Course) -> None:
    """The last day that used the limit counts when the machine is back, the days between do not."""
    move_on(database, course, NOON)
    went(database, 400, NOON)
    assert move_on(database, course, NOON + 7 * DAY)
    assert 75 == limit(database, course, NOON + 7 * DAY).per_hour


def test_an_edit_of_the_first_number_begins_anew(database: Database, course: Course) -> None:
    """From the new number, at once; an edit of the factor goes on from where it stands; without one all is forgotten."""
    move_on(database, course, NOON)
    went(database, 400, NOON)
    move_on(database, course, NOON + DAY)
    assert 75 == limit(database, warming(course, grow="2"), NOON + DAY).per_hour
    assert 150 == limit(database, warming(course, grow="2"), NOON + DAY).grows_to
    lower = warming(course, per_hour=20)
    assert 20 == limit(database, lower, NOON + DAY).per_hour
    assert move_on(database, lower, NOON + DAY)
    assert 20 == limit(database, lower, NOON + DAY).per_hour
    assert (50, 0) == (
        limit(database, warming(course, grow=None), NOON + DAY).per_hour,
        limit(database, warming(course, grow=None), NOON + DAY).grows_to,
    )
    assert move_on(database, warming(course, grow=None), NOON + DAY)
    with database.read() as connection:
        assert None is warmups.find(connection, "small")


def test_days_are_those_of_the_course(database: Database, course: Course) -> None:
    """Nine in the evening in Los Angeles is the same day there, though it is tomorrow in UTC."""
    there = course.model_copy(update={"timezone": "America/Los_Angeles"})
    evening = datetime(2027, 3, 10, 5, tzinfo=UTC)
    move_on(database, there, evening - timedelta(hours=9))
    went(database, 60, evening - timedelta(hours=1))
    assert (60, 50) == (limit(database, there, evening).today, limit(database, there, evening).per_hour)
    assert 75 == limit(database, there, evening + timedelta(hours=4)).per_hour


def test_ticks_at_once_grow_it_once(database: Database, course: Course) -> None:
    """Four beats that see the new day at the same moment: one of them writes it."""
    move_on(database, course, NOON)
    went(database, 400, NOON)
    barrier = threading.Barrier(4)
    done: list[bool] = []

    def tick() -> None:
        barrier.wait()
        done.append(move_on(database, course, NOON + DAY))

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [False, False, False, True] == sorted(done)
    assert 75 == limit(database, course, NOON + DAY).per_hour


def test_old_hours_are_forgotten(database: Database) -> None:
    """What is longer ago than anybody asks is deleted, the rest stays."""
    went(database, 5, NOON)
    went(database, 7, NOON + timedelta(days=7))
    with database.write() as connection:
        tallies.forget(connection, NOON + timedelta(days=9))
        assert [0, 7] == [tallies.on_machine_day(connection, (NOON + ahead).date()) for ahead in (0 * DAY, 7 * DAY)]
