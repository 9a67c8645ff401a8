"""Many hands at once: whatever the order, nothing goes twice, nothing after an acknowledged stop, and the books agree."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from drip.core.delivery import Submitted
from drip.flows import listening
from drip.flows.ticking import Report
from drip.mail.message import Message
from drip.store import claims, deliveries, endings, enrollments, subscribers
from drip.store.session import Connection
from tests.engine import Engine
from tests.flows.harness import Crowd


@pytest.mark.slow
def test_people_leave_and_pause_while_letters_go_out(engine: Engine) -> None:
    """Three senders and two ticks at full speed: after an acknowledged leave or pause nothing of hers is under way."""
    journal = Crowd(engine, 150).run(seconds=8.0)
    assert [] == journal.broken()
    assert 150 < sum(len(requests) for requests in journal.begun.values())
    assert 5 < len(journal.stopped)
    assert [] == engine.audit()


def at_once(number: int, work: Callable[[], object]) -> list[object]:
    """Run *work* in so many threads at the same moment and return what each came to, exceptions included."""
    barrier = threading.Barrier(number)
    results: list[object] = []

    def one() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            results.append(trouble)

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_five_ticks_at_once_open_one_delivery_each(engine: Engine) -> None:
    """Any number of beats may tick at the same moment, also for the very first time."""
    people = [f"p{number}" for number in range(40)]
    engine.join(*people)
    reports = at_once(5, lambda: engine.deployment.ticker().tick())
    assert [Report] * 5 == [type(report) for report in reports], reports
    assert len(people) == sum(report.opened for report in reports if isinstance(report, Report))
    hints = [hint for report in reports if isinstance(report, Report) for hint in report.hints]
    assert len(set(hints)) == len(hints)
    assert [1] * 40 == [len(engine.deliveries(name)) for name in people]
    for hint in hints * 2:
        engine.sender.send(hint)
    engine.work()
    engine.assert_sound()


def test_one_hint_heard_by_five_workers_is_one_request(engine: Engine) -> None:
    """A message that Redis repeats finds nothing to claim."""
    engine.join("ada", "bea")
    (hint,) = engine.tick().hints

    def work() -> int:
        with engine.deployment.incarnation() as owner:
            return engine.deployment.sender(owner).send(hint)

    claimed = at_once(5, work)
    assert [0, 0, 0, 0, 2] == sorted(claimed, key=str)
    assert 1 == len(engine.mailer.requests)
    engine.assert_sound()


def test_signing_up_five_times_at_once_makes_one_person(engine: Engine) -> None:
    """A form that is pressed twice, by two web processes, is one enrollment and one letter."""
    results = at_once(5, lambda: engine.join("ada"))
    assert [None] * 5 == results
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    engine.assert_sound()


def test_two_pauses_and_a_leave_at_once_end_as_left(engine: Engine) -> None:
    """Whatever comes first, nothing fails and she has left."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.tick()
    doing: Iterator[Callable[[], object]] = iter(
        [lambda: engine.pause("ada", 1), lambda: engine.pause("ada", None), lambda: engine.leave("ada")]
    )
    lock = threading.Lock()

    def one() -> object:
        with lock:
            work = next(doing)
        return work()

    results = at_once(3, one)
    assert not [result for result in results if isinstance(result, Exception)], results
    assert "left" == engine.person("ada").state
    engine.mailer.requests.clear()
    engine.go_on(days=40)
    engine.work()
    assert [] == engine.mailer.requests
    engine.assert_sound()


