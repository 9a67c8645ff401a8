"""Erasing somebody at every moment, killed between any two steps, and at full speed: nothing of her is left."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
import sqlalchemy as sa

from drip.core.address import address_key
from drip.core.delivery import Submitted, Unknown
from drip.core.progress import LiveCourse
from drip.core.token import MY
from drip.flows import asking, enrolling, forgetting, listening, reporting, unsubscribing
from drip.mail.directory import Declined, NotNow, Reply, Told
from drip.store import chores, subscribers
from drip.store.tables import chores as chore_table
from drip.store.tables import deliveries as delivery_table
from drip.store.tables import metadata, suppressions
from drip.store.wishes import SIGN_UP, Wish
from tests.course import LESSONS
from tests.engine import Engine
from tests.faulty import Points
from tests.flows.harness import Crowd
from tests.flows.test_leaving import MOMENTS, at_moment

if TYPE_CHECKING:
    from drip.mail.library import Library

STEPS = ("begun", "quiet", "reports", "deleted")


class Killed(BaseException):
    """What a process that was killed at a named point would never have raised."""


def kill_at(step: str) -> Callable[[str], None]:
    """Return what ends the work at a named point."""

    def at(point: str) -> None:
        if point == step:
            raise Killed

    return at


def hers(engine: Engine, name: str) -> list[str]:
    """Return everything by which *name* is known: her address, name, links and the ids of her letters."""
    person = engine.person(name)
    ids = [one.public_id for one in engine.deliveries(name)]
    return [f"{name}@example.net", name.capitalize(), person.public_id, engine.deployment.tokens.sign(MY, person.public_id), *ids]


def traces(engine: Engine, words: list[str]) -> list[str]:
    """Return every column of every table that holds one of *words*."""
    found = []
    with engine.database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                for column, value in row.items():
                    found += [f"{table.name}.{column}: {word}" for word in words if word in str(value)]
    return found


def numbered(engine: Engine, subscriber_id: int) -> list[str]:
    """Return every table that still names a subscriber by her number."""
    found = []
    with engine.database.read() as connection:
        for table in metadata.sorted_tables:
            if "subscriber_id" in table.c:
                count = connection.execute(
                    sa.select(sa.func.count()).select_from(table).where(table.c.subscriber_id == subscriber_id)
                ).scalar()
                found += [table.name] if count else []
        row = subscribers.find(connection, subscriber_id)
    return found + ([] if row is None else ["subscribers"])


def register(engine: Engine) -> list[tuple[str, str, str]]:
    """Return what the register holds: course, reason and note."""
    with engine.database.read() as connection:
        rows = connection.execute(sa.select(suppressions.c.course, suppressions.c.reason, suppressions.c.note))
        return [(row.course, row.reason, row.note) for row in rows]


def report(engine: Engine, kind: str, *, delivery: str = "", address: str = "ada@example.net") -> None:
    """Receive one report of the provider."""
    event = {"event": kind, "type": "bounce", "timestamp": 1_800_000_000, "email": address}
    body = json.dumps([event | ({"drip_delivery": delivery} if delivery else {})]).encode()
    listening.receive(engine.database, body, suppression_key=engine.deployment.suppression_key)


@pytest.mark.parametrize("moment", MOMENTS)
def test_erasing_is_final_at_every_moment(engine: Engine, moment: str) -> None:
    """Only a letter under way at that moment still goes, and then the erasure is not acknowledged yet."""
    known: list[str] = []
    done: list[forgetting.Erasing] = []

    def erase() -> None:
        known.extend([str(engine.person("ada").subscriber_id), *hers(engine, "ada")])
        done.append(engine.erase("ada", wait_seconds=0.1))

    at_moment(engine, moment, erase)
    assert [forgetting.Erasing(known=True, acknowledged=moment != "submitting")] == done
    before = len(engine.mailer.requests)
    engine.go_on(days=60)
    engine.work()
    assert before == len(engine.mailer.requests)
    assert ["ada@example.net"] == engine.directory.erased
    subscriber_id, *words = known
    assert [] == traces(engine, words)
    assert [] == numbered(engine, int(subscriber_id))
    assert [("", "erased", "")] == register(engine)
    engine.assert_sound()


@pytest.mark.parametrize("step", STEPS)
def test_what_was_killed_half_way_is_finished_by_the_next(engine: Engine, step: str) -> None:
    """Whoever dies between two steps leaves everything to the worker that looks next, and nothing goes out meanwhile."""
    engine.join("ada", "bea")
    engine.work()
    report(engine, "delivered", delivery=engine.deliveries("ada")[0].public_id)
    words, subscriber_id = hers(engine, "ada"), engine.person("ada").subscriber_id
    with pytest.raises(Killed):
        engine.erase("ada", at=kill_at(step))
    engine.mailer.requests.clear()
    engine.run_to_the_end()
    assert {"bea"} == {name for name, _ in engine.mailer.reached}
    assert [] == traces(engine, words)
    assert [] == numbered(engine, subscriber_id)
    assert ["ada@example.net"] == engine.directory.erased
    assert {"erased": 1} == reporting.report(engine.database)["forgotten"]
    engine.assert_sound()


@pytest.mark.parametrize("step", [*STEPS[1:], "taken", "told"])
def test_a_worker_killed_half_way_is_finished_by_the_next(engine: Engine, step: str) -> None:
    """The worker's own steps can be cut anywhere too; the provider may be told twice, and never not at all."""
    engine.join("ada")
    engine.work()
    words = hers(engine, "ada")
    with pytest.raises(Killed):
        engine.erase("ada", at=kill_at("begun"))
    with pytest.raises(Killed):
        forgetting.work(engine.database, engine.library, engine.directory, at=kill_at(step))
    wait_no_longer(engine)
    engine.chores()
    assert {"ada@example.net"} == set(engine.directory.erased)
    assert [] == traces(engine, words)
    engine.assert_sound()


