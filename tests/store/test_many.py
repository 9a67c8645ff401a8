"""Statements about many rows at once: the same on both databases, and each by an index however large the tables grow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from drip.core.delivery import OPEN, Kind, State
from drip.core.enrollment import Stage
from drip.store import batches, claims, deliveries, enrollments, subscribers
from drip.store.session import Connection, Database, among
from drip.store.tables import deliveries as delivery_rows
from drip.store.tables import enrollments as enrollment_rows
from drip.store.tables import versions
from drip.wiring import Deployment
from tests.databases import Maker

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
FACTS = {
    "country": "",
    "course": "small",
    "letter": "hello",
    "occasion": "run:1",
    "kind": Kind.LESSON.value,
    "version_id": 1,
    "short": False,
    "resumed": False,
    "meant_on": date(2026, 3, 3),
    "letter_on": date(2026, 3, 4),
    "not_before": NOW,
    "closes_at": NOW + timedelta(hours=11),
}


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A transaction on a database with one version and ten people, all due."""
    database = Database(database_url)
    with database.write() as found:
        found.execute(versions.insert().values(applied_at=NOW, digest="d", source="{}"))
        for number in range(10):
            person = subscribers.add(
                found, address=f"p{number}@example.net", address_key=f"k{number}", name="", timezone=None, now=NOW
            )
            values: dict[str, Any] = {
                "subscriber_id": person,
                "course": "small",
                "state": Stage.ACTIVE.value,
                "zone": "Europe/London",
            }
            enrollments.add(found, {**values, "version_id": 1, "created_at": NOW, "next_due_at": NOW, "next_lesson": "hello"})
        yield found
    database.dispose()


def ids_of(connection: Connection) -> list[int]:
    """Return the ids of all enrollments, in order."""
    return list(connection.execute(sa.select(enrollment_rows.c.id).order_by(enrollment_rows.c.id)).scalars())


def test_among_finds_exactly_what_was_named(connection: Connection) -> None:
    """Numbers, texts with quotes in them, and nothing at all."""
    ids = ids_of(connection)
    query = sa.select(enrollment_rows.c.id)
    assert set(ids[2:5]) == set(connection.execute(query.where(among(enrollment_rows.c.id, ids[2:5]))).scalars())
    assert [] == list(connection.execute(query.where(among(enrollment_rows.c.id, []))).scalars())
    named = among(enrollment_rows.c.next_lesson, ["hello", "it's", '\\"{,}'])
    assert len(ids) == len(list(connection.execute(query.where(named)).scalars()))


def test_new_values_reach_each_person_whether_shared_or_her_own(connection: Connection) -> None:
    """Most take one statement together, the others one each; the result is the same."""
    ids = ids_of(connection)
    shared = {"place": "hello", "last_meant_on": date(2026, 3, 3)}
    # The same columns in another order, and a value of her own.
    own = [({"last_meant_on": date(2026, 3, one), "place": None}, [ids[6 + one]]) for one in (1, 2)]
    enrollments.change_many(connection, [(shared, ids[:3]), *own, (dict(shared), ids[3:7])])
    people = enrollments.find_many(connection, ids)
    assert [("hello", date(2026, 3, 3))] * 7 == [(people[one].place, people[one].last_meant_on) for one in ids[:7]]
    assert [date(2026, 3, 1), date(2026, 3, 2), None] == [people[one].last_meant_on for one in ids[7:]]


def test_alike_deliveries_are_opened_and_waited_for(connection: Connection) -> None:
    """Each says what its group says, has a nonce of its own, and is what its person waits for."""
    ids = ids_of(connection)
    later = {**FACTS, "letter_on": date(2026, 3, 10), "short": True}
    opened = deliveries.open_alike(connection, [(FACTS, ids[:6]), (later, ids[6:8])], now=NOW)
    enrollments.park_at(connection, opened)
    found = [deliveries.find(connection, one) for one in opened]
    people = enrollments.find_many(connection, ids)
    assert 8 == len({one.nonce for one in found if one})
    for one in found:
        assert one is not None
        assert re.fullmatch("[0-9a-f]{8}", one.nonce)
        person = people[one.enrollment_id]
        expected = FACTS if one.enrollment_id in ids[:6] else later
        assert expected == {name: getattr(one, name) for name in FACTS}
        assert (State.PENDING, person.subscriber_id) == (one.state, one.subscriber_id)
        assert (one.id, None, 1) == (person.open_delivery, person.next_due_at, person.deliveries_due)
        assert (one.meant_on, one.letter_on, one.closes_at) == (
            person.next_meant_on,
            person.next_letter_on,
            person.next_closes_at,
        )
    assert [(None, NOW, 0)] * 2 == [
        (people[one].open_delivery, people[one].next_due_at, people[one].deliveries_due) for one in ids[8:]
    ]


def test_a_second_delivery_for_one_occasion_is_refused(connection: Connection) -> None:
    """The unique key holds whichever way a delivery is stored."""
    ids = ids_of(connection)
    deliveries.open_alike(connection, [(FACTS, ids)], now=NOW)
    with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
        deliveries.open_alike(connection, [(FACTS, ids[:1])], now=NOW)


def test_an_instant_comes_back_as_it_went_in_from_any_zone(connection: Connection) -> None:
    """To the microsecond, in UTC, and comparable in the database."""
    (first, *_) = ids_of(connection)
    elsewhere = datetime.fromisoformat("2026-07-01T12:00:00.000123+05:45")
    enrollments.change(connection, first, {"next_due_at": elsewhere})
    person = enrollments.find(connection, first)
    assert person is not None
    assert (elsewhere, UTC) == (person.next_due_at, person.next_due_at and person.next_due_at.tzinfo)
    assert [first] == [one.id for one in enrollments.due(connection, elsewhere, 10) if one.next_due_at == elsewhere]


