"""The Celery application of these tests: drip's own with little patience, and a gate at each named point of a batch."""

from __future__ import annotations

import os
from pathlib import Path

from drip import config
from drip.tasks import make_app
from tests.faults.gate import Gate, Poison
from tests.faults.patience import PATIENCE, TICK_SECONDS

_orders = Path(os.environ["DRIP_TEST_ORDERS"])
_settings = config.load()
_gate = Gate(_orders)
_poison = Poison(_orders, _settings.database)


def _at(point: str) -> None:
    _poison(point)
    _gate(point)


app = make_app(_settings, at=_at, patience=PATIENCE, tick_seconds=TICK_SECONDS)
