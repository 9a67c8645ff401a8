"""The history of the tables, and how a database is brought up to date."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from drip.errors import Unreachable

if TYPE_CHECKING:
    from drip.store.session import Database


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


@cache
def newest_revision() -> str:
    """Return the name of the newest state of the tables; the files that say so are read once."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:  # pragma: no cover - there is always a first migration
        raise LookupError
    return head


def current_revision(database: Database) -> str | None:
    """Return the name of the state that a database is in; None for an empty one."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database) -> bool:
    """Bring a database up to date and return whether anything was to do; harmless when several do it at once.

    Everything happens in one transaction: a migration that fails changes nothing.
    """
    with database.write() as connection:
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7303014)")
        if MigrationContext.configure(connection).get_current_revision() == newest_revision():
            return False
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True


def require_newest(database: Database) -> None:
    """Raise Unreachable, naming the remedy, when a database is not up to date."""
    if current_revision(database) != newest_revision():
        msg = "the database is not up to date; run: drip db upgrade"
        raise Unreachable(msg)
