"""The history of the tables ends at the tables, and may be run by anybody at any time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from drip.errors import Unreachable
from drip.store import migrations
from drip.store.session import Database
from drip.store.tables import metadata
from tests.databases import Maker


@pytest.fixture
def empty(databases: Maker) -> Iterator[Database]:
    """A database without any table."""
    url = databases.fresh()
    database = Database(url)
    yield database
    database.dispose()
    databases.drop(url)


def test_the_migrations_make_exactly_the_tables(empty: Database) -> None:
    """Nothing that the code declares is missing in a migrated database, and nothing is left over."""
    assert migrations.upgrade(empty)
    with empty.read() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


def test_upgrading_twice_is_harmless(empty: Database) -> None:
    """The second time there is nothing to do."""
    assert [True, False] == [migrations.upgrade(empty), migrations.upgrade(empty)]
    migrations.require_newest(empty)


def test_upgrading_at_once_is_harmless(empty: Database) -> None:
    """Three processes that start together migrate once."""
    done: list[object] = []
    barrier = threading.Barrier(3)

    def work() -> None:
        database = Database(empty.url)
        barrier.wait()
        try:
            done.append(migrations.upgrade(database))
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            done.append(trouble)
        database.dispose()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [False, False, True] == sorted(done, key=str)


def test_an_old_database_is_refused_with_a_remedy(empty: Database) -> None:
    """A worker does not start on tables that it does not know."""
    with pytest.raises(Unreachable, match="drip db upgrade"):
        migrations.require_newest(empty)
