"""The daily pass: whoever left, finished or never confirmed is forgotten when she was told, and nobody sooner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from drip.clock import Now
from drip.core.enrollment import Stage
from drip.flows import enrolling, forgetting, listening, reporting, unsubscribing
from drip.mail import directory
from drip.store import enrollments, retention, stamps, subscribers, tables
from tests.conftest import Prepare
from tests.course import SCHEDULE
from tests.engine import Engine, engine_on
from tests.flows.test_forgetting import hers, knows, numbered, register, report, traces
from tests.flows.test_races import at_once

KEPT = "    retention: {left: 10 days, finished: 20 days}\n    phases:"


def day(engine: Engine) -> None:
    """Let the daily pass be done."""
    while not forgetting.pass_over(engine.database, engine.library):
        pass


def after(engine: Engine, name: str, days: int) -> None:
    """Go to so many days after the end of somebody's run, at the same instant of the day, and do the pass."""
    ended_at = engine.person(name).ended_at
    assert ended_at is not None
    engine.go_to(ended_at + timedelta(days=days))
    day(engine)


def change(engine: Engine, name: str, **values: object) -> None:
    """Write columns of somebody's enrollment."""
    with engine.database.write() as connection:
        enrollments.change(connection, engine.person(name).id, values)


def finish(engine: Engine, *names: str) -> None:
    """Let people have every letter."""
    engine.join(*names)
    engine.run_to_the_end()
    assert {Stage.FINISHED} == {Stage(engine.person(name).state) for name in names}


def test_who_left_is_forgotten_after_thirty_days(engine: Engine) -> None:
    """Until the end of the last day on which she may undo she is kept, then her rows go; the register knows her still."""
    engine.join("ada", "bea")
    engine.work()
    report(engine, "delivered", delivery=engine.deliveries("ada")[0].public_id)
    words, subscriber_id = hers(engine, "ada"), engine.person("ada").subscriber_id
    engine.leave("ada")
    until = unsubscribing.undo_until(engine.person("ada"), engine.library.course(1, "small").course)
    after(engine, "ada", 30)
    assert knows(engine, "ada")
    after(engine, "ada", 31)
    assert until is not None
    assert engine.now().calendar.date() > until
    assert [] == traces(engine, words)
    assert [] == numbered(engine, subscriber_id)
    assert [("small", "left", "")] == register(engine)
    assert knows(engine, "bea")
    assert {"left": 1} == reporting.report(engine.database)["forgotten"]
    engine.assert_sound()


