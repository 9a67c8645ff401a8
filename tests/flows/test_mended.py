"""Faults that a hostile review found: each stays mended."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from drip import clock
from drip.core.delivery import Refused, State, Submitted, TryLater
from drip.flows import holding, listening
from drip.flows.sending.work import CannotRecord
from drip.flows.ticking import ClockJumped
from drip.mail.envelope import Envelopes
from drip.mail.message import Message
from drip.mail.sendgrid import body_of
from drip.store import endings, moves, reports, stamps, subscribers, versions
from drip.store.session import Connection
from drip.store.tables import owners as owner_table
from tests.conftest import Prepare
from tests.course import SCHEDULE
from tests.engine import Engine, engine_on

RATED = SCHEDULE.replace("    phases:\n", "    sending: {per_hour: 4}\n    phases:\n", 1)


def _bounce(engine: Engine, name: str) -> None:
    with engine.database.write() as connection:
        found = subscribers.find(connection, engine.person(name).subscriber_id)
        assert found is not None
        endings.suppress(connection, {found.address_key: "hard-bounce"}, now=stamps.now_in(connection))


@pytest.mark.parametrize("how", ["bounce", "leave"])
def test_a_letter_that_came_back_after_she_went_is_not_stuck(engine: Engine, how: str) -> None:
    """She went while the letter was under way and the provider asked to wait: nothing waits for a window that is over."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")

    def later(_message: Message) -> TryLater:
        if how == "bounce":
            _bounce(engine, "ada")
        else:
            engine.leave("ada", wait_seconds=0.0)
        return TryLater("429", 3600)

    engine.mailer.script = [later]
    engine.send(engine.tick())
    engine.go_on(hours=12)
    engine.let_it_try_again()
    engine.send(engine.tick())
    with engine.database.read() as connection:
        assert 0 == reports.open_count(connection, engine.now().calendar)
        assert reports.next_moment(connection) is None
    assert [] == engine.audit()


def test_a_pause_pressed_between_look_and_lock_stands(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that found her letter late does not overwrite the date that her pause gave it meanwhile."""
    if engine.database.is_sqlite:
        pytest.skip("SQLite has one writer: there is no between.")
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")
    engine.tick()
    engine.go_on(hours=12)
    real = moves.lock_people
    promised: list[date | None] = []

    def late(connection: Connection, ids: Iterable[int]) -> None:
        people = list(ids)
        if people and not promised:
            promised.append(None)
            promised[0] = engine.pause("ada", 4).next_on
        real(connection, people)

    monkeypatch.setattr(moves, "lock_people", late)
    engine.tick()
    assert promised[0] == engine.deliveries("ada")[-1].letter_on


def test_a_refusal_costs_nothing_of_the_hour(prepare: Prepare) -> None:
    """A bad letter in a batch as large as the hour's rate is found by halving, and the others get theirs."""
    with engine_on(prepare(schedule=RATED)) as engine:
        left = {"hour": 4}

        def granted(_course: str, wanted: int) -> int:
            got = min(wanted, left["hour"])
            left["hour"] -= got
            return got

        engine.sender._granted = granted
        engine.mailer.otherwise = lambda message: (
            Refused("Bad Request") if any(one.address.startswith("bad") for one in message.recipients) else Submitted("ok")
        )
        engine.join("ada", "bad", "bea", "cis")
        engine.send(engine.tick())
        assert {"ada", "bea", "cis"} == {name for name, _ in engine.mailer.reached}


def test_a_worker_that_was_taken_for_dead_sends_nothing_more(engine: Engine) -> None:
    """Cut off for eleven minutes, buried by another host, and back: it must end, not go on under its old name."""
    if engine.database.is_sqlite:
        pytest.skip("SQLite means one host.")
    engine.join("ada")
    with engine.database.write() as connection:
        long_ago = clock.machine_now() - timedelta(minutes=11)
        connection.execute(owner_table.update().values(host="elsewhere", beat_at=long_ago))
    engine.owner._drop_advisory_lock()
    report = engine.tick()
    with pytest.raises(CannotRecord):
        engine.send(report)
    assert [] == engine.mailer.requests


def test_a_hold_waits_for_the_mark_before_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold that is pressed while a worker takes its last look returns only when that look is over."""
    if engine.database.is_sqlite:
        pytest.skip("SQLite has one writer: there is no between.")
    engine.join("ada")
    report = engine.tick()
    real = versions.lesson_held
    presses: list[threading.Thread] = []
    waited: list[bool] = []

    def slow(connection: Connection, course: str, letter: str, *, version_id: int) -> bool:
        if not presses:
            presses.append(threading.Thread(target=holding.hold, args=[engine.database, None, "stop"]))
            presses[0].start()
            presses[0].join(0.5)
            waited.append(presses[0].is_alive())
        return real(connection, course, letter, version_id=version_id)

    monkeypatch.setattr(versions, "lesson_held", slow)
    engine.send(report)
    presses[0].join()
    assert [True] == waited


def test_a_clock_that_was_ahead_is_forgotten_on_release(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is right again one command lets the ticks go on."""
    real = clock.machine_now
    ticker = engine.deployment.ticker()
    ahead = engine.deployment.ticker()
    with engine.database.write() as connection:
        now = stamps.now_in(connection)
        stamps.beat(connection, "tick", type(now)(now.machine + timedelta(days=365), now.calendar))
    with pytest.raises(ClockJumped, match="drip release"):
        ahead.tick()
    holding.release(engine.database, None)
    ticker.tick()
    assert real is clock.machine_now


def test_our_own_mistake_in_a_request_costs_nobody_a_letter(engine: Engine) -> None:
    """A header that cannot be is found before anything leaves: the lesson is held and everybody waits."""

    def door(message: Message) -> Submitted:
        body_of(message)
        return Submitted("ok")

    deployment = engine.deployment
    engine.sender._envelopes = Envelopes(
        engine.library, deployment.tokens, "https://briefe.ex\u00e4mple.de", service_token=deployment.service_token
    )
    engine.mailer.otherwise = door
    engine.join("ada", "bea")
    engine.send(engine.tick())
    assert [State.PENDING, State.PENDING] == [engine.deliveries(name)[0].state for name in ("ada", "bea")]


def test_a_report_of_a_letter_that_was_said_not_to_be_taken_prevents_a_copy(engine: Engine) -> None:
    """A front answers 503 though the provider took the letter; its report comes before the next try."""
    engine.join("ada")
    engine.mailer.script = [TryLater("503")]
    engine.send(engine.tick())
    taken = engine.deliveries("ada")[0].public_id
    raw = json.dumps([{"event": "delivered", "drip_delivery": taken, "timestamp": 1_800_000_000}]).encode()
    listening.receive(engine.database, raw, suppression_key=engine.deployment.suppression_key)
    listening.work(engine.database, engine.library)
    engine.let_it_try_again()
    engine.work()
    assert [] == engine.mailer.reached
    assert State.SUBMITTED == engine.deliveries("ada")[0].state
    assert [] == engine.audit()
