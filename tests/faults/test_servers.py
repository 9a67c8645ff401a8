"""The servers that drip stands on go away: the database during the record, Redis at any time; and many work at once."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
import redis

from drip.core.delivery import State
from tests.faults.gate import POINTS
from tests.faults.outage import database_gone, sqlite_locked
from tests.faults.patience import PATIENCE
from tests.faults.processes import Celery, is_dead
from tests.faults.scene import ZONES, Scene

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("point", ["claimed", "marked", "answered"])
def test_a_database_that_goes_away_for_a_while_costs_nothing(scene: Scene, point: str) -> None:
    """The worker waits for it and then records the truth; who leaves meanwhile is told when that has happened."""
    cast = scene.enroll()
    order = scene.orders.give(point, "go_on")
    scene.move_on(cast)
    pid = scene.wait_for_gate(order)
    with database_gone(scene):
        left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
        order.go()
        scene.let_pass(1.0)
        assert point == "claimed" or not left.done()
    fates = scene.finish(cast)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    assert not is_dead(pid)
    assert 0 == fates.count(State.UNCERTAIN)
    if point != "claimed":
        assert (State.SUBMITTED, True) == fates.of(cast.leaver)


def test_a_worker_that_can_never_record_ends_itself(scene: Scene) -> None:
    """Its death is the proof that lets others take over; the provider's reports settle what it could not record."""
    cast = scene.enroll()
    order = scene.orders.give("answered", "go_on")
    scene.move_on(cast)
    pid = scene.wait_for_gate(order)
    with database_gone(scene):
        left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
        order.go()
        scene.let_pass(PATIENCE.record_seconds / 4)
        assert not is_dead(pid)
        scene.wait_for("the end of the worker child", lambda: is_dead(pid))
    fates = scene.finish(cast)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    # Its parent tells of it when it next looks; another worker may have done all the rest by then.
    scene.wait_for("the word of its parent", lambda: "exitcode 70" in scene.company.last_words(1_000))
    assert (State.SUBMITTED, True) == fates.of(cast.leaver)
    assert 0 == fates.count(State.UNCERTAIN)


def test_a_locked_sqlite_file_is_waited_for(scene: Scene) -> None:
    """Another program that holds the file's write lock delays the record, the leave and the pause, and nothing else."""
    if not scene.database.is_sqlite:
        pytest.skip("PostgreSQL has no lock on the whole database.")
    cast = scene.enroll()
    order = scene.orders.give("answered", "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    with sqlite_locked(scene):
        left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
        order.go()
        scene.let_pass(1.0)
        assert not left.done()
    fates = scene.finish(cast)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    assert (State.SUBMITTED, True) == fates.of(cast.leaver)
    assert 0 == fates.count(State.UNCERTAIN)


@pytest.mark.parametrize("point", POINTS)
def test_a_flushed_redis_costs_nothing(scene: Scene, point: str) -> None:
    """Redis holds hints only: without them the batch at hand goes on, and the next tick hints at the rest."""
    cast = scene.enroll()
    order = scene.orders.give(point, "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    scene.leave(cast.leaver)
    scene.pause(cast.pauser)
    _flush(scene)
    order.go()
    fates = scene.finish(cast)
    assert 0 == fates.count(State.UNCERTAIN)


def test_a_hint_that_was_flushed_is_given_again(scene: Scene) -> None:
    """A batch whose hint is lost before any worker took it is hinted at again by a later tick."""
    cast = scene.enroll()
    scene.company.end(scene.company.workers[0])
    scene.move_on(cast)
    report = scene.deployment.ticker().tick()
    assert 1 == len(report.hints)
    _flush(scene)
    scene.leave(cast.leaver)
    scene.pause(cast.pauser)
    scene.company.worker()
    fates = scene.finish(cast)
    assert (State.PENDING, False) == fates.of(cast.leaver)
    assert (State.PENDING, False) == fates.of(cast.pauser)
    assert 0 == fates.count(State.UNCERTAIN)


@pytest.mark.parametrize("point", ["claimed", "answered"])
def test_a_redis_that_is_killed_and_comes_back_empty_costs_nothing(scene: Scene, point: str) -> None:
    """Workers and beats connect again by themselves, and the database knows what is to be done."""
    cast = scene.enroll()
    order = scene.orders.give(point, "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    with redis.Redis.from_url(scene.valkey.url) as client:
        os.kill(int(client.info()["process_id"]), signal.SIGKILL)
    scene.leave(cast.leaver)
    scene.pause(cast.pauser)
    order.go()
    fates = scene.finish(cast)
    assert 0 == fates.count(State.UNCERTAIN)


def test_a_worker_whose_acknowledgement_was_lost_with_redis_takes_hints_again(scene: Scene) -> None:
    """Celery only logs a failed acknowledgement; a worker full of them would read no hint any more, and do nothing for ever."""
    cast = scene.enroll()
    scene.company.end(scene.company.workers[0])
    # One child and so one hint at a time: one lost acknowledgement fills it.
    worker = scene.company.worker(children=1)
    order = scene.orders.give("answered", "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    with redis.Redis.from_url(scene.valkey.url) as client:
        server = psutil.Process(int(client.info()["process_id"]))
    # The keeper would start another server at once.
    keeper = server.parent()
    assert keeper is not None
    keeper.suspend()
    server.kill()
    scene.leave(cast.leaver)
    scene.pause(cast.pauser)
    order.go()
    scene.wait_for("a lost acknowledgement", lambda: "Couldn't ack" in worker.said())
    keeper.resume()
    fates = scene.finish(cast)
    scene.company.end(worker)
    scene.company.worker()
    assert 0 == fates.count(State.UNCERTAIN)


def _flush(scene: Scene) -> None:
    with redis.Redis.from_url(scene.valkey.url) as client:
        client.flushall()


def test_two_beats_and_three_workers_send_each_letter_once(scene: Scene) -> None:
    """Any number may tick and send at once, and one of them may die on the way."""
    more: list[Celery] = [scene.company.beat(), scene.company.worker(), scene.company.worker()]
    cast = scene.enroll(ZONES * 6)
    order = scene.orders.give("claimed", "kill")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    scene.leave(cast.leaver)
    scene.pause(cast.pauser)
    order.go()
    fates = scene.finish(cast)
    for one in more:
        scene.company.end(one)
    assert 0 == fates.count(State.UNCERTAIN)
    assert 40 == len(fates.has)
