"""The engine as it runs in production: Celery workers on a real Valkey, driven by ticks as beat sends them."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bench import population
from drip import config
from drip.sandbox.valkey import EmbeddedValkey
from drip.store import reports, stamps
from drip.store.tables import deliveries
from drip.tasks import make_app
from drip.wiring import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSES = 2
TICK_SECONDS = 2.0
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 600.0


def letters_per_second(settings: config.Settings, people: int) -> float:
    """Return the rate at which two worker processes hand over one lesson to *people*, until the last one is recorded.

    The lesson before it is not counted: it warms the workers up.
    """
    with EmbeddedValkey(settings.state / "valkey") as valkey:
        settings = settings.model_copy(update={"redis_url": valkey.celery_url})
        deployment = Deployment(settings)
        deployment.prepare()
        population.enroll(deployment, people)
        with _worker(settings) as worker, make_app(settings) as app:
            _hand_over(app, deployment, worker, people)
            with deployment.database.write() as connection:
                moment = reports.next_moment(connection)
                if moment is not None:
                    stamps.move_calendar(connection, moment)
            begun = time.perf_counter()
            _hand_over(app, deployment, worker, 2 * people)
            seconds = time.perf_counter() - begun
        deployment.database.dispose()
    return people / seconds


def _hand_over(app: object, deployment: Deployment, worker: subprocess.Popen[bytes], letters: int) -> None:
    """Tick as beat does until *letters* are recorded as submitted."""
    deadline, next_tick = time.monotonic() + PATIENCE_SECONDS, 0.0
    query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.state == "submitted")
    while True:
        if time.monotonic() >= next_tick:
            app.send_task("drip.tick")  # type: ignore[attr-defined] # Celery has no types
            next_tick = time.monotonic() + TICK_SECONDS
        time.sleep(LOOK_SECONDS)
        with deployment.database.read() as connection:
            if connection.execute(query).scalar_one() >= letters:
                return
        if worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the workers did not hand everything over")


@contextmanager
def _worker(settings: config.Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Celery worker; at the end it is asked to stop, and made to."""
    command = [config.python(), "-m", "celery", "-A", "worker", "worker", "--concurrency", str(PROCESSES)]
    command += ["--without-gossip", "--without-mingle", "-l", "WARNING"]
    log = (settings.state / "worker.log").open("wb")
    with log, subprocess.Popen(command, env=config.environment_for(settings), stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