def test_who_left_may_undo_to_the_last_minute_she_was_told(engine: Engine) -> None:
    """The page names a day, so the whole of that day counts, whatever the daily pass did on it."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    until = unsubscribing.undo_until(engine.person("ada"), engine.library.course(1, "small").course)
    assert until is not None
    engine.go_to(engine.now().calendar.replace(year=until.year, month=until.month, day=until.day, hour=22, minute=55))
    day(engine)
    assert engine.undo("ada")
    assert "active" == engine.person("ada").state


def test_undo_is_not_promised_for_longer_than_she_is_kept(prepare: Prepare) -> None:
    """A course that keeps people for ten days lets them undo for ten."""
    with engine_on(prepare(schedule=SCHEDULE.replace("    phases:", KEPT, 1))) as engine:
        course = engine.library.course(1, "small").course
        engine.join("ada", "bea")
        engine.leave("ada")
        person = engine.person("ada")
        assert person.ended_at is not None
        assert 10 == unsubscribing.undo_days(course)
        assert (person.ended_at + timedelta(days=10)).date() == unsubscribing.undo_until(person, course)
        assert None is unsubscribing.undo_until(engine.person("bea"), course)
        after(engine, "ada", 10)
        assert knows(engine, "ada")
        after(engine, "ada", 11)
        assert not knows(engine, "ada")


def test_a_clearing_that_the_provider_still_refuses_goes_with_her(prepare: Prepare) -> None:
    """She left, came back while the provider was down, left again and is forgotten: nothing holds her address any more."""
    with engine_on(prepare(schedule=SCHEDULE.replace("    phases:", KEPT, 1))) as engine:
        engine.directory.script = [directory.NotNow("down")] * 9
        engine.join("ada")
        engine.work()
        engine.leave("ada")
        engine.undo("ada")
        engine.chores()
        assert 1 == _clearings(engine)
        change(engine, "ada", state=Stage.LEFT.value, ended_at=engine.now().calendar)
        after(engine, "ada", 11)
        assert not knows(engine, "ada")
        assert 0 == _clearings(engine)


def _clearings(engine: Engine) -> int:
    with engine.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.chores)).scalar_one()


def test_who_finished_is_kept_as_long_as_her_last_letter_says(engine: Engine) -> None:
    """Ninety days, or for good when she wants her page kept; nothing in the register keeps her from coming again."""
    finish(engine, "ada", "bea")
    change(engine, "bea", keep=True)
    words = hers(engine, "ada")
    after(engine, "ada", 90)
    assert knows(engine, "ada")
    after(engine, "ada", 91)
    assert [] == traces(engine, words)
    assert [] == register(engine)
    assert knows(engine, "bea")
    assert {"finished": 1} == reporting.report(engine.database)["forgotten"]
    engine.assert_sound()


def test_who_bounced_is_forgotten_like_who_left(engine: Engine) -> None:
    """The address stays in the register, as a keyed hash with its reason."""
    engine.join("ada")
    engine.work()
    report(engine, "bounce", delivery=engine.deliveries("ada")[0].public_id)
    listening.work(engine.database, engine.library)
    after(engine, "ada", 30)
    assert knows(engine, "ada")
    after(engine, "ada", 31)
    assert not knows(engine, "ada")
    assert [("", "hard-bounce", "")] == register(engine)
    engine.assert_sound()


def test_a_sign_up_that_nobody_confirmed_goes_after_sixty_days(engine: Engine) -> None:
    """Counted from when it was last asked for, and by the calendar, however far the sandbox moved it."""
    engine.join("ada", confirmed=False)
    engine.work()
    engine.go_on(days=50)
    day(engine)
    engine.join("ada", "bea", confirmed=False)
    engine.work()
    for days in (50, 10):
        engine.go_on(days=days)
        day(engine)
        assert knows(engine, "ada")
        assert knows(engine, "bea")
    engine.go_on(days=2)
    day(engine)
    assert not knows(engine, "ada")
    assert not knows(engine, "bea")
    assert {"pending": 2} == reporting.report(engine.database)["forgotten"]
    engine.assert_sound()


def test_who_left_and_asks_again_keeps_the_link_she_was_mailed(engine: Engine) -> None:
    """A confirmation that may still be pressed keeps her rows, though her time as one who left is over."""
    engine.join("ada")
    engine.leave("ada")
    engine.go_on(days=29)
    engine.join("ada", confirmed=False)
    engine.work()
    engine.go_on(days=20)
    day(engine)
    assert enrolling.confirm(engine.database, engine.library, engine.person("ada").public_id, source="test")
    assert "active" == engine.person("ada").state


def test_a_stranger_cannot_put_off_that_she_is_forgotten(engine: Engine) -> None:
    """Somebody types her address into the form again and again after she left: thirty days more, and she is gone."""
    engine.join("ada")
    engine.leave("ada")
    for _ in range(4):
        engine.go_on(days=20)
        if not knows(engine, "ada"):
            break
        engine.join("ada", confirmed=False)
        engine.work()
        day(engine)
    assert not knows(engine, "ada")


def test_one_course_of_two_is_forgotten_and_the_person_stays(prepare: Prepare) -> None:
    """Who left one course and is on another keeps her row, her name and that other course, and nothing of the first."""
    body = SCHEDULE.removeprefix("courses:\n")
    with engine_on(prepare(schedule=SCHEDULE + body.replace("  small:", "  other:", 1))) as engine:
        engine.join("ada", course="small")
        engine.join("ada", course="other")
        engine.work()
        with engine.database.read() as connection:
            key = engine.deployment.suppression_key
            assert key
            (subscriber_id,) = connection.execute(sa.select(tables.subscribers.c.id)).scalars()
            runs = {one.course: one for one in enrollments.find_for(connection, subscriber_id)}
        unsubscribing.leave(engine.database, engine.library, runs["small"].public_id, source="test", wait_seconds=1.0)
        engine.go_on(days=32)
        engine.work()
        day(engine)
        with engine.database.read() as connection:
            left = [one.course for one in enrollments.find_for(connection, subscriber_id)]
            person = subscribers.find(connection, subscriber_id)
            courses = {
                table.name: sorted(set(connection.execute(sa.select(table.c.course)).scalars()))
                for table in (tables.consents, tables.deliveries)
            }
        assert ["other"] == left
        assert person is not None
        assert "ada@example.net" == person.address
        assert {"consents": ["other"], "deliveries": ["other"]} == courses
        assert [] == engine.audit()


def test_the_pass_is_done_once_a_day_by_any_number_of_hands(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five at once forget everybody once, in pages; later on that day nobody looks again."""
    monkeypatch.setattr(forgetting, "PAGE", 3)
    names = [f"p{number}" for number in range(20)]
    engine.join(*names)
    for name in names:
        engine.leave(name)
    engine.go_on(days=32)
    results = at_once(5, lambda: day(engine))
    assert [None] * 5 == results
    assert {"left": 20} == reporting.report(engine.database)["forgotten"]
    assert not any(knows(engine, name) for name in names)
    with engine.database.read() as connection:
        last = stamps.last_beat(connection, forgetting.BEAT)
    assert last is not None
    assert engine.now().calendar.date() == last.calendar_at.date()
    engine.assert_sound()


