"""The tick: what is due is opened once, in its window, whoever else is troubled; and it stops when the clock is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from drip import clock
from drip.flows import holding, reporting
from drip.flows.ticking import ClockJumped, Ticker
from drip.store import enrollments, stamps, versions
from drip.store.tables import batches, deliveries, senders
from drip.store.tables import enrollments as enrollment_table
from tests.conftest import Prepare
from tests.course import SCHEDULE
from tests.engine import Engine, engine_on


def change(engine: Engine, name: str, **values: object) -> None:
    """Write into an enrollment as nobody else would."""
    with engine.database.write() as connection:
        enrollments.change(connection, engine.person(name).id, values)


def test_a_letter_is_opened_inside_her_window_and_not_before(engine: Engine) -> None:
    """A second before nine nothing is due; at nine it goes."""
    engine.join("ada")
    engine.work()
    due = engine.person("ada").next_due_at
    assert due is not None
    engine.go_to(due - timedelta(seconds=60))
    assert 0 == engine.tick().opened
    engine.go_to(due)
    assert 1 == engine.tick().opened


@pytest.mark.parametrize(("late_days", "expected_days"), [(0.5, 1), (1, 1), (2, 2), (2.5, 7), (6, 7), (9, 14)])
def test_a_letter_that_was_missed_follows(engine: Engine, late_days: float, expected_days: int) -> None:
    """After an outage it follows within two days, and after that on her next own day."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    meant_on = engine.person("ada").next_meant_on
    assert meant_on is not None
    engine.mailer.requests.clear()
    engine.go_on(days=late_days)
    while not engine.subjects("ada"):
        engine.work()
        moment = engine.next_moment()
        assert moment is not None
        if not engine.subjects("ada"):
            engine.go_to(moment)
    went_on = engine.deliveries("ada")[-1].went_on
    assert went_on is not None
    assert expected_days == (went_on - meant_on).days
    engine.assert_sound()


def test_an_open_letter_whose_window_closed_follows_too(engine: Engine) -> None:
    """It was opened and nobody sent it: it gets another date, and is not opened twice."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.tick()
    engine.go_on(hours=12)
    engine.tick()
    assert ("pending", "window-closed") == engine.state_of("ada")
    engine.go_on(hours=13)
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_page_is_bounded_and_nobody_is_left_behind(engine: Engine) -> None:
    """A small page opens so many and says that there is more."""
    engine.ticker = Ticker(engine.database, engine.library, door=engine.door, batch_max=500, page=3)
    engine.join(*[f"p{number}" for number in range(7)])
    reports = [engine.tick() for _ in range(3)]
    assert [3, 3, 1] == [report.opened for report in reports]
    assert [True, True, False] == [report.more for report in reports]
    for report in reports:
        engine.send(report)
    assert 7 == len(engine.mailer.accepted)


def test_a_held_course_waits_and_goes_on(engine: Engine) -> None:
    """While it is held nothing is opened or sent; after the release people go on in their next window."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    holding.hold(engine.database, "small", "a mistake")
    assert [] == engine.tick().hints
    engine.go_on(days=9)
    assert (0, 0) == (engine.tick().opened, engine.tick().moved)
    holding.release(engine.database, "small")
    engine.mailer.requests.clear()
    engine.run_to_the_end()
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_held_lesson_waits_and_others_do_not(engine: Engine) -> None:
    """People at other lessons get theirs."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    with engine.database.write() as connection:
        versions.hold_lesson(connection, "small", "breathe", version_id=1, reason="refused", detail="", now=clock.machine_now())
    engine.join("bea")
    engine.work()
    assert ["hello"] == engine.subjects("bea")
    assert ["hello"] == engine.subjects("ada")
    assert ["breathe"] == [row["letter"] for row in reporting.status(engine.database, door=engine.door)["held_lessons"]]
    holding.release(engine.database, None)
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada") == engine.subjects("bea")
    engine.assert_sound()


def test_a_hint_that_was_lost_comes_again_after_ten_seconds(engine: Engine) -> None:
    """Not before, and then twice as late each time."""
    engine.join("ada")
    (hint,) = engine.tick().hints

    def back(seconds: float) -> None:
        with engine.database.write() as connection:
            connection.execute(sa.update(senders).values(since=clock.machine_now() - timedelta(hours=1)))
            connection.execute(sa.update(batches).values(published_at=clock.machine_now() - timedelta(seconds=seconds)))

    for seconds, expected in [(8, []), (11, [hint]), (15, []), (21, [hint])]:
        back(seconds)
        assert expected == engine.tick().hints
    engine.sender.send(hint)
    back(9999)
    assert [] == engine.tick().hints


def test_an_unknown_zone_blocks_nobody(engine: Engine) -> None:
    """Her letters follow the course's zone, everybody else's their own."""
    engine.join("ada", "bea")
    change(engine, "ada", zone="Mars/Olympus")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada") == engine.subjects("bea")
    engine.assert_sound()


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_jumps_stops_the_tick(engine: Engine, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """An hour off, and nothing is opened, moved or recorded; once it is right again all goes on."""
    engine.tick()
    engine.join("ada")
    now = clock.machine_now
    with monkeypatch.context() as patched:
        patched.setattr(clock, "machine_now", lambda: now() + timedelta(hours=hours))
        with pytest.raises(ClockJumped):
            engine.tick()
    assert [] == engine.deliveries("ada")
    engine.work()
    assert ["hello"] == engine.subjects("ada")


def test_another_process_sees_a_clock_that_went_back(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last heartbeat lies in its future."""
    engine.tick()
    now = clock.machine_now
    monkeypatch.setattr(clock, "machine_now", lambda: now() - timedelta(hours=2))
    with pytest.raises(ClockJumped):
        engine.deployment.ticker().tick()