def wait_no_longer(engine: Engine) -> None:
    """Make the time of every chore come."""
    with engine.database.write() as connection:
        connection.execute(chore_table.update().values(not_before=engine.now().machine - timedelta(seconds=1)))


def test_erasing_twice_is_erasing_once(engine: Engine) -> None:
    """The second press, and a leave after it, find nobody and are calm about it."""
    engine.join("ada")
    link = engine.person("ada").public_id
    engine.erase("ada")
    again = forgetting.erase(engine.database, engine.library, link, source="test", wait_seconds=0.0)
    assert forgetting.Erasing(known=False, acknowledged=True) == again
    left = unsubscribing.leave(engine.database, engine.library, link, source="test", wait_seconds=0.0)
    assert unsubscribing.Leaving(known=False, acknowledged=True) == left
    assert not unsubscribing.undo(engine.database, engine.library, link, source="test")
    assert not enrolling.confirm(engine.database, engine.library, link, source="test")


def test_a_leave_during_an_erasure_says_what_is_true_of_her_letters(engine: Engine) -> None:
    """While one is still under way, neither press is acknowledged."""
    answers: list[object] = []
    link: list[str] = []

    def meanwhile() -> None:
        link.append(engine.person("ada").public_id)
        answers.append(engine.erase("ada", wait_seconds=0.0).acknowledged)
        left = unsubscribing.leave(engine.database, engine.library, link[0], source="test", wait_seconds=0.0)
        answers.append(left.acknowledged)

    at_moment(engine, "submitting", meanwhile)
    assert [False, False] == answers
    left = unsubscribing.leave(engine.database, engine.library, link[0], source="test", wait_seconds=0.0)
    assert unsubscribing.Leaving(known=False, acknowledged=True) == left


def test_an_erasure_waits_for_the_letter_under_way(engine: Engine) -> None:
    """It is acknowledged once the result is recorded, and then her rows are gone."""
    engine.join("ada")
    subscriber_id = engine.person("ada").subscriber_id
    hints = engine.tick()
    done: list[tuple[bool, list[str]]] = []

    def erase() -> None:
        acknowledged = engine.erase("ada", wait_seconds=10).acknowledged
        done.append((acknowledged, numbered(engine, subscriber_id)))

    thread = threading.Thread(target=erase)

    def meanwhile(_: object) -> Submitted:
        thread.start()
        thread.join(timeout=0.4)
        assert thread.is_alive()
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.send(hints)
    thread.join()
    assert [(True, [])] == done
    engine.assert_sound()


def test_a_letter_in_doubt_is_forgotten_with_her(engine: Engine) -> None:
    """Uncertain or not, the row goes; a report that comes later finds nothing and leaves nothing."""
    engine.join("ada")
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    (delivery,) = engine.deliveries("ada")
    engine.erase("ada")
    report(engine, "delivered", delivery=delivery.public_id)
    listening.work(engine.database, engine.library)
    assert [] == traces(engine, [delivery.public_id])
    engine.assert_sound()


