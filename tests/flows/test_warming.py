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
from tests.flows.test_explaining import explain

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


def test_why_says_what_the_hour_has_left(prepare: Prepare, tmp_path: Path) -> None:
    """Whoever waits for the rate reads that it is full and when it grows, and that is what keeps her letter back."""
    with an_engine(prepare, tmp_path, "{per_hour: 2, grow: 1.5x daily}") as engine:
        engine.join("ada", "bo", "cy")
        one_round(engine)
        waits = next(name for name in ("ada", "bo", "cy") if engine.state_of(name)[0] == "pending")
        found = explain(engine, waits)
        assert found.decides is not None
        words = "2 letters an hour for all, and 2 went in this one; the rest waits for the next; it grows tomorrow, to 3"
        assert ("rate", "waits", words) == (found.decides.name, found.decides.verdict, found.decides.words)
        assert {"per_hour": "2", "went this hour": "2", "went today": "2", "grows to": "3"} == found.decides.inputs
        engine.go_on(hours=1)
        assert None is explain(engine, waits).decides
        assert 1 == one_round(engine)


def test_a_lost_redis_loses_no_letter_and_makes_no_burst(prepare: Prepare, tmp_path: Path) -> None:
    """While it is gone all wait; the empty one that follows grants nothing more of an hour that was used up."""
    with ExitStack() as stack:
        first = EmbeddedValkey(tmp_path / "one")
        with first:
            deployment = prepare(schedule=limited("{per_hour: 3}"), environment={"DRIP_REDIS_URL": first.celery_url})
            engine = stack.enter_context(engine_on(deployment))
            calendar = engine.now().calendar
            engine.go_to((calendar + timedelta(days=(1 - calendar.weekday()) % 7 or 7)).replace(hour=10, minute=5, second=0))
            engine.join(*(f"p{number}" for number in range(8)))
            assert 3 == one_round(engine)
        assert 0 == one_round(engine)
        again = stack.enter_context(EmbeddedValkey(tmp_path / "two"))
        deployment.settings = deployment.settings.model_copy(update={"redis_url": again.celery_url})
        engine.sender = deployment.sender(engine.owner)
        assert 0 == one_round(engine)
        engine.go_on(hours=1)
        assert 3 == one_round(engine)
        assert 6 == len(set(handed_over(engine))) == len(handed_over(engine))
        assert [] == engine.audit()


def test_what_the_hour_has_no_room_for_is_left_alone_for_a_while(prepare: Prepare, tmp_path: Path) -> None:
    """By the machine's own clock no tick takes those letters up before a minute is over, so that waiting costs nothing."""
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(tmp_path / "valkey"))
        deployment = prepare(schedule=limited("{per_hour: 3}"), environment={"DRIP_REDIS_URL": valkey.celery_url})
        engine = stack.enter_context(engine_on(deployment))
        engine.join(*(f"p{number}" for number in range(8)))
        now = engine.now()
        assert now.machine == now.calendar
        assert 3 == one_round(engine)
        idle = engine.tick()
        assert ([], False) == (idle.hints, idle.more)
        with engine.database.write() as connection:
            waiting = deliveries.c.reason == "rate"
            earlier = engine.now().machine - timedelta(seconds=61)
            assert 5 == connection.execute(deliveries.update().where(waiting).values(state_at=earlier)).rowcount
        assert 1 == len(engine.tick().hints)
