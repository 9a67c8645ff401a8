"""Workers that stop without dying: SIGSTOP around and in the call, a slow machine, a suspended one, an orderly end."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from drip.core.delivery import State
from tests.faults.processes import is_dead
from tests.faults.scene import Scene

pytestmark = pytest.mark.slow


def _is_stopped(pid: int) -> bool:
    return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)


def test_a_worker_frozen_before_the_call_is_killed_before_anybody_is_told_that_nothing_comes(scene: Scene) -> None:
    """A leave and a pause are not acknowledged while a frozen worker might still call; the watchdog's kill is the proof."""
    cast = scene.enroll()
    order = scene.orders.give("marked", "stop")
    scene.move_on(cast)
    pid = scene.wait_for_gate(order)
    order.go()
    scene.wait_for("a frozen worker", lambda: _is_stopped(pid))
    assert not scene.leave(cast.leaver, wait_seconds=0.3).result().acknowledged
    assert not scene.pause(cast.pauser, wait_seconds=0.3).result().acknowledged
    assert _is_stopped(pid)
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    assert is_dead(pid)
    fates = scene.finish(cast)
    assert (State.UNCERTAIN, False) == fates.of(cast.leaver)
    assert 6 == fates.count(State.UNCERTAIN)


@pytest.mark.parametrize("accept", [True, False])
def test_a_worker_frozen_in_the_call_keeps_what_it_owns_until_it_is_dead(scene: Scene, *, accept: bool) -> None:
    """What the provider had accepted is settled by its reports; what it had not stays uncertain; neither comes twice."""
    cast = scene.enroll()
    scene.trouble("hang", seconds=20, accept=accept)
    order = scene.orders.give("marked", "go_on")
    scene.move_on(cast)
    pid = scene.wait_for_gate(order)
    order.go()
    scene.wait_for("a request at the provider", lambda: not scene.faults.left())
    os.kill(pid, signal.SIGSTOP)
    assert not scene.leave(cast.leaver, wait_seconds=0.3).result().acknowledged
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    assert is_dead(pid)
    fates = scene.finish(cast)
    assert (State.SUBMITTED if accept else State.UNCERTAIN, accept) == fates.of(cast.leaver)


def test_a_worker_that_wakes_up_in_time_goes_on(scene: Scene) -> None:
    """Woken before the watchdog bites, it hands the letter over; the leave and the pause are acknowledged after that."""
    cast = scene.enroll()
    order = scene.orders.give("marked", "stop")
    scene.move_on(cast)
    pid = scene.wait_for_gate(order)
    order.go()
    scene.wait_for("a frozen worker", lambda: _is_stopped(pid))
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    assert not left.done()
    os.kill(pid, signal.SIGCONT)
    fates = scene.finish(cast)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    assert not is_dead(pid)
    assert (State.SUBMITTED, True) == fates.of(cast.leaver)
    assert 0 == fates.count(State.UNCERTAIN)


def test_a_mark_that_grew_old_is_taken_back_and_read_again(scene: Scene) -> None:
    """A worker that was slow between its mark and its call reads everything anew: who left meanwhile gets nothing."""
    cast = scene.enroll()
    order = scene.orders.give("marked", "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    left = scene.leave(cast.leaver)
    scene.wait_until_left(cast.leaver)
    scene.let_pass(5.2)
    assert not left.done()
    order.go()
    fates = scene.finish(cast)
    assert left.result().acknowledged
    assert (State.PENDING, False) == fates.of(cast.leaver)
    assert (State.SUBMITTED, True) == fates.of(cast.pauser)
    assert 0 == fates.count(State.UNCERTAIN)


def test_a_suspended_machine_goes_on_where_it_was(scene: Scene) -> None:
    """Everything frozen longer than the watchdog's patience wakes up together; nobody is killed and nothing is in doubt."""
    cast = scene.enroll()
    order = scene.orders.give("answered", "go_on")
    scene.move_on(cast)
    pid = scene.wait_for_gate(order)
    group = [*scene.company.workers[0].children(), scene.company.workers[0].pid]
    for one in group:
        os.kill(one, signal.SIGSTOP)
    assert not scene.leave(cast.leaver, wait_seconds=0.3).result().acknowledged
    scene.let_pass(5.0)
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    for one in reversed(group):
        os.kill(one, signal.SIGCONT)
    scene.let_pass(1.5)
    assert not is_dead(pid)
    assert not left.done()
    order.go()
    fates = scene.finish(cast)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    assert 0 == fates.count(State.UNCERTAIN)
    assert (State.SUBMITTED, True) == fates.of(cast.leaver)


@pytest.mark.parametrize("point", ["claimed", "marked", "answered"])
def test_a_worker_that_is_asked_to_end_finishes_its_batch(scene: Scene, point: str) -> None:
    """TERM in the middle of a batch costs nobody a letter and leaves nothing in doubt; the worker exits with 0."""
    cast = scene.enroll()
    worker = scene.company.workers[0]
    order = scene.orders.give(point, "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    scene.leave(cast.leaver)
    scene.pause(cast.pauser)
    worker.terminate()
    order.go()
    scene.wait_for("the end of the worker", lambda: not worker.runs)
    assert 0 == worker.exit_code
    fates = scene.finish(cast)
    assert 0 == fates.count(State.UNCERTAIN)
