"""An apply among many people while ticks and senders are at work: nobody waits for it, and nothing is lost or repeated."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench import halfway
from drip.flows.applying import Accepting
from drip.store.tables import enrollments
from tests.conftest import Prepare
from tests.course import SCHEDULE
from tests.engine import Engine, engine_on

PEOPLE = 1_500
SECONDS = 120.0


class Sending:
    """Two threads that tick and hand over until they are stopped."""

    def __init__(self, engine: Engine) -> None:
        """Begin."""
        self._engine = engine
        self._over = threading.Event()
        self.troubles: list[object] = []
        self._threads = [threading.Thread(target=self._send) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        ticker = self._engine.deployment.ticker()
        with self._engine.deployment.incarnation() as owner:
            sender = self._engine.deployment.sender(owner)
            while not self._over.is_set():
                try:
                    for hint in ticker.tick().hints:
                        sender.send(hint)
                except Exception as trouble:  # noqa: BLE001 - the test looks at it
                    self.troubles.append(trouble)
                    return

    def wait_for_more(self) -> int:
        """Go to the next moment at which something is due, wait until more was accepted, and return how much in all."""
        before, deadline = len(self._engine.mailer.accepted), time.monotonic() + SECONDS
        while len(self._engine.mailer.accepted) == before:
            assert time.monotonic() < deadline
            assert [] == self.troubles
            moment = self._engine.next_moment()
            if moment is not None:
                self._engine.go_to(moment)
            time.sleep(0.01)
        return len(self._engine.mailer.accepted)

    def end(self) -> None:
        """Stop both."""
        self._over.set()
        for thread in self._threads:
            thread.join()


def stale(engine: Engine) -> int:
    """Return how many people have not been turned to version 2."""
    with engine.database.read() as connection:
        query = sa.select(sa.func.count()).where(enrollments.c.state == "active", enrollments.c.version_id < 2)
        return int(connection.execute(query).scalar_one())


@pytest.mark.slow
def test_letters_go_on_before_during_and_after(prepare: Prepare) -> None:
    """While everybody is read, and again while people are turned page by page, letters are accepted; each goes once."""
    with engine_on(prepare()) as engine:
        halfway.fill(engine.deployment, PEOPLE)
        Path(engine.deployment.settings.schedule).write_text(
            SCHEDULE.replace('at: "09:00"', 'at: "10:00"').replace("rest, wait: 1 week", "rest, wait: 2 weeks"), encoding="utf-8"
        )
        edition = engine.deployment.edition()
        plan = engine.deployment.plan(edition)
        accepting = Accepting(frozenset(hazard.name for hazard in plan.hazards if hazard.needed), by="Sam", reason="a test")
        sending = Sending(engine)
        seen: list[int] = []

        def at(point: str) -> None:
            if point == "read":
                seen.append(sending.wait_for_more())

        try:
            assert 2 == engine.deployment.apply(edition, plan, accepting, at=at)
            seen.append(sending.wait_for_more())
        finally:
            sending.end()
        assert [] == sending.troubles
        assert 0 < seen[0] < seen[1]
        engine.work()
        assert 0 == stale(engine)
        accepted = engine.mailer.accepted
        assert len(accepted) == len({*accepted})
        engine.assert_sound()
