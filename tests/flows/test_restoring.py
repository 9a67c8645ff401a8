"""A database from a backup: it is noticed, nothing goes until somebody has spoken, and then nobody gets a lesson twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip.core.delivery import Unknown
from drip.errors import UsageError
from drip.flows import holding, restoring
from drip.flows.restoring import AtWork, NothingRan, Restored
from drip.flows.ticking import CameBack
from drip.store import restores, stamps
from drip.store.session import Database
from drip.store.stamps import REAL, SANDBOX
from drip.store.tables import beats
from tests.course import LESSONS
from tests.engine import Engine
from tests.restores import back_up, restore


def on(engine: Engine, days: int) -> None:
    """Let so many days pass, with an engine at work at each moment of them."""
    end = engine.now().calendar + timedelta(days=days)
    while (moment := engine.next_moment()) is not None and moment < end:
        engine.go_to(moment)
        engine.work()
    engine.go_to(end)
    engine.work()


def answer(engine: Engine, **known: object) -> Restored:
    """Answer for the restore, as `drip restored` does."""
    return restoring.restored(engine.database, engine.library, engine.deployment.memory, **known)  # type: ignore[arg-type]


def lessons(engine: Engine, name: str) -> Counter[str]:
    """Return how often the door accepted each lesson for *name*."""
    return Counter(engine.subjects(name))


def stands_still(engine: Engine) -> bool:
    """Return whether a tick refuses to do anything."""
    try:
        engine.tick()
    except CameBack:
        return True
    return False


def test_a_restored_database_stands_still_and_then_nobody_gets_a_lesson_twice(engine: Engine) -> None:
    """Two letters went of which the books know nothing any more; both are in doubt, and the third comes on its day."""
    engine.join("ada")
    engine.work()
    on(engine, 1)
    backup = back_up(engine.database)
    while "walk" not in engine.subjects("ada"):
        on(engine, 1)
    went, person = engine.subjects("ada"), engine.person("ada")
    restore(engine.database, backup)
    assert {"hello": "submitted"} == engine.states("ada")
    for _ in range(2):
        assert stands_still(engine)
    assert went == engine.subjects("ada")
    found = answer(engine)
    assert {("small", "breathe"): 1, ("small", "walk"): 1} == dict(found.letters)
    assert {"hello": "submitted", "breathe": "uncertain", "walk": "uncertain"} == engine.states("ada")
    after = engine.person("ada")
    assert (person.next_lesson, person.next_due_at, person.place) == (after.next_lesson, after.next_due_at, after.place)
    assert (person.last_meant_on, person.last_letter_on) == (after.last_meant_on, after.last_letter_on)
    assert [] == engine.audit()
    engine.run_to_the_end()
    assert dict.fromkeys(LESSONS, 1) == lessons(engine, "ada")
    assert [] == engine.audit()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.integers(0, 12), min_size=4, max_size=4), st.integers(0, 20), st.integers(0, 9))
def test_whenever_the_backup_was_made_nobody_gets_a_lesson_twice(
    fresh_engine: Engine, joins: list[int], lost: int, idle: int
) -> None:
    """People anywhere in the course, some paused; any time is lost, and any passes before somebody speaks."""
    engine = fresh_engine
    mark = engine.now().machine.strftime("%H%M%S%f")
    names = [f"p{mark}n{number}" for number in range(len(joins))]
    for day in range(max(joins) + 1):
        engine.join(*(name for name, at in zip(names, joins, strict=True) if at == day))
        engine.work()
        on(engine, 1)
    engine.pause(names[0], 1)
    backup = back_up(engine.database)
    on(engine, lost)
    restore(engine.database, backup)
    engine.go_on(days=idle)
    assert stands_still(engine)
    answer(
        engine,
        until=max(
            engine.now().calendar - timedelta(days=idle), restoring.expected(engine.database, since=None, until=None).since
        ),
    )
    engine.run_to_the_end()
    for name in names:
        assert [] == [lesson for lesson, count in lessons(engine, name).items() if count > 1]
        assert set(LESSONS) == set(lessons(engine, name)) | {
            lesson for lesson, state in engine.states(name).items() if state == "uncertain"
        }
    assert [] == engine.audit()


@pytest.fixture
def fresh_engine(engine: Engine) -> Engine:
    """The engine; each example brings people of its own."""
    return engine


def test_a_letter_that_waited_at_the_backup_is_in_doubt_whatever_it_waited_for(engine: Engine) -> None:
    """Pending, or being handed over by a worker of then: what the books say of it is older than what may have happened."""
    engine.join("ada")
    report = engine.tick()
    backup = back_up(engine.database)
    engine.send(report)
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    restore(engine.database, backup)
    assert {"hello": "pending"} == engine.states("ada")
    assert stands_still(engine)
    answer(engine)
    assert {"hello": "uncertain"} == engine.states("ada")
    engine.run_to_the_end()
    assert dict.fromkeys(LESSONS, 1) == lessons(engine, "ada")
    assert [] == engine.audit()


def test_what_was_in_doubt_at_the_backup_stays_so(engine: Engine) -> None:
    """Its evidence is its own and is not written over."""
    engine.join("ada")
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    engine.let_it_try_again()
    backup = back_up(engine.database)
    on(engine, 1)
    restore(engine.database, backup)
    assert stands_still(engine)
    answer(engine)
    assert ["timed out"] == [one.detail for one in engine.deliveries("ada") if one.letter == "hello"]


def test_a_letter_that_asks_is_not_asked_twice(engine: Engine) -> None:
    """A confirmation that waited at the backup is in doubt too; she can still press the link in it."""
    engine.join("ada", confirmed=False)
    report = engine.tick()
    backup = back_up(engine.database)
    engine.send(report)
    engine.work()
    assert 1 == len(engine.mailer.requests)
    restore(engine.database, backup)
    assert stands_still(engine)
    answer(engine)
    engine.work()
    assert 1 == len(engine.mailer.requests)
    assert {"confirm": "uncertain"} == engine.states("ada")


def test_what_certainly_did_not_go_follows_as_any_late_letter(engine: Engine) -> None:
    """The machine died a day after the backup and was restored a week later: what fell due since then is only late."""
    engine.join("ada")
    engine.work()
    on(engine, 1)
    backup = back_up(engine.database)
    on(engine, 1)
    died = engine.now().calendar
    restore(engine.database, backup)
    engine.go_on(days=12)
    assert stands_still(engine)
    assert 0 == answer(engine, until=died).doubted
    engine.run_to_the_end()
    assert dict.fromkeys(LESSONS, 1) == lessons(engine, "ada")
    assert ["submitted"] * len(LESSONS) == list(engine.states("ada").values())
    assert [] == engine.audit()


def test_who_waits_for_nothing_stays_where_she_is(engine: Engine) -> None:
    """Paused until she says, and left: the lapse opens nothing for either."""
    engine.join("ada", "bo")
    engine.work()
    engine.pause("ada", None)
    engine.leave("bo")
    engine.tick()
    backup = back_up(engine.database)
    before = engine.person("ada"), engine.person("bo")
    on(engine, 9)
    restore(engine.database, backup)
    assert stands_still(engine)
    assert 0 == answer(engine).doubted
    assert before == (engine.person("ada"), engine.person("bo"))


def test_a_hint_from_before_the_restore_hands_nothing_over(engine: Engine) -> None:
    """Redis may still hold hints of the time that the books lost; a worker asks the books whether they are whole first."""
    engine.join("ada")
    report = engine.tick()
    hints = report.hints
    backup = back_up(engine.database)
    engine.send(report)
    engine.work()
    restore(engine.database, backup)
    assert [0] == [engine.sender.send(hint) for hint in hints]
    assert stands_still(engine)
    assert [0] == [engine.sender.send(hint) for hint in hints]
    assert 1 == len(engine.mailer.requests)


def test_a_run_that_broke_off_goes_on_with_the_same_lapse(engine: Engine) -> None:
    """Whoever gives the command again later does not doubt what fell due in between."""
    engine.join("ada")
    engine.work()
    on(engine, 1)
    backup = back_up(engine.database)
    on(engine, 1)
    restore(engine.database, backup)
    assert stands_still(engine)
    until = engine.now().calendar
    with engine.database.write() as connection:
        found = restores.standstill(connection)
        assert found is not None
        restores.stand_still(connection, found._replace(until=until), engine.now())
    engine.go_on(days=14)
    assert until == restoring.expected(engine.database, since=None, until=None).until
    assert 0 == answer(engine).doubted


def test_it_can_be_restored_once_more(engine: Engine) -> None:
    """The same old backup a second time, after the first was answered for: noticed as well, on every host."""
    engine.join("ada")
    engine.work()
    on(engine, 1)
    backup = back_up(engine.database)
    for _ in range(2):
        on(engine, 4)
        restore(engine.database, backup)
        assert stands_still(engine)
        answer(engine)
        assert not stands_still(engine)
    engine.run_to_the_end()
    assert {1} == set(lessons(engine, "ada").values())
    assert [] == engine.audit()


def test_nothing_is_answered_for_where_a_worker_is_at_work(engine: Engine) -> None:
    """By mistake it would put today's letters in doubt."""
    engine.join("ada")
    with pytest.raises(NothingRan):
        answer(engine)
    engine.work()
    with pytest.raises(AtWork):
        answer(engine)
    assert not stands_still(engine)


