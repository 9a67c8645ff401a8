"""Everything that a provider answers on a bad day, with a leave and a pause before the answer is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from drip.core.delivery import State
from drip.store import versions
from tests.faults.cast import Cast, Fates
from tests.faults.scene import Scene

pytestmark = pytest.mark.slow

NOT_ACCEPTED: dict[str, dict[str, Any]] = {
    "400 for all, once": {"action": "400-all"},
    "401": {"action": "401"},
    "403": {"action": "403"},
    "429": {"action": "429"},
    "429 with a reset time": {"action": "429-reset", "seconds": 1},
    "503": {"action": "503"},
    "503, four times": {"action": "503", "times": 4},
}
"""Certainly nothing was accepted: everybody gets her letter later."""

NOBODY_KNOWS: dict[str, dict[str, Any]] = {
    "500": {"action": "500"},
    "a reset before accepting": {"action": "reset-before"},
    "a hang": {"action": "hang", "seconds": 20},
}
"""It may have gone and did not: uncertain for good."""

ACCEPTED: dict[str, dict[str, Any]] = {
    "a reset after accepting": {"action": "reset-after"},
    "a hang after accepting": {"action": "hang", "seconds": 20, "accept": True},
    "an error after accepting": {"action": "500", "accept": True},
}
"""It may have gone and did: the provider's reports settle it."""


def _play(scene: Scene, cast: Cast, trouble: dict[str, Any], **finish: Any) -> Fates:  # noqa: ANN401 - as the callees have it
    """Let *trouble* meet the letter, with a leave and a pause between the answer and its record."""
    scene.trouble(**trouble)
    order = scene.orders.give("answered", "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    scene.wait_until_left(cast.leaver)
    order.go()
    assert left.result().acknowledged
    assert paused.result().acknowledged
    return scene.finish(cast, **finish)


@pytest.mark.parametrize("name", NOT_ACCEPTED)
def test_what_was_certainly_not_accepted_comes_later(scene: Scene, name: str) -> None:
    """Nobody loses a letter to a provider that says no for now, and who left meanwhile gets none."""
    cast = scene.enroll()
    fates = _play(scene, cast, NOT_ACCEPTED[name])
    assert (State.PENDING, False) == fates.of(cast.leaver)
    assert 0 == fates.count(State.UNCERTAIN)


@pytest.mark.parametrize("name", NOBODY_KNOWS)
def test_what_may_have_gone_is_not_sent_again(scene: Scene, name: str) -> None:
    """One batch is uncertain, the next letter is a probe, and the course goes on."""
    cast = scene.enroll()
    fates = _play(scene, cast, NOBODY_KNOWS[name])
    assert (State.UNCERTAIN, False) == fates.of(cast.leaver)
    assert 6 == fates.count(State.UNCERTAIN)
    assert "closed" == scene.sender_state()


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_was_accepted_without_a_word_is_settled_by_reports(scene: Scene, name: str) -> None:
    """A report names the letter, so it is submitted, whether the report came before or after the worker gave up."""
    cast = scene.enroll()
    fates = _play(scene, cast, ACCEPTED[name])
    assert (State.SUBMITTED, True) == fates.of(cast.leaver)
    assert 0 == fates.count(State.UNCERTAIN)


@pytest.mark.parametrize("action", ["400-address", "400-all"])
def test_one_refused_address_costs_nobody_else_a_letter(scene: Scene, action: str) -> None:
    """Named by the provider or found by halving, she alone fails."""
    cast = scene.enroll()
    trouble = {"action": action, "match": {"address": cast.victim.address}, "times": None}
    fates = _play(scene, cast, trouble, without=(cast.victim,))
    assert (State.FAILED, False) == fates.of(cast.victim)
    assert (State.PENDING, False) == fates.of(cast.leaver)
    assert 1 == fates.count(State.FAILED)


def test_a_letter_refused_for_everybody_is_held_and_then_comes(scene: Scene) -> None:
    """It is nobody's fault: the lesson is held, the operator is told, and nobody loses it."""
    cast = scene.enroll()
    scene.trouble("400-all", times=None)
    order = scene.orders.give("answered", "go_on")
    scene.move_on(cast)
    scene.wait_for_gate(order)
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    scene.wait_until_left(cast.leaver)
    order.go()
    scene.wait_for("a held lesson", lambda: _held(scene))
    assert left.result().acknowledged
    assert paused.result().acknowledged
    scene.faults.clear()
    scene.release()
    fates = scene.finish(cast)
    assert (State.PENDING, False) == fates.of(cast.leaver)
    assert 0 == fates.count(State.FAILED)
    assert 0 == fates.count(State.UNCERTAIN)


def _held(scene: Scene) -> bool:
    with scene.database.read() as connection:
        return bool(versions.held_lessons(connection))


@pytest.mark.parametrize("action", ["go_on", "kill"])
def test_a_report_may_come_before_the_record(scene: Scene, action: str) -> None:
    """A report that was worked off while the worker still had to record settles the letter, whatever becomes of the worker."""
    cast = scene.enroll()
    order = scene.orders.give("answered", action)
    scene.move_on(cast)
    scene.wait_for_gate(order)
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    scene.wait_for("the outcome of a letter under way", lambda: scene.outcome(cast.leaver))
    assert not left.done()
    order.go()
    fates = scene.finish(cast)
    assert left.result().acknowledged
    assert paused.result().acknowledged
    assert (State.SUBMITTED, True) == fates.of(cast.leaver)
    assert 0 == fates.count(State.UNCERTAIN)