@pytest.mark.parametrize("kind", ["delivered", "bounce", "spamreport", "unsubscribe"])
@pytest.mark.parametrize("named", ["by our id", "by her address"])
def test_late_reports_of_an_erased_person_are_harmless_and_not_kept(engine: Engine, kind: str, named: str) -> None:
    """Before she is gone or after, worked off before or after: nothing but the row of the register is left."""
    engine.join("ada")
    engine.work()
    (delivery,) = engine.deliveries("ada")
    name = delivery.public_id if named == "by our id" else ""
    report(engine, "processed", delivery=name)
    listening.work(engine.database, engine.library)
    report(engine, "deferred", delivery=name)
    engine.erase("ada")
    report(engine, kind, delivery=name)
    listening.work(engine.database, engine.library)
    engine.work()
    with engine.database.read() as connection:
        kept = connection.execute(sa.text("SELECT count(*) FROM events")).scalar()
    assert 0 == kept
    assert [("", "erased", "")] == register(engine)


def test_a_stronger_reason_in_the_register_outlives_the_erasure(engine: Engine) -> None:
    """Who complained and is then erased does not come back by a form; the course is not told any more."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    report(engine, "spamreport", delivery=engine.deliveries("ada")[0].public_id)
    listening.work(engine.database, engine.library)
    engine.erase("ada")
    assert [("", "complaint", "")] == register(engine)


def test_only_she_can_come_back_and_as_somebody_new(engine: Engine) -> None:
    """An operator's --confirmed is refused; asked by a letter, she confirms and begins, and nothing knows of before."""
    engine.join("ada")
    engine.work()
    before = engine.person("ada")
    engine.erase("ada")
    engine.chores()
    engine.join("ada")
    assert not knows(engine, "ada")
    engine.mailer.requests.clear()
    engine.join("ada", confirmed=False)
    engine.work()
    assert [("ada", "About your letters")] == engine.mailer.reached
    person = engine.person("ada")
    assert before.public_id != person.public_id
    assert enrolling.confirm(engine.database, engine.library, person.public_id, source="test")
    assert [] == register(engine)
    engine.run_to_the_end()
    assert 1 == engine.person("ada").run
    assert list(LESSONS) == engine.subjects("ada")[-len(LESSONS) :]
    engine.assert_sound()


def knows(engine: Engine, name: str) -> bool:
    """Whether there is a subscriber called so."""
    with engine.database.read() as connection:
        addresses = connection.execute(sa.text("SELECT address FROM subscribers")).scalars()
        return f"{name}@example.net" in list(addresses)


def test_who_signs_up_again_while_she_is_being_erased_is_somebody_new(engine: Engine) -> None:
    """The worker that finishes the erasure takes nothing of the new sign-up."""
    engine.join("ada")
    engine.work()
    with pytest.raises(Killed):
        engine.erase("ada", at=kill_at("begun"))
    engine.join("ada", confirmed=False)
    fresh = engine.person("ada")
    engine.work()
    assert fresh.public_id == engine.person("ada").public_id
    assert "asked" == engine.person("ada").state
    with pytest.raises(Killed):
        engine.erase("ada", at=kill_at("begun"))
    engine.join("ada", confirmed=False)
    with pytest.raises(Killed):
        engine.erase("ada", at=kill_at("begun"))
    engine.work()
    assert [] == traces(engine, ["ada@"])
    assert {"erased": 3} == reporting.report(engine.database)["forgotten"]
    engine.assert_sound()


# Telling the provider -----------------------------------------------------------------------------------------------------


def chore_rows(engine: Engine) -> list[tuple[str, str, timedelta]]:
    """Return what is still to be told: kind, what kept the provider, and how far the next try is away."""
    now = engine.now().machine
    with engine.database.read() as connection:
        rows = connection.execute(sa.select(chore_table.c.kind, chore_table.c.detail, chore_table.c.not_before))
        return [(row.kind, row.detail, row.not_before - now) for row in rows]


