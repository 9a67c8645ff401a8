"""Connections and transactions, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from drip import clock
from drip.errors import SettingsError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Connection", "Database", "DatabaseTrouble", "add_new", "among", "lock_rows"]

DatabaseTrouble = DBAPIError
"""What a flow may catch when the database fails under it."""

_READ_ONLY = "drip_read_only"
_TRIES = 100


class Database:
    """One database, opened lazily; make one per process, after any fork."""

    def __init__(self, url: str) -> None:
        """Remember the *url*: `sqlite:///path` or `postgresql+psycopg://…`; nothing is opened yet.

        Raises SettingsError when the URL names another kind of database.
        """
        if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
            msg = "DRIP_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://"
            raise SettingsError(msg)
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine: Engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)

    @classmethod
    def at(cls, path: Path) -> Database:
        """Return the SQLite database in the file *path*."""
        return cls(f"sqlite:///{path}")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; what it sees is one consistent state per statement."""
        with self.engine.connect().execution_options(**{_READ_ONLY: True}) as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a transaction that commits at the end, or rolls back when the block raises.

        On SQLite the transaction takes the write lock at its start: reading first and writing later fails under load.
        """
        with self.engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def require(self) -> None:
        """Raise Unreachable, naming the remedy, unless the database answers."""
        try:
            with self.read() as connection:
                connection.execute(sa.text("SELECT 1"))
        except (OperationalError, InterfaceError) as trouble:
            msg = (
                f"the database does not answer ({type(trouble.orig).__name__}); check DRIP_DATABASE_URL and that the server runs"
            )
            raise Unreachable(msg) from trouble


def _sqlite_engine(url: str) -> Engine:
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": 60, "check_same_thread": False},
        pool_size=10,
        max_overflow=20,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
        # The driver's own transaction handling begins deferred transactions; ours are begun below.
        connection.isolation_level = None
        _write_ahead(connection)
        for pragma in ("synchronous=FULL", "busy_timeout=60000", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: Any) -> None:  # noqa: ANN401 - the driver's own class
    """Switch a new file to WAL: of several processes that meet at an empty one, SQLite turns some away at once."""
    for attempt in range(_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == _TRIES - 1:
                raise
            clock.wait(0.05)
        else:
            return


def _postgresql_engine(url: str) -> Engine:
    return sa.create_engine(
        url,
        # Addresses are among the parameters, and an error message may reach a log.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=20,
        connect_args={"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3},
    )


def among(connection: Connection, column: sa.Column[Any], values: Iterable[int] | Iterable[str]) -> sa.ColumnElement[bool]:
    """Return the condition that *column* is one of *values*: one parameter and one plan, however many there are."""
    given = list(values)
    if connection.dialect.name == "sqlite":
        return column.in_(sa.select(sa.func.json_each(json.dumps(given)).table_valued("value").c.value))
    return column == sa.any_(sa.bindparam(None, given, type_=sa.ARRAY(column.type)))


def add_new(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store those of *rows* that break no unique key of *table*, and return how many; two callers never trip over each other."""
    if not rows:
        return 0
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return connection.execute(insert(table).values(list(rows)).on_conflict_do_nothing()).rowcount


def lock_rows(connection: Connection, table: sa.Table, ids: list[int]) -> None:
    """Lock the rows *ids* of *table* until the transaction ends, in id order, so that two callers never wait in a ring.

    On SQLite the whole transaction holds the one write lock already.
    """
    if ids and connection.dialect.name != "sqlite":
        # KEY SHARE stays possible: a foreign key that points here must not wait for us.
        connection.execute(
            sa.select(table.c.id).where(among(connection, table.c.id, ids)).order_by(table.c.id).with_for_update(key_share=True)
        )