def test_a_time_that_ends_before_it_begins_is_refused(engine: Engine) -> None:
    """And one that ends in the future; nothing is changed by either."""
    engine.join("ada")
    engine.work()
    backup = back_up(engine.database)
    on(engine, 1)
    restore(engine.database, backup)
    assert stands_still(engine)
    for days in (-30, 1):
        with pytest.raises(UsageError):
            answer(engine, until=engine.now().calendar + timedelta(days=days))
    assert stands_still(engine)


# What is noticed ----------------------------------------------------------------------------------------------------


def aged(database: Database, by: timedelta) -> None:
    """Let the last tick be as long ago as *by*."""
    with database.write() as connection:
        connection.execute(beats.update().values(machine_at=stamps.now_in(connection).machine - by))


@pytest.mark.parametrize(
    ("door", "hours", "strange"),
    [(REAL, 2, True), (REAL, 0.5, False), (SANDBOX, 2, False)],
    ids=["real", "a short stop", "sandbox"],
)
def test_a_host_that_never_saw_a_real_database_asks(
    engine: Engine, tmp_path: Path, door: str, hours: float, *, strange: bool
) -> None:
    """A new machine after the old one died: only an operator knows whether its database is the last one, or a backup."""
    engine.tick()
    aged(engine.database, timedelta(hours=hours))
    memory = restores.Memory(tmp_path / "elsewhere", door)
    with engine.database.read() as connection:
        assert (restores.NEVER_SEEN if strange else "") == memory.doubts(connection, stamps.now_in(connection).machine)