def test_a_provider_in_trouble_is_asked_again_later_and_later(engine: Engine) -> None:
    """Its trouble costs her nothing: she is gone here at once, and the wait doubles up to an hour."""
    engine.join("ada")
    engine.erase("ada")
    waits = []
    for _ in range(9):
        engine.directory.script = [NotNow("503")]
        wait_no_longer(engine)
        engine.chores()
        ((_, detail, wait),) = chore_rows(engine)
        assert "503" == detail
        waits.append(round(wait.total_seconds() / 30))
    assert [1, 2, 4, 8, 16, 32, 64, 120, 120] == waits
    wait_no_longer(engine)
    engine.chores()
    assert [] == chore_rows(engine)


def test_a_provider_that_refuses_is_shown_with_the_remedy_and_asked_daily(engine: Engine) -> None:
    """Nothing is given up: the chore stays, status says why, and the next day it is tried again."""
    engine.join("ada")
    engine.erase("ada")
    engine.directory.script = [Declined("403 access forbidden", "Give the key a permission.")]
    engine.chores()
    ((kind, detail, wait),) = chore_rows(engine)
    assert ("erase", "403 access forbidden. Give the key a permission.") == (kind, detail)
    assert timedelta(hours=23) < wait <= timedelta(days=1)
    (shown,) = reporting.status(engine.database, door=engine.door)["chores"]
    assert ("erase", 1, detail) == (shown["kind"], shown["people"], shown["detail"])
    engine.chores()
    assert ["ada@example.net"] == engine.directory.erased
    wait_no_longer(engine)
    engine.chores()
    assert [] == chore_rows(engine)


def test_one_address_that_the_provider_refuses_does_not_keep_the_others(engine: Engine) -> None:
    """Named together and refused, each is named alone."""
    engine.join("ada", "bea", "cyn")
    for name in ("ada", "bea", "cyn"):
        engine.erase(name)

    bad = Declined("400", "Read the reason.", one_of_them=True)

    def alone() -> Reply:
        return bad if engine.directory.erased[-1].startswith("bea") else Told()

    engine.directory.script = [bad, alone, alone, alone]
    engine.chores()
    assert [("erase", "400. Read the reason.")] == [row[:2] for row in chore_rows(engine)]


def test_two_workers_tell_the_provider_once(engine: Engine) -> None:
    """A chore that one of them took is nobody else's before its lease is over."""
    engine.join("ada")
    engine.erase("ada")

    def meanwhile() -> Reply:
        engine.chores()
        return Told()

    engine.directory.script = [meanwhile]
    engine.chores()
    assert ["ada@example.net"] == engine.directory.erased


# Coming back --------------------------------------------------------------------------------------------------------------


