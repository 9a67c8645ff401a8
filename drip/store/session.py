"""Connections and transactions, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator

from drip import clock
from drip.errors import SettingsError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["Connection", "Database", "DatabaseTrouble", "add_new", "add_new_of", "among", "lock_rows", "lock_where"]

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
    engine = sa.create_engine(
        url,
        # Addresses are among the parameters, and an error message may reach a log.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=20,
        connect_args={"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
        # Instants then come as they are wanted, and need not be converted one by one.
        connection.autocommit = True
        connection.execute("SET TIME ZONE 'UTC'")
        connection.autocommit = False

    return engine


class _Listed(TypeDecorator[Any]):
    """Many numbers or texts in one parameter: JSON for SQLite, an array as text for PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, one: sa.types.TypeEngine[Any]) -> None:
        """Remember the type of *one* of them."""
        super().__init__()
        self.one = one

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return what the parameter is declared as: PostgreSQL plans by how many there are only when it is an array."""
        return self.impl_instance if dialect.name == "sqlite" else sa.ARRAY(self.one)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], str]:
        """Return what writes the values; the driver would convert each of thousands."""
        return json.dumps if dialect.name == "sqlite" else _as_array


def _as_array(values: Sequence[int] | Sequence[str]) -> str:
    """Return an array as PostgreSQL reads it."""
    if not values:
        return "{}"
    # A text of PostgreSQL holds no zero character, so it may stand between two of them until both are quoted.
    texts = "\0".join(map(str, values)).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + texts.replace("\0", '","') + '"}'


class _Among(sa.ColumnElement[bool]):
    """The condition that `among` returns."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        ("column", InternalTraversal.dp_clauseelement),
        ("given", InternalTraversal.dp_clauseelement),
    ]
    type = sa.Boolean()

    def __init__(self, column: sa.Column[Any], given: list[Any]) -> None:
        self.column = column
        self.given = sa.bindparam(None, given, type_=_Listed(column.type), unique=True)

    def self_group(self, against: object = None) -> Self:  # noqa: ARG002 - inherited
        """Return itself: a condition as it stands, where SQLite would be asked whether it equals 1."""
        return self


@compiles(_Among)
def _among_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, given = compiler.process(element.column, **options), compiler.process(element.given, **options)
    return f"{column} = ANY ({given})"


@compiles(_Among, "sqlite")
def _among_json(element: _Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, given = compiler.process(element.column, **options), compiler.process(element.given, **options)
    return f"{column} IN (SELECT value FROM json_each({given}))"  # noqa: S608 - both were compiled


def among(column: sa.Column[Any], values: Iterable[int] | Iterable[str]) -> sa.ColumnElement[bool]:
    """Return the condition that *column* is one of *values*: one parameter and one plan, however many there are."""
    return _Among(column, list(values))


def add_new(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store those of *rows* that break no unique key of *table*, and return how many; two callers never trip over each other."""
    if not rows:
        return 0
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    # One statement for any number of rows: one with all of them in it would be compiled anew for each number.
    adding = insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return connection.execute(adding, [dict(row) for row in rows]).rowcount


def add_new_of(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], column: sa.Column[Any]) -> list[Any]:
    """Store what `add_new` would, in the order of *rows*, and return the *column* of each row that was stored."""
    if not rows:
        return []
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    adding = insert(table).on_conflict_do_nothing().returning(column)
    return list(connection.execute(adding, [dict(row) for row in rows]).scalars())


def lock_rows(connection: Connection, table: sa.Table, ids: list[int]) -> None:
    """Lock the rows *ids* of *table* until the transaction ends, in id order, so that two callers never wait in a ring.

    On SQLite the whole transaction holds the one write lock already.
    """
    if ids and connection.dialect.name != "sqlite":
        lock_where(connection, table, among(table.c.id, ids))


def lock_where(connection: Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> None:
    """Lock the rows of *table* for which *condition* holds, as `lock_rows` does; the ids never leave the database."""
    if connection.dialect.name != "sqlite":
        # KEY SHARE stays possible: a foreign key that points here must not wait for us.
        rows = sa.select(table.c.id).where(condition).order_by(table.c.id).with_for_update(key_share=True).subquery()
        connection.execute(sa.select(sa.func.count()).select_from(rows))
