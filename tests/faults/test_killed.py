"""kill -9 of worker children and of whole workers at each named point, with a leave and a pause at the same instant."""

from __future__ import annotations

import pytest

from drip.core.delivery import State
from tests.faults.gate import POINTS
from tests.faults.scene import Scene

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("who", ["kill", "kill_group"])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_point_repeats_nothing_and_loses_nothing(scene: Scene, point: str, who: str) -> None:
    """A killed worker leaves at most uncertain letters, and what was acknowledged to those who left and paused holds."""
    cast = scene.enroll()
    order = scene.orders.give(point, who)
    scene.move_on(cast)
    scene.wait_for_gate(order)
    left, paused = scene.leave(cast.leaver), scene.pause(cast.pauser)
    if point in {"claimed", "rendered", "recorded"}:
        # Nothing is being handed over to them, so nobody waits for anything.
        assert left.result(10).acknowledged
        assert paused.result(10).acknowledged
    order.go()
    fates = scene.finish(cast)
    expected = {
        "claimed": (State.PENDING, False),
        "rendered": (State.PENDING, False),
        "marked": (State.UNCERTAIN, False),
        "answered": (State.SUBMITTED, True),
        "recorded": (State.SUBMITTED, True),
    }[point]
    assert expected == fates.of(cast.leaver)
    assert expected == fates.of(cast.pauser)
    assert (6 if point == "marked" else 0) == fates.count(State.UNCERTAIN)


def test_a_letter_that_kills_workers_is_parked_and_blocks_nobody(scene: Scene) -> None:
    """Its sixth death is its last; those who shared a batch with it have their letters, and so has everybody else."""
    cast = scene.enroll()
    scene.orders.poison(cast.victim.address)
    scene.move_on(cast)
    scene.wait_for("a parked letter", lambda: scene.parked(cast.victim))
    assert (6, "ends-workers") == scene.parked(cast.victim)
    fates = scene.finish(cast, without=(cast.victim,))
    assert (State.PENDING, False) == fates.of(cast.victim)
    assert 0 == fates.count(State.UNCERTAIN)
