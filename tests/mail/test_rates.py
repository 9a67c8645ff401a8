"""How many letters an hour may leave: one limit for all workers, on a real Valkey."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from drip import clock
from drip.mail.rates import Allowance, Rates, storage_url
from drip.sandbox.valkey import EmbeddedValkey

pytestmark = pytest.mark.xdist_group("rates")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Valkey for all tests of this file; each counts under a name of its own."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


def rates(server: EmbeddedValkey, limit: int | None, namespace: str) -> Rates:
    """Return what one worker has."""
    found = None if limit is None else Allowance(limit)
    return Rates(storage_url(server.celery_url), lambda _course: found, namespace=namespace)


def test_all_workers_share_one_limit(valkey: EmbeddedValkey) -> None:
    """Sixteen workers that ask at once for batches of all sizes get exactly the limit together, and nobody more later."""
    workers = [rates(valkey, 100, "shared") for _ in range(16)]
    # Workers are processes; here they are threads, and the counter's own imports are not made for that.
    assert [1] * 16 == [worker.granted("another course", 1) for worker in workers]

    def ask(number: int) -> int:
        return sum(workers[number].granted("roadmap", 1 + (number + turn) % 7) for turn in range(12))

    with ThreadPoolExecutor(16) as pool:
        assert 100 == sum(pool.map(ask, range(16)))
    assert [0] * 16 == [worker.granted("roadmap", 1) for worker in workers]


def test_a_part_is_granted_when_there_is_no_more(valkey: EmbeddedValkey) -> None:
    """Who asks for more than is left gets what is left, and then nothing."""
    first, second = rates(valkey, 10, "part"), rates(valkey, 10, "part")
    assert [7, 3, 0, 0] == [first.granted("roadmap", 7), second.granted("roadmap", 7), first.granted("roadmap", 7), 0]
    assert 10 == rates(valkey, 10, "big").granted("roadmap", 5_000)


def test_each_course_has_its_own(valkey: EmbeddedValkey) -> None:
    """Courses do not use up each other's hour, and neither do two installations that share a Redis."""
    worker = rates(valkey, 5, "courses")
    assert [5, 5] == [worker.granted("roadmap", 9), worker.granted("other", 9)]
    assert 5 == rates(valkey, 5, "another-installation").granted("roadmap", 9)


def test_without_a_limit_all_may_leave() -> None:
    """No limit means no question: Redis is not even opened."""
    free = Rates("redis://127.0.0.1:1", lambda _course: None)
    with capture_logs() as logs:
        assert 5_000 == free.granted("roadmap", 5_000)
    assert [] == logs


def test_a_changed_limit_holds_at_once(valkey: EmbeddedValkey) -> None:
    """A raised limit grants the difference, a lowered one nothing until the hour has passed: an edit does not count anew."""
    limits = {"roadmap": Allowance(10)}
    worker = Rates(storage_url(valkey.celery_url), limits.get, namespace="changed")
    assert 10 == worker.granted("roadmap", 50)
    limits["roadmap"] = Allowance(4)
    assert 0 == worker.granted("roadmap", 1)
    limits["roadmap"] = Allowance(12)
    assert 2 == worker.granted("roadmap", 50)


def test_nothing_leaves_while_redis_is_gone(tmp_path: Path) -> None:
    """Nobody knows then how many have left: none is granted, the log says why, and it goes on when Redis is back."""
    with EmbeddedValkey(tmp_path) as server:
        worker = rates(server, 10, "gone")
        assert 4 == worker.granted("roadmap", 4)
    begun = clock.monotonic()
    with capture_logs() as logs:
        assert 0 == worker.granted("roadmap", 4)
    assert clock.monotonic() - begun < 10
    assert [("rate-unknown", "warning")] == [(line["event"], line["log_level"]) for line in logs]
    with EmbeddedValkey(tmp_path):
        assert 4 == worker.granted("roadmap", 4)


def test_a_redis_that_never_was_grants_nothing() -> None:
    """The first question may find nobody there, too."""
    with capture_logs() as logs:
        assert 0 == Rates("redis://127.0.0.1:1", lambda _course: Allowance(10)).granted("roadmap", 1)
    assert ["rate-unknown"] == [line["event"] for line in logs]


def test_an_empty_redis_grants_no_second_hour(tmp_path: Path) -> None:
    """A Redis that was lost and comes back knows nothing; what the database counted in this hour still holds."""
    with EmbeddedValkey(tmp_path / "one") as server:
        assert 10 == rates(server, 10, "lost").granted("roadmap", 50)
    with EmbeddedValkey(tmp_path / "two") as server:
        known = Rates(storage_url(server.celery_url), lambda _course: Allowance(10, went=7), namespace="lost")
        assert 3 == known.granted("roadmap", 50)
        full = Rates(storage_url(server.celery_url), lambda _course: Allowance(10, went=12), namespace="lost")
        assert 0 == full.granted("roadmap", 50)


def test_hours_that_the_calendar_passed_over_are_over(valkey: EmbeddedValkey) -> None:
    """The sandbox's time machine leaps forward, and the hour in which it arrives has had no letters yet."""
    ahead = 0
    worker = Rates(storage_url(valkey.celery_url), lambda _course: Allowance(10, ahead=ahead), namespace="ahead")
    assert [10, 0] == [worker.granted("roadmap", 50), worker.granted("roadmap", 50)]
    ahead = 3_600
    assert [10, 0] == [worker.granted("roadmap", 50), worker.granted("roadmap", 50)]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("redis://127.0.0.1:6379/3", "redis://127.0.0.1:6379/3"),
        ("rediss://user:word@redis.example:6380/0", "rediss://user:word@redis.example:6380/0"),
        ("redis+socket:///run/drip/valkey.sock?virtual_host=2", "redis+unix:///run/drip/valkey.sock?db=2"),
        ("redis+socket:///run/drip/valkey.sock", "redis+unix:///run/drip/valkey.sock?db=0"),
    ],
)
def test_one_address_serves_both(given: str, wanted: str) -> None:
    """The address that Celery uses is spelt as the counter wants it."""
    assert wanted == storage_url(given)


def test_processes_share_one_limit(valkey: EmbeddedValkey) -> None:
    """Four processes of an operating system, as workers are, get exactly the limit together."""
    code = (
        "import sys\n"
        "from drip.mail.rates import Allowance, Rates\n"
        "worker = Rates(sys.argv[1], lambda _course: Allowance(100), namespace='processes')\n"
        "print(sum(worker.granted('roadmap', 1 + turn % 5) for turn in range(40)))\n"
    )
    command = [sys.executable, "-c", code, storage_url(valkey.celery_url)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    got = [int(process.communicate(timeout=60)[0]) for process in running]
    assert 100 == sum(got)
