"""A worker looks at its door before any work, and says in one sentence why it does not start."""

from __future__ import annotations

import pytest

from tests.faults.scene import Scene

pytestmark = pytest.mark.slow

DOORS = {
    "another suppression key": ({"DRIP_SUPPRESSION_KEY": "another-key-for-addresses"}, "DRIP_SUPPRESSION_KEY is not the one"),
    "a real provider": (
        {"SENDGRID_API_KEY": "SG.x", "DRIP_BASE_URL": "https://letters.example.com"},
        "this database was made for the sandbox door",
    ),
    "no database": ({"DRIP_DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "the database does not answer"),
}


@pytest.mark.parametrize("name", DOORS)
def test_a_worker_at_the_wrong_door_does_not_start(scene: Scene, name: str) -> None:
    """It exits with 3 and the remedy, and touches nothing."""
    changed, words = DOORS[name]
    worker = scene.company.stranger(changed)
    scene.wait_for("the end of the worker", lambda: not worker.runs)
    assert 3 == worker.exit_code, worker.said()
    assert words in worker.said()
