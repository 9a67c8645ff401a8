"""The Celery application of these tests: drip's own with little patience, and a gate at each named point of a batch."""

from __future__ import annotations

import os
import signal
import threading
import time
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


def _end_with(parent: int) -> None:
    """End this process group when the tests that started it have gone without stopping it."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


threading.Thread(target=_end_with, args=[os.getppid()], name="leash", daemon=True).start()

app = make_app(_settings, at=_at, patience=PATIENCE, tick_seconds=TICK_SECONDS)
