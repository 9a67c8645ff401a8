"""The history of the tables ends at the tables, and may be run by anybody at any time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from drip.errors import Unreachable
from drip.store import migrations, tallies
from drip.store.session import Database
from drip.store.tables import deliveries, enrollments, metadata, subscribers, versions
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


def test_a_delivery_goes_both_ways_through_all_migrations(empty: Database) -> None:
    """A database that was in use keeps its rows and its defaults, and the way back leaves what was before."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    now = datetime(2026, 3, 3, 9, tzinfo=UTC)
    row = {
        "subscriber_id": 1,
        "enrollment_id": 1,
        "course": "c",
        "letter": "l",
        "occasion": "run:1",
        "kind": "lesson",
        "nonce": "n",
    }
    row |= {"version_id": 1, "meant_on": now.date(), "letter_on": now.date(), "created_at": now, "state_at": now}
    with empty.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(versions.insert().values(id=1, applied_at=now, digest="d", source="{}"))
        connection.execute(subscribers.insert().values(id=1, address="a@example.org", address_key="k", created_at=now))
        person = {"public_id": "p", "subscriber_id": 1, "course": "c", "state": "active", "zone": "UTC", "version_id": 1}
        connection.execute(enrollments.insert().values(id=1, created_at=now, **person))
        connection.execute(deliveries.insert().values(state="pending", **row))
        command.upgrade(config, "head")
        connection.execute(deliveries.insert().values(state="submitted", **(row | {"letter": "m"})))
        found = connection.execute(sa.select(deliveries).order_by(deliveries.c.id)).all()
        assert [("l", True, "", False, 0, now), ("m", False, "", False, 0, now)] == [
            (one.letter, one.is_open, one.reason, one.blocked, one.claims, one.created_at) for one in found
        ]
        command.downgrade(config, "0001")
        left = connection.execute(sa.select(deliveries.c.letter, deliveries.c.state).order_by(deliveries.c.id)).all()
        assert [("l", "pending"), ("m", "submitted")] == left
        assert "is_open" not in {column["name"] for column in sa.inspect(connection).get_columns("deliveries")}


def test_the_letters_of_the_last_day_are_counted_once(empty: Database) -> None:
    """What had gone in the day before the counting began is known to it, in an hour that no limit looks at; older is not."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    now = datetime.now(UTC)
    row: dict[str, object] = {"subscriber_id": 1, "enrollment_id": 1, "course": "c", "occasion": "run:1", "kind": "lesson"}
    row |= {"nonce": "n", "version_id": 1, "meant_on": now.date(), "letter_on": now.date(), "created_at": now}
    with empty.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        connection.execute(versions.insert().values(id=1, applied_at=now, digest="d", source="{}"))
        connection.execute(subscribers.insert().values(id=1, address="a@example.org", address_key="k", created_at=now))
        person = {"public_id": "p", "subscriber_id": 1, "course": "c", "state": "active", "zone": "UTC", "version_id": 1}
        connection.execute(enrollments.insert().values(id=1, created_at=now, **person))
        gone = [("a", "submitted", 1), ("b", "uncertain", 20), ("c", "submitted", 30), ("d", "pending", 1)]
        for letter, state, hours in gone:
            more = {"letter": letter, "state": state, "state_at": now - timedelta(hours=hours)}
            connection.execute(deliveries.insert().values(**row, **more))
        command.upgrade(config, "head")
        assert 2 == tallies.on_machine_day(connection, (now - timedelta(hours=1)).date())
        assert 0 == tallies.in_hour(connection, "c", now)


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
