"""A backup of a database and its restore, on SQLite and on PostgreSQL alike: every row of every table, put back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from drip.store.session import Database
from drip.store.tables import metadata, stamp

Backup = dict[str, list[dict[str, Any]]]


def back_up(database: Database) -> Backup:
    """Return everything that the database holds."""
    with database.read() as connection:
        return {
            table.name: [
                {name: value for name, value in row._mapping.items() if table.c[name].computed is None}
                for row in connection.execute(sa.select(table))
            ]
            for table in metadata.sorted_tables
        }


def restore(database: Database, backup: Backup) -> None:
    """Put a backup back; the sandbox's calendar goes on, as a real one does."""
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not stamp:
                connection.execute(table.delete())
        for table in metadata.sorted_tables:
            if table is not stamp and backup[table.name]:
                connection.execute(table.insert(), backup[table.name])
