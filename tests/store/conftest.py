"""What tests of the store share: a migrated database, and people with deliveries in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from drip.store import deliveries, enrollments, subscribers, versions
from drip.store.session import Connection, Database

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database without any row."""
    found = Database(database_url)
    yield found
    found.dispose()


People = Callable[..., list[int]]


@pytest.fixture
def add_people(database: Database) -> People:
    """A function that adds so many people with one pending delivery each, and returns the ids of the deliveries."""

    def add(number: int, *, batch: str | None = None, **facts: Any) -> list[int]:  # noqa: ANN401 - column values
        with database.write() as connection:
            if versions.newest(connection) is None:
                versions.publish(
                    connection, schedule_text="", letters={}, course_ids=["small"], first_ids={"small": {}}, now=NOON
                )
            return [_person(connection, one, batch, facts) for one in range(number)]

    return add


def _person(connection: Connection, number: int, batch: str | None, facts: dict[str, Any]) -> int:
    subscriber = subscribers.add(
        connection, address=f"p{number}@example.net", address_key=f"key-{number}", name="", timezone=None, now=NOON
    )
    enrollment = enrollments.add(
        connection,
        {
            "subscriber_id": subscriber,
            "course": "small",
            "state": "active",
            "zone": "UTC",
            "version_id": 1,
            "created_at": NOON,
            "confirmed_at": NOON,
            "next_lesson": "hello",
            "deliveries_due": 1,
        },
    )
    row = {
        "subscriber_id": subscriber,
        "enrollment_id": enrollment,
        "course": "small",
        "letter": "hello",
        "occasion": "run:1",
        "kind": "lesson",
        "version_id": 1,
        "meant_on": date(2026, 3, 3),
        "letter_on": date(2026, 3, 3),
        "not_before": NOON - timedelta(hours=1),
        "closes_at": NOON + timedelta(hours=8),
        "batch_id": batch,
        **facts,
    }
    (delivery,) = deliveries.open_many(connection, [row], now=NOON)
    enrollments.change(connection, enrollment, {"open_delivery": delivery})
    return delivery
