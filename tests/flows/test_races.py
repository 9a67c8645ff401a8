"""Many hands at once: whatever the order, nothing goes twice, nothing after an acknowledged stop, and the books agree."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from drip.flows.ticking import Report
from tests.engine import Engine
from tests.flows import harness


@pytest.mark.slow
def test_people_leave_and_pause_while_letters_go_out(engine: Engine) -> None:
    """Three senders and two ticks at full speed: after an acknowledged leave or pause nothing of hers is under way."""
    engine.ticker._batch_max = 20
    journal = harness.run(engine, people=150, seconds=8.0)
    assert [] == journal.broken()
    assert 300 < sum(len(requests) for requests in journal.begun.values())
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
    doing = iter([lambda: engine.pause("ada", 1), lambda: engine.pause("ada", None), lambda: engine.leave("ada")])
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