def test_a_machine_that_was_off_for_long_goes_on_by_itself(engine: Engine) -> None:
    """It remembers the database as it left it, so what fell due meanwhile is late and nothing else."""
    engine.tick()
    aged(engine.database, timedelta(days=30))
    assert not stands_still(engine)


def test_another_database_in_the_same_folder_is_not_compared(engine: Engine) -> None:
    """A file that remembers one database says nothing of another."""
    for _ in range(3):
        engine.tick()
    with engine.database.write() as connection:
        connection.execute(sa.text("UPDATE stamp SET born_at = '2020-01-01 00:00:00.000000'"))
        connection.execute(beats.update().where(beats.c.name == restores.COUNT).values(detail="0 1"))
    assert not stands_still(engine)


def test_a_file_that_cannot_be_read_is_no_memory(engine: Engine) -> None:
    """Broken by a full disk, it is written anew with the next tick."""
    engine.tick()
    path = engine.deployment.settings.state / "seen"
    whole = path.read_text("ascii")
    for broken in ("", "{", '{"born": "x", "count": "y"}', "[]"):
        path.write_text(broken, encoding="ascii")
        assert not stands_still(engine)
        assert len(whole) == len(path.read_text("ascii"))


def test_ticks_of_the_same_moment_are_counted_one_by_one(engine: Engine) -> None:
    """The count only ever rises, so that no host is ever ahead of the database."""
    for number in range(1, 4):
        engine.tick()
        with engine.database.read() as connection:
            assert restores.Count(0, number) == restores.counted(connection)


def test_releasing_does_not_answer_for_a_restore(engine: Engine) -> None:
    """A tired press of another switch sends nobody a letter twice."""
    engine.join("ada")
    engine.work()
    backup = back_up(engine.database)
    on(engine, 1)
    restore(engine.database, backup)
    assert stands_still(engine)
    holding.release(engine.database, None)
    assert stands_still(engine)