@pytest.mark.parametrize("what", ["pause", "leave", "suppress", "choose"])
def test_what_a_tick_is_just_opening_is_not_overlooked(engine: Engine, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """She presses while a tick has opened her letter and not yet committed: the press meets that letter."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.mailer.requests.clear()
    link = engine.person("ada").subscriber_id
    doing = {
        "pause": lambda: engine.pause("ada", None),
        "leave": lambda: engine.leave("ada"),
        "suppress": lambda: suppress(engine, link),
        "choose": lambda: engine.choose("ada", weekday="fri"),
    }
    thread = threading.Thread(target=doing[what])
    park_at = enrollments.park_at

    def slowly(connection: Connection, delivery_ids: Sequence[int]) -> None:
        park_at(connection, delivery_ids)
        thread.start()
        thread.join(timeout=0.5)

    monkeypatch.setattr(enrollments, "park_at", slowly)
    report = engine.tick()
    thread.join()
    assert 1 == report.opened
    assert [] == engine.audit()
    engine.send(report)
    assert [] == engine.mailer.requests
    engine.assert_sound()


def suppress(engine: Engine, subscriber_id: int) -> None:
    """Enter her address into the register."""
    with engine.database.write() as connection:
        person = subscribers.find(connection, subscriber_id)
        assert person is not None
        endings.suppress(connection, {person.address_key: "complaint"}, now=engine.now())


def events_of(kind: str, ids: Sequence[str]) -> bytes:
    """Return the body of a call that reports one kind of event about some deliveries."""
    event = {"event": kind, "type": "bounce", "timestamp": 1_800_000_000}
    return json.dumps([{**event, "drip_delivery": one} for one in ids]).encode()


def test_a_report_and_the_record_of_one_letter_do_not_wait_in_a_ring(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounce arrives while its request is being recorded: both take the person first, so neither is turned away."""
    engine.join("ada", "bea")
    troubles: list[object] = []

    def listen() -> None:
        try:
            listening.work(engine.database, engine.library)
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            troubles.append(trouble)

    thread = threading.Thread(target=listen)
    settle = claims.settle

    def slowly(*arguments: Any, **named: Any) -> list[int]:  # noqa: ANN401 - whatever `settle` takes
        thread.start()
        thread.join(timeout=0.5)
        return settle(*arguments, **named)

    def bounce(message: Message) -> Submitted:
        body = events_of("bounce", [one.delivery for one in message.recipients])
        listening.receive(engine.database, body, suppression_key=engine.deployment.suppression_key)
        monkeypatch.setattr(claims, "settle", slowly)
        return Submitted()

    engine.mailer.otherwise = bounce
    report = engine.tick()
    engine.send(report)
    thread.join()
    assert [] == troubles
    assert [("submitted", "bounced")] * 2 == [
        (one.state, one.outcome) for name in ("ada", "bea") for one in engine.deliveries(name)
    ]
    assert {"ended"} == {engine.person(name).state for name in ("ada", "bea")}
    engine.assert_sound()


def test_two_listeners_never_lower_an_outcome(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each works off its own page at the same moment: the strongest report stays."""
    monkeypatch.setattr(listening, "PAGE", 1)
    engine.join("ada")
    engine.work()
    (delivery,) = engine.deliveries("ada")
    for kind in ("delivered", "processed"):
        body = events_of(kind, [delivery.public_id])
        listening.receive(engine.database, body, suppression_key=engine.deployment.suppression_key)
    first = threading.Thread(target=lambda: listening.work(engine.database, engine.library))
    second = threading.Thread(target=lambda: listening.work(engine.database, engine.library))
    raise_outcomes = deliveries.raise_outcomes

    def slowly(*arguments: Any) -> None:  # noqa: ANN401 - whatever `raise_outcomes` takes
        # The second reads while the first has not written yet, and writes after it.
        if threading.current_thread() is first:
            second.start()
            second.join(timeout=0.3)
        else:
            first.join(timeout=1.0)
        raise_outcomes(*arguments)

    monkeypatch.setattr(deliveries, "raise_outcomes", slowly)
    first.start()
    first.join()
    second.join()
    monkeypatch.undo()
    while listening.work(engine.database, engine.library):
        pass
    assert ["delivered"] == [one.outcome for one in engine.deliveries("ada")]
