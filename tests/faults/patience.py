"""How long things take here: everything that drip waits for is made short, and what tests wait for is generous."""

from __future__ import annotations

from drip.config import Patience

# A stopped PostgreSQL takes seconds to come back on a busy machine: a worker must outlast that, and give up in a test's time.
PATIENCE = Patience(request_seconds=3.0, watchdog_seconds=3.0, record_seconds=20.0, backoff_scale=0.02)
TICK_SECONDS = 0.2

WAIT_SECONDS = 60.0
"""The longest that a test waits for anything."""
