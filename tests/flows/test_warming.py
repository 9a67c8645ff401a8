"""Warming a domain up: all workers together stay below one limit, which grows by the days that used it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from drip.flows import holding, reporting
from drip.sandbox.valkey import EmbeddedValkey
from drip.store.tables import deliveries, warmups
from tests.conftest import Prepare
from tests.course import SCHEDULE
from tests.engine import Engine, engine_on

pytestmark = pytest.mark.xdist_group("rates")


def limited(sending: str) -> str:
    """Return the small course with a limit."""
    return SCHEDULE.replace("    phases:", f"    sending: {sending}\n    phases:", 1)


@contextmanager
def an_engine(prepare: Prepare, folder: Path, sending: str) -> Iterator[Engine]:
    """An engine whose workers count in a Valkey of its own, early on a Tuesday."""
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        deployment = prepare(schedule=limited(sending), environment={"DRIP_REDIS_URL": valkey.celery_url})
        engine = stack.enter_context(engine_on(deployment))
        calendar = engine.now().calendar
        engine.go_to((calendar + timedelta(days=(1 - calendar.weekday()) % 7 or 7)).replace(hour=10, minute=5, second=0))
        yield engine


def went(engine: Engine) -> int:
    """Return how many letters went so far."""
    with engine.database.read() as connection:
        query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.state == "submitted")
        return int(connection.execute(query).scalar_one())


def handed_over(engine: Engine) -> list[str]:
    """Return the ids of all letters that the door was asked to take."""
    return [one for request in engine.mailer.requests for one in request.deliveries]


def one_round(engine: Engine) -> int:
    """Tick, hand over what the rate allows, and return how many letters went."""
    before = went(engine)
    engine.send(engine.tick())
    return went(engine) - before


def a_day_later(engine: Engine) -> None:
    """Go to the same hour of the next day."""
    engine.go_on(days=1)


def test_all_workers_together_stay_below_it(prepare: Prepare, tmp_path: Path) -> None:
    """Four workers that fight for forty letters hand over exactly the hour's; the others wait, and none is lost."""
    with an_engine(prepare, tmp_path, "{per_hour: 15, grow: 2x daily}") as engine:
        engine.join(*(f"p{number}" for number in range(40)))
        hints = [hint for _ in range(3) for hint in engine.tick().hints]
        barrier = threading.Barrier(4)

        def work() -> None:
            with engine.deployment.incarnation() as owner:
                sender = engine.deployment.sender(owner)
                barrier.wait()
                for _ in range(3):
                    for hint in (*hints, *engine.deployment.ticker().tick().hints):
                        sender.send(hint)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 15 == went(engine) == len(set(handed_over(engine))) == len(handed_over(engine))
        with engine.database.read() as connection:
            waiting = connection.execute(sa.select(deliveries.c.state, deliveries.c.reason).where(deliveries.c.is_open)).all()
        assert [("pending", "rate")] * 25 == [tuple(row) for row in waiting]
        (limit,) = reporting.limits(engine.database, engine.library)
        assert ("small", 15, 15, 15, 30) == tuple(limit[name] for name in ("course", "per_hour", "went", "today", "grows_to"))
        assert [] == engine.audit()


def test_it_grows_with_the_days_that_used_it(prepare: Prepare, tmp_path: Path) -> None:
    """4, then 8, then all; over a hold, a restart of everything and a quiet week it stays where it was."""
    with an_engine(prepare, tmp_path, "{per_hour: 4, grow: 2x daily}") as engine:
        engine.join(*(f"p{number}" for number in range(20)))
        assert [4, 0] == [one_round(engine), one_round(engine)]
        a_day_later(engine)
        assert 8 == one_round(engine)
        holding.hold(engine.database, None, "a look")
        a_day_later(engine)
        assert 0 == one_round(engine)
        holding.release(engine.database, None)
        assert 8 == one_round(engine)
        with engine.database.read() as connection:
            assert [("small", 4, 16)] == [
                tuple(row) for row in connection.execute(sa.select(warmups.c.course, warmups.c.began, warmups.c.per_hour))
            ]


def test_a_course_comes_through_its_warm_up_whole(prepare: Prepare, tmp_path: Path) -> None:
    """Hour by hour and day by day everybody gets the first letter, none twice, and the books agree."""
    with an_engine(prepare, tmp_path, "{per_hour: 2, grow: 1.5x daily}") as engine:
        engine.join(*(f"p{number}" for number in range(12)))
        by_hour = []
        while went(engine) < 12:
            by_hour.append(one_round(engine))
            engine.go_on(hours=1)
        assert [2] * 6 == by_hour
        assert 12 == len(set(handed_over(engine))) == len(handed_over(engine))
        assert [] == engine.audit()
