"""The proof that a worker is dead: kill -9 gives it at once, time alone and SIGSTOP never do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drip import clock
from drip.store import owners
from drip.store.owners import Incarnation, Owner
from drip.store.session import Database

CHILD = """
import sys, time
from pathlib import Path
from drip.store.owners import Incarnation
from drip.store.session import Database
owner = Incarnation(Database(sys.argv[1]), Path(sys.argv[2]))
print(owner.id, flush=True)
time.sleep(600)
"""


@contextmanager
def child(database: Database, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a process that lives as an owner, and its id."""
    process = subprocess.Popen([sys.executable, "-c", CHILD, database.url, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def find(database: Database, owner_id: str) -> Owner:
    """Return the row of an owner."""
    with database.read() as connection:
        (found,) = owners.find_many(connection, [owner_id])
    return found


def proven(database: Database, owner: Owner) -> bool:
    """Whether that owner is proven dead now."""
    with database.write() as connection:
        return owners.proven_dead(connection, owner, clock.machine_now())


@pytest.mark.slow
def test_kill_9_is_proven_within_a_second_and_sigstop_never(database: Database, tmp_path: Path) -> None:
    """A stopped process keeps what it owns; a killed one is known to be gone at once."""
    with child(database, tmp_path) as (process, owner_id):
        owner = find(database, owner_id)
        assert not proven(database, owner)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        assert not proven(database, replace(owner, beat_at=owner.beat_at - timedelta(days=1)))
        begun = time.monotonic()
        process.kill()
        while not proven(database, owner):
            assert time.monotonic() - begun < 5
        assert time.monotonic() - begun < 1


@pytest.mark.slow
def test_a_lock_file_that_was_wiped_proves_nothing_while_the_process_runs(database: Database, tmp_path: Path) -> None:
    """On SQLite the process table tells then; on PostgreSQL it may be another container's, so the advisory lock does."""
    with child(database, tmp_path) as (process, owner_id):
        owner = find(database, owner_id)
        Path(owner.lock_path).unlink()
        silent = replace(owner, beat_at=owner.beat_at - timedelta(minutes=11))
        assert not proven(database, silent)
        process.kill()
        process.wait()
        assert proven(database, owner) is database.is_sqlite
        assert eventually(lambda: proven(database, silent))


def test_a_wiped_lock_from_before_a_restart_of_the_host_is_proof(database: Database, tmp_path: Path) -> None:
    """No process survives that, whoever has its number now; where files may be another container's it proves nothing."""
    with Incarnation(database, tmp_path) as incarnation:
        owner = replace(find(database, incarnation.id), boot="another-boot", pid=os.getpid())
        assert not proven(database, owner)
        incarnation.lock_path.unlink()
        assert proven(database, owner) is (bool(owners.boot_id()) and database.is_sqlite)


@pytest.mark.slow
@pytest.mark.parametrize("databases", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_another_host_is_proven_dead_by_its_advisory_lock_after_a_grace(database: Database, tmp_path: Path) -> None:
    """Its connection to PostgreSQL speaks for it; without heartbeats for ten minutes and without the lock it is gone."""
    with child(database, tmp_path) as (process, owner_id):
        here = find(database, owner_id)
        silent = replace(here, host="elsewhere", beat_at=here.beat_at - timedelta(minutes=11))
        assert not proven(database, silent)
        process.kill()
        process.wait()
        assert not proven(database, replace(silent, beat_at=here.beat_at))
        begun = time.monotonic()
        while not proven(database, silent):
            assert time.monotonic() - begun < 10


def eventually(question: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether *question* is answered with yes before long: a server notices a dead client a moment later."""
    deadline = clock.monotonic() + seconds
    while not question():
        if clock.monotonic() > deadline:
            return False
        clock.wait(0.05)
    return True


def test_a_buried_owner_may_not_work_again(database: Database, tmp_path: Path) -> None:
    """Whoever was taken for dead does not go on under its old name, even when it lives."""
    with Incarnation(database, tmp_path) as incarnation, database.write() as connection:
        assert owners.may_work(connection, incarnation.id)
        owners.mark_dead(connection, owners.find_many(connection, [incarnation.id])[0], clock.machine_now())
        assert not owners.may_work(connection, incarnation.id)


def test_a_lock_file_that_may_not_be_opened_proves_nothing(database: Database, tmp_path: Path) -> None:
    """Somebody else's file stops no tick: a folder in its place stands for one that cannot be opened."""
    with Incarnation(database, tmp_path) as incarnation:
        incarnation.lock_path.unlink()
        incarnation.lock_path.mkdir()
        assert not proven(database, find(database, incarnation.id))


def test_closing_ends_an_owner(database: Database, tmp_path: Path) -> None:
    """An owner that ends in order is proven dead, and its file is tidied away once that is known."""
    incarnation = Incarnation(database, tmp_path)
    incarnation.close()
    owner = find(database, incarnation.id)
    assert proven(database, owner)
    with database.write() as connection:
        owners.mark_dead(connection, owner, clock.machine_now())
    owners.tidy(owner)
    assert [] == list(tmp_path.iterdir())
    with database.read() as connection:
        assert [] == owners.find_unburied(connection)


def test_the_heart_beats_on_when_the_folder_is_wiped(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cleaner of temporary files does not stop the heart of a worker."""
    monkeypatch.setattr(owners, "BEAT_SECONDS", 0.02)
    with Incarnation(database, tmp_path) as incarnation:
        incarnation.lock_path.unlink()
        time.sleep(0.2)
        assert all(beater.is_alive() for beater in incarnation._beaters)
