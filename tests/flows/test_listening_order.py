"""Thousands of reports in any order, with copies, in calls of any size, worked by two listeners at once: one end."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from bench import reporting as bulk
from drip.core.event import MalformedEvents
from drip.flows import listening, reporting
from drip.store.tables import metadata
from drip.wiring import Deployment

# Half a minute in peace; other work on the machine makes it several.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EVENTS = 20_000
ACCOUNT = {"deliveries", "suppressions", "enrollments", "subscribers", "consents", "omissions"}
"""What the end of all reports shows in."""

BY_ORDER = {
    # When we heard of it first.
    "suppressions": {"at"},
    "enrollments": {"ended_at"},
    "deliveries": {"state_at"},
}
"""The instants that honestly depend on when a report came to be worked off; no other column may."""


Rows = dict[str, list[dict[str, Any]]]


def rows(deployment: Deployment) -> Rows:
    """Return every row of the account, in a fixed order."""
    with deployment.database.read() as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in metadata.sorted_tables
            if table.name in ACCOUNT
        }


def end(found: Rows) -> Rows:
    """Return *found* without the instants that depend on the order."""
    return {
        name: [{key: value for key, value in row.items() if key not in BY_ORDER.get(name, ())} for row in account]
        for name, account in found.items()
    }


def start_again(deployment: Deployment, before: Rows) -> None:
    """Put the account back as it was, and forget every report."""
    tables = [table for table in metadata.sorted_tables if table.name in ACCOUNT]
    with deployment.database.write() as connection:
        connection.execute(metadata.tables["events"].delete())
        for table in reversed(tables):
            connection.execute(table.delete())
        for table in tables:
            if before[table.name]:
                computed = {column.name for column in table.columns if column.computed is not None}
                kept = [{key: value for key, value in row.items() if key not in computed} for row in before[table.name]]
                connection.execute(table.insert(), kept)


def hear(deployment: Deployment, calls: Sequence[Sequence[dict[str, Any]]], *, listeners: int) -> None:
    """Receive *calls* one after another while so many listeners work, and let them come to an end."""
    over = threading.Event()
    troubles: list[object] = []

    def listen() -> None:
        try:
            while not over.is_set():
                listening.work(deployment.database, deployment.library)
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            troubles.append(trouble)

    threads = [threading.Thread(target=listen) for _ in range(listeners)]
    for thread in threads:
        thread.start()
    for call in calls:
        stored = listening.receive(deployment.database, json.dumps(call).encode(), suppression_key=deployment.suppression_key)
        assert not isinstance(stored, MalformedEvents)
    over.set()
    for thread in threads:
        thread.join()
    assert [] == troubles
    while listening.work(deployment.database, deployment.library):
        pass


def in_order(events: Sequence[dict[str, Any]]) -> list[Sequence[dict[str, Any]]]:
    """Return *events* in calls of a thousand."""
    return [events[start : start + 1_000] for start in range(0, len(events), 1_000)]


def in_disorder(events: Sequence[dict[str, Any]], chance: random.Random) -> list[Sequence[dict[str, Any]]]:
    """Return *events* shuffled, a fifth of them twice and some more often, cut into calls of any size."""
    shuffled = [*events, *chance.sample(list(events), len(events) // 5), *chance.sample(list(events), len(events) // 50)]
    chance.shuffle(shuffled)
    calls: list[Sequence[dict[str, Any]]] = []
    while shuffled:
        size = chance.randrange(1, 900)
        calls.append(shuffled[:size])
        del shuffled[:size]
    return calls


@pytest.mark.parametrize("seed", [1])
def test_twenty_thousand_reports_in_any_order_end_as_in_order(deployment: Deployment, seed: int) -> None:
    """Copies, order, calls and two listeners at once change no row, but for the instants at which something was heard."""
    bulk.stage(deployment, people=EVENTS // 10)
    before = rows(deployment)
    events = list(bulk.made(deployment, EVENTS, seed=seed))
    hear(deployment, in_order(events), listeners=0)
    in_turn = end(rows(deployment))
    assert [] == reporting.audit(deployment.database, deployment.library)
    start_again(deployment, before)

    hear(deployment, in_disorder(events, random.Random(seed)), listeners=2)

    assert in_turn == end(rows(deployment))
    assert [] == reporting.audit(deployment.database, deployment.library)
    assert end(before) != in_turn
    assert {"hard-bounce", "complaint", "provider-unsubscribe"} == {row["reason"] for row in in_turn["suppressions"]}
    assert {"submitted", "withheld", "pending"} == {row["state"] for row in in_turn["deliveries"]} - {"uncertain"}