def test_what_a_batch_asks_reads_no_whole_table(sqlite_files: Maker) -> None:
    """SQLite without statistics likes to read a table in the order of its key."""
    database = Database(sqlite_files.migrated())
    plans: list[str] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def explain(connection: Connection, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            driver: Any = connection.connection.dbapi_connection
            plans.extend(f"{row[3]} <- {statement}" for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with database.write() as connection:
        claims.claim(connection, "b", owner="o", now=NOW, calendar=NOW)
        claims.claimed(connection, "b", owner="o")
        claims.ready(connection, [1, 2], owner="o")
        claims.mark_submitting(connection, {1: NOW.date()}, owner="o", token="t", now=NOW)
        claims.settle(connection, [1, 2], State.SUBMITTED, owner="o", token="t", now=NOW)
        deliveries.sendable(connection, NOW, 10, batched=False)
        deliveries.overdue(connection, NOW, 10)
        claims.owned_by(connection, "o")
        deliveries.existing(connection, "small", "hello", [(1, "run:1")])
        batches.waiting(connection, NOW)
        batches.unanswered(connection, NOW, NOW)
        batches.is_open(connection, "b")
        batches.forget_answered(connection, NOW)
        enrollments.due(connection, NOW, 10)
        enrollments.park_at(connection, [1, 2])
        enrollments.find_many(connection, [1, 2])
    database.dispose()
    assert plans
    assert [] == [plan for plan in plans if re.match(r"SCAN (deliveries|enrollments|subscribers)(?! USING INDEX)", plan)]


def test_what_is_opened_is_cut_into_full_batches_of_one_letter_each() -> None:
    """People of several zones fill one batch; another letter has its own, and everybody stands in one."""
    other = {**FACTS, "letter": "news"}
    cut = batches.cut([(FACTS, [1, 2, 3]), (other, [4]), ({**FACTS, "letter_on": date(2026, 3, 9)}, [5, 6, 7, 8])], 5)
    members: dict[str, list[int]] = {}
    for facts, ids in cut:
        members.setdefault(facts["batch_id"], []).extend(ids)
    assert [[1, 2, 3, 5, 6], [4], [7, 8]] == sorted(members.values())
    assert [1, 2, 3, 4, 5, 6, 7, 8] == sorted(one for _, ids in cut for one in ids)
    assert {"hello", "news"} == {facts["letter"] for facts, _ in cut}
    assert all(("news" == facts["letter"]) == (ids == [4]) for facts, ids in cut)


def test_people_read_together_are_read_as_they_are_read_alone(connection: Connection) -> None:
    """What is converted once for many is what each would have got."""
    ids = ids_of(connection)
    deliveries.open_alike(connection, [(FACTS, ids[:4])], now=NOW)
    enrollments.change_alike(connection, ids[2:6], {"paused": "open", "short": True, "last_meant_on": date(2026, 3, 3)})
    together = enrollments.find_many(connection, ids)
    assert {one: enrollments.find(connection, one) for one in ids} == together
    assert {type(value) for person in together.values() for value in person} <= {int, str, bool, date, datetime, type(None)}
    assert all(isinstance(person.short, bool) for person in together.values())


def test_a_delivery_is_open_exactly_until_it_has_a_result(connection: Connection) -> None:
    """The column that the indexes ask says what the states say."""
    (one,) = deliveries.open_alike(connection, [(FACTS, ids_of(connection)[:1])], now=NOW)
    for state in State:
        connection.execute(delivery_rows.update().where(delivery_rows.c.id == one).values(state=state.value))
        is_open = connection.execute(sa.select(delivery_rows.c.is_open).where(delivery_rows.c.id == one)).scalar_one()
        assert (state in OPEN) == is_open


def test_a_deployment_opens_all_alike_people_in_one_tick(deployment: Deployment) -> None:
    """Two zones and one letter make one batch; whoever's lesson is gone gets the next one."""
    with deployment.database.write() as connection:
        for number in range(12):
            person = subscribers.add(
                connection, address=f"q{number}@example.net", address_key=f"q{number}", name="", timezone=None, now=NOW
            )
            values: dict[str, Any] = {"subscriber_id": person, "course": "small", "state": Stage.ACTIVE.value, "version_id": 1}
            # Two zones, and one person whose lesson was removed.
            zone = "Europe/London" if number % 2 else "Europe/Lisbon"
            lesson = "nowhere" if number == 0 else "hello"
            moment = datetime.now(UTC) - timedelta(minutes=1)
            dates = {"next_meant_on": moment.date(), "next_letter_on": moment.date(), "next_due_at": moment}
            closes = {"next_closes_at": moment + timedelta(hours=1), "confirmed_at": NOW, "created_at": NOW}
            enrollments.add(connection, {**values, **dates, **closes, "zone": zone, "next_lesson": lesson})
    report = deployment.ticker().tick()
    with deployment.database.read() as connection:
        opened = connection.execute(sa.select(sa.func.count()).select_from(delivery_rows)).scalar_one()
        lessons = connection.execute(sa.select(enrollment_rows.c.next_lesson, enrollment_rows.c.open_delivery)).all()
    assert (11, 11, 1) == (report.opened, opened, len(report.hints))
    assert 1 == sum(row.open_delivery is None for row in lessons)
    assert "nowhere" not in {row.next_lesson for row in lessons}