def test_a_pass_that_runs_out_of_time_is_gone_on_with(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look does a page at least; the end of the pass is remembered only when it came."""
    monkeypatch.setattr(forgetting, "PAGE", 2)
    names = ["ada", "bea", "cyn", "dee", "eve"]
    engine.join(*names)
    for name in names:
        engine.leave(name)
    engine.go_on(days=32)
    looks = 0
    while not forgetting.pass_over(engine.database, engine.library, seconds_max=0.0):
        looks += 1
        assert 10 > looks
    assert 3 == looks
    assert {"left": 5} == reporting.report(engine.database)["forgotten"]
    before = engine.now().calendar.date().isoformat()
    assert reporting.status(engine.database, door=engine.door)["last_forgotten"].startswith(before)


def test_who_is_back_between_the_look_and_the_lock_is_not_forgotten(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is looked at again under lock."""
    finish(engine, "ada")
    ended_at = engine.person("ada").ended_at
    assert ended_at is not None
    engine.go_to(ended_at + timedelta(days=91))
    page = retention.page

    def slowly(*arguments: Any, **named: Any) -> list[tuple[int, int]]:  # noqa: ANN401 - whatever `page` takes
        found = page(*arguments, **named)
        change(engine, "ada", keep=True)
        return found

    monkeypatch.setattr(retention, "page", slowly)
    day(engine)
    assert knows(engine, "ada")
    assert {} == reporting.report(engine.database)["forgotten"]


def test_what_is_old_besides_people_goes_too(engine: Engine) -> None:
    """Forms after a week, new addresses after their days, reports that were worked off after thirty days."""
    engine.join("ada")
    engine.work()
    person, now = engine.person("ada"), engine.now().machine
    for kind in ("processed", "delivered"):
        report(engine, kind, delivery=engine.deliveries("ada")[0].public_id)
    wish = {"kind": "join", "course": "small"}
    new = {"subscriber_id": person.subscriber_id, "enrollment_id": person.id, "address_key": "k"}
    with engine.database.write() as connection:
        for address, age in (("old@example.net", 169), ("new@example.net", 167)):
            connection.execute(tables.wishes.insert().values(**wish, address=address, at=now - timedelta(hours=age)))
        for address, age in (("old@example.net", 97), ("new@example.net", 95)):
            row = {**new, "public_id": address, "address": address, "asked_at": now - timedelta(hours=age)}
            connection.execute(tables.address_changes.insert().values(**row))
        worked = now - timedelta(days=31)
        first = sa.select(sa.func.min(tables.events.c.id)).scalar_subquery()
        connection.execute(tables.events.update().where(tables.events.c.id == first).values(worked_at=worked))
    day(engine)
    assert [] == traces(engine, ["old@example.net"])
    assert ["address_changes.address", "address_changes.public_id", "wishes.address"] == sorted(
        trace.partition(":")[0] for trace in traces(engine, ["new@example.net"])
    )
    with engine.database.read() as connection:
        kinds = list(connection.execute(sa.select(tables.events.c.kind)).scalars())
    assert ["delivered"] == kinds


def test_a_demo_forgets_nobody(engine: Engine) -> None:
    """Once told to keep everybody, no day of the calendar brings a pass."""
    engine.join("ada")
    engine.leave("ada")
    forgetting.keep_everybody(engine.database)
    after(engine, "ada", 400)
    assert knows(engine, "ada")


def test_a_demo_forgets_nobody_though_a_pass_was_under_way(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that had begun before the demo said so takes nothing back when it ends."""
    engine.join("ada")
    engine.leave("ada")
    tidy = retention.tidy

    def late(connection: sa.Connection, now: Now, limit: int) -> bool:
        monkeypatch.undo()
        stamps.beat(connection, forgetting.BEAT, replace(now, calendar=now.calendar.replace(year=9999)), "everybody is kept")
        return tidy(connection, now, limit)

    monkeypatch.setattr(retention, "tidy", late)
    day(engine)
    after(engine, "ada", 400)
    assert knows(engine, "ada")