def test_coming_back_takes_her_off_the_providers_list_before_her_next_letter(engine: Engine) -> None:
    """A letter that is due waits for the clearing, and goes once it was done."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.tick()
    engine.leave("ada")
    assert engine.undo("ada")
    due = engine.person("ada").next_letter_on
    assert due is not None
    engine.mailer.requests.clear()
    opened = next(one for one in engine.deliveries("ada") if one.letter == "breathe")
    assert opened.not_before is not None
    engine.go_to(opened.not_before)
    engine.send(engine.tick())
    assert [] == engine.mailer.requests
    engine.chores()
    assert ["ada@example.net"] == engine.directory.cleared
    engine.send(engine.tick())
    assert [("ada", "About breathe")] == engine.mailer.reached
    engine.assert_sound()


@pytest.mark.parametrize("answer", [NotNow("timed out", 600.0), Declined("403", "Give the key a permission.")])
def test_a_clearing_that_is_given_up_holds_nothing(engine: Engine, answer: Reply) -> None:
    """Refused, or far away, it no longer keeps her letter."""
    engine.join("ada")
    engine.leave("ada")
    engine.undo("ada")
    engine.directory.script = [answer]
    engine.chores()
    engine.mailer.requests.clear()
    engine.run_to_the_end()
    assert "hello" == engine.subjects("ada")[0]


def test_a_clearing_that_nobody_does_holds_for_minutes_and_no_longer(engine: Engine) -> None:
    """Even with no worker that tells the provider anything, five minutes later she is written to."""
    engine.join("ada")
    engine.leave("ada")
    engine.undo("ada")
    key = address_key("ada@example.net", engine.deployment.suppression_key)
    now = engine.now().machine
    with engine.database.read() as connection:
        assert {key} == chores.holding(connection, [key, "another"], now)
        assert set() == chores.holding(connection, [key], now + timedelta(minutes=5, seconds=1))
        assert set() == chores.holding(connection, ["another"], now)


# At full speed ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_people_are_erased_while_letters_go_out(engine: Engine) -> None:
    """Senders, ticks, pauses, leaves, reports and chores at full speed: nothing breaks, and nothing of the erased is left."""
    crowd = Crowd(engine, 120, erasing=0.5)
    words = {name: hers(engine, name)[:3] for name in crowd.names}
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            with engine.database.read() as connection:
                ids = connection.execute(sa.select(delivery_table.c.id, delivery_table.c.nonce).limit(50)).all()
            for row in ids:
                report(engine, "delivered", delivery=f"{row.id}-{row.nonce}")
            listening.work(engine.database, engine.library)
            engine.chores()
            forgetting.pass_over(engine.database, engine.library)

    def listening_faults() -> None:
        try:
            listen()
        except Exception as fault:  # noqa: BLE001 - the test looks at it
            crowd.journal.faults.append(f"listening: {type(fault).__name__} {fault}")

    thread = threading.Thread(target=listening_faults)
    thread.start()
    journal = crowd.run(seconds=6.0)
    stop.set()
    thread.join()
    assert [] == journal.broken()
    assert 10 < len(crowd.erased)
    listening.work(engine.database, engine.library)
    engine.chores()
    assert [] == traces(engine, [word for name in crowd.erased for word in words[name] if word != name.capitalize()])
    with engine.database.read() as connection:
        reports_kept = connection.execute(sa.text("SELECT delivery FROM events")).scalars().all()
        here = {f"{row.id}-{row.nonce}" for row in connection.execute(sa.select(delivery_table.c.id, delivery_table.c.nonce))}
    assert set() == set(reports_kept) - here
    assert crowd.erased == {address.partition("@")[0] for address in engine.directory.erased}
    assert [] == engine.audit()


@pytest.mark.parametrize("step", ["claimed", "rendered", "marked", "answered"])
def test_a_worker_that_holds_her_letter_is_not_disturbed(engine: Engine, step: str) -> None:
    """Erased at any point of a hand-over, the worker goes on with the others of its batch and none of them is lost."""
    engine.join("ada", "bea", "cyn")
    hints = engine.tick()
    points = Points()
    points.on(step, lambda: engine.erase("ada", wait_seconds=0.0))
    engine.sender = engine.deployment.sender(engine.owner, at=points)
    engine.send(hints)
    engine.work()
    assert {"bea", "cyn"} <= {name for name, subject in engine.mailer.reached if subject == "About hello"}
    assert not knows(engine, "ada")
    assert [] == traces(engine, ["ada@"])
    engine.assert_sound()


class Waiting:
    """A library that, asked for a course, says so and waits until it may go on: its worker then holds the form it took."""

    def __init__(self, engine: Engine) -> None:
        self._library, self.asked, self.go_on = engine.library, threading.Event(), threading.Event()

    def course(self, version_id: int, course_id: str) -> LiveCourse:
        """Return what the library has, once it may."""
        self.asked.set()
        assert self.go_on.wait(10)
        return self._library.course(version_id, course_id)


def test_an_erasure_and_a_form_about_her_never_wait_for_each_other_in_a_ring(engine: Engine) -> None:
    """A worker has her form in hand when she is erased: both come to their end, and nothing of her is left."""
    if engine.database.is_sqlite:
        pytest.skip("one writes at a time there")
    engine.join("ada")
    wish = Wish(SIGN_UP, "small", "ada@example.net", engine.now().machine, wording="Yes.", source="test")
    asking.store(engine.database, wish)
    library, key = Waiting(engine), engine.deployment.suppression_key
    done: list[object] = []
    worker = threading.Thread(
        target=lambda: done.append(asking.work(engine.database, cast("Library", library), suppression_key=key))
    )
    eraser = threading.Thread(target=lambda: done.append(engine.erase("ada")))
    worker.start()
    assert library.asked.wait(10)
    eraser.start()
    # It comes to where it waits for the worker.
    time.sleep(0.5)
    library.go_on.set()
    for thread in (worker, eraser):
        thread.join(30)
    engine.work()
    assert [1, forgetting.Erasing(known=True, acknowledged=True)] == done
    assert ([], []) == (engine.mailer.requests, traces(engine, ["ada@example.net"]))