def test_whoever_had_her_next_lesson_goes_on(engine: Engine) -> None:
    """A cursor that points at a letter she had moves to the next one, and opens no second copy."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    change(engine, "ada", next_lesson="breathe")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_whoever_waits_for_a_removed_lesson_goes_on(engine: Engine) -> None:
    """A cursor that points nowhere moves to the next lesson after her place."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    change(engine, "ada", next_lesson="gone")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_the_tick_writes_its_heart_down(engine: Engine) -> None:
    """Others see that it lives."""
    engine.tick()
    with engine.database.read() as connection:
        beat = stamps.last_beat(connection, "tick")
    assert beat is not None
    assert abs((beat.machine_at - clock.machine_now()).total_seconds()) < 10


def test_a_whole_course_with_the_real_letters(prepare: Prepare) -> None:
    """The Roadmap itself, for somebody in a zone far away."""
    with engine_on(prepare(roadmap=True)) as engine:
        engine.join("ada", timezone="Pacific/Apia")
        engine.run_to_the_end()
        course = engine.library.course(1, "roadmap").course
        assert [lesson.id for lesson in course.sequence] == [one.letter for one in engine.deliveries("ada")]
        engine.assert_sound()


# The audit -----------------------------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[Callable[[Engine], sa.Executable], str]] = {
    "a delivery is lost": (lambda _: sa.delete(deliveries).where(deliveries.c.letter == "hello"), "fell due"),
    "an unknown state": (
        lambda _: sa.update(deliveries).where(deliveries.c.letter == "hello").values(state="odd"),
        "nobody knows",
    ),
    "two futures": (
        lambda engine: sa.update(enrollment_table).values(next_due_at=engine.now().calendar),
        "is active and has 2",
    ),
    "no future": (lambda _: sa.update(enrollment_table).values(open_delivery=None), "is active and has 0"),
    "an orphan": (lambda _: sa.update(enrollment_table).values(open_delivery=None), "nobody waits for it"),
    "waits for what is over": (lambda _: sa.update(deliveries).values(state="submitted"), "waits for a letter that is not open"),
    "a date after the end": (
        lambda engine: sa.update(enrollment_table).values(state="left", next_due_at=engine.now().calendar),
        "still has a date",
    ),
    "a lesson skipped": (lambda _: sa.update(enrollment_table).values(place="rest"), "never had it"),
    "waits for nothing": (
        lambda _: sa.update(deliveries).where(deliveries.c.state == "pending").values(not_before=None),
        "waits",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_audit_finds_a_planted_fault(engine: Engine, fault: str) -> None:
    """Books that do not agree are told in a sentence."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.tick()
    assert [] == engine.audit()
    plant, words = FAULTS[fault]
    with engine.database.write() as connection:
        connection.execute(plant(engine))
    assert [sentence for sentence in engine.audit() if words in sentence]


def test_the_small_course_is_what_the_tests_say() -> None:
    """The lessons that other tests name stand in the schedule in this order."""
    found = [SCHEDULE.index(f"id: {name},") for name in ("hello", "breathe", "walk", "rest", "goodbye", "encore")]
    assert sorted(found) == found
