"""What a database says of itself, on both kinds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drip.store import conditions, stamps
from drip.store.session import Database


def test_how_a_database_is_set_up(database: Database) -> None:
    """Its version, its journal, and what it may lose: the server of the tests is told to forget, and that is seen."""
    with database.read() as connection:
        found = conditions.condition(connection)
    assert timedelta(minutes=1) > abs(found.now - datetime.now(UTC))
    if database.is_sqlite:
        assert ("wal", ()) == (found.journal, found.forgets)
    else:
        assert None is found.journal
        assert found.version > 140_000
        assert ("fsync off", "synchronous_commit off", "full_page_writes off") == found.forgets
    assert found.shown


def test_a_stamp_is_read_and_none_is_made(database: Database) -> None:
    """Looking at a database must not decide what it is for."""
    with database.read() as connection:
        assert ("", "", timedelta(0)) == conditions.stamped(connection)
    with database.write() as connection:
        stamps.claim_door(connection, "sandbox", suppression_check="mark", now=datetime.now(UTC))
    with database.read() as connection:
        assert ("sandbox", "mark", timedelta(0)) == conditions.stamped(connection)


def test_the_file_of_a_database(database: Database) -> None:
    """Where a SQLite one is; another kind has none."""
    file = conditions.sqlite_file(database)
    assert database.is_sqlite is (file is not None and file.exists())
