"""Deliveries in the database: each statement takes exactly what is its to take."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from drip.core.delivery import State
from drip.store import claims, deliveries
from drip.store.session import Connection, Database
from drip.store.tables import deliveries as table
from tests.store.conftest import NOON, People


def claim(connection: Connection, owner: str, batch: str = "b") -> int:
    """Claim a batch at noon."""
    return claims.claim(connection, batch, owner=owner, now=NOON, calendar=NOON)


def mark(connection: Connection, ids: list[int], owner: str, token: str) -> int:
    """Mark deliveries as being handed over."""
    return claims.mark_submitting(connection, dict.fromkeys(ids, date(2026, 3, 3)), owner=owner, token=token, now=NOON)


def states(database: Database) -> list[str]:
    """Return all states in id order."""
    with database.read() as connection:
        return list(connection.execute(sa.select(table.c.state).order_by(table.c.id)).scalars())


def test_an_occasion_has_one_delivery(add_people: People) -> None:
    """The schema refuses a second delivery of one letter to one person for one occasion."""
    add_people(1)
    with pytest.raises(sa.exc.IntegrityError):
        add_people(1)


@pytest.mark.parametrize("claimers", [4])
def test_claimers_share_a_batch_without_overlap(database: Database, add_people: People, claimers: int) -> None:
    """Each delivery is claimed exactly once, however many claim the same batch at the same moment."""
    add_people(1, batch="b")
    names = [column.name for column in table.columns if column.name not in {"id", "occasion"} and column.computed is None]
    with database.write() as connection:
        for step in range(11 if database.is_sqlite else 15):
            occasion = sa.literal(f"{step}:", sa.Text()) + sa.cast(table.c.id, sa.Text())
            doubled = sa.select(*(table.c[name] for name in names), occasion)
            connection.execute(table.insert().from_select([*names, "occasion"], doubled))
    total = len(states(database))
    won: Counter[str] = Counter()
    barrier = threading.Barrier(claimers)

    def work(owner: str) -> None:
        barrier.wait()
        with database.write() as connection:
            claim(connection, owner)
            won[owner] = len(claims.claimed(connection, "b", owner=owner))

    threads = [threading.Thread(target=work, args=[f"owner-{number}"]) for number in range(claimers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == sum(won.values())
    assert total == (2_048 if database.is_sqlite else 32_768)


def test_only_what_is_due_and_not_parked_is_claimed(database: Database, add_people: People) -> None:
    """A later date, no date, and a parked letter are left alone."""
    ids = add_people(4, batch="b")
    with database.write() as connection:
        connection.execute(table.update().where(table.c.id == ids[0]).values(not_before=NOON + timedelta(seconds=1)))
        connection.execute(table.update().where(table.c.id == ids[1]).values(not_before=None))
        connection.execute(table.update().where(table.c.id == ids[2]).values(blocked=True))
        assert 1 == claim(connection, "a")
        assert [ids[3]] == claims.claimed(connection, "b", owner="a")
        assert 0 == claim(connection, "b")


@pytest.mark.parametrize(("owner", "token"), [("b", "t"), ("a", "other"), ("b", "other")])
def test_a_result_with_a_wrong_owner_or_token_changes_nothing(
    database: Database, add_people: People, owner: str, token: str
) -> None:
    """Only whoever marked a delivery, under that very mark, records what became of it."""
    ids = add_people(2, batch="b")
    with database.write() as connection:
        claim(connection, "a")
        assert 2 == mark(connection, ids, "a", "t")
        assert [] == claims.settle(connection, ids, State.SUBMITTED, owner=owner, token=token, now=NOON)
    assert ["submitting"] * 2 == states(database)
    with database.write() as connection:
        assert ids == claims.settle(connection, ids, State.SUBMITTED, owner="a", token="t", now=NOON)
        assert [] == claims.settle(connection, ids, State.UNCERTAIN, owner="a", token="t", now=NOON)
    assert ["submitted"] * 2 == states(database)


def test_nobody_marks_what_another_holds(database: Database, add_people: People) -> None:
    """A mark needs the claim."""
    ids = add_people(1, batch="b")
    with database.write() as connection:
        claim(connection, "a")
        assert 0 == mark(connection, ids, "b", "t")
    assert ["claimed"] == states(database)


def test_what_is_being_handed_over_is_neither_moved_nor_withheld(database: Database, add_people: People) -> None:
    """A new date, withholding, parking and releasing all leave a marked delivery alone."""
    ids = add_people(1, batch="b")
    with database.write() as connection:
        claim(connection, "a")
        mark(connection, ids, "a", "t")
        moved = deliveries.redate(
            connection, ids[0], not_before=None, closes_at=None, meant_on=None, letter_on=None, now=NOON, reason="left"
        )
        assert not moved
        assert [] == deliveries.withhold(connection, ids, reason="suppressed", now=NOON)
        claims.park(connection, ids[0], reason="refused", detail="", now=NOON)
        claims.release(connection, ids, owner="a", now=NOON)
    assert ["submitting"] == states(database)


def test_doubt_is_for_the_dead_owners_rows_only(database: Database, add_people: People) -> None:
    """Only what that owner was handing over becomes uncertain."""
    ids = add_people(3, batch="b")
    with database.write() as connection:
        connection.execute(table.update().where(table.c.id == ids[2]).values(batch_id="c"))
        claim(connection, "a")
        claim(connection, "z", batch="c")
        mark(connection, ids[:1], "a", "t")
        mark(connection, ids[2:], "z", "u")
        assert ids[:1] == claims.doubt(connection, ids, owner="a", now=NOON, detail="")
    assert ["uncertain", "claimed", "submitting"] == states(database)


def test_an_instant_must_be_aware(database: Database, add_people: People) -> None:
    """A naive datetime is a bug and never reaches the database."""
    naive = datetime(2026, 3, 3)  # noqa: DTZ001 - the bug itself
    with pytest.raises((ValueError, sa.exc.StatementError), match="aware"):
        add_people(1, not_before=naive)


def test_an_instant_comes_back_in_utc(database: Database, add_people: People) -> None:
    """Whatever the database thinks of zones."""
    (one,) = add_people(1)
    with database.read() as connection:
        found = deliveries.find(connection, one)
    assert found is not None
    assert found.not_before is not None
    assert (NOON - timedelta(hours=1), timedelta(0)) == (found.not_before, found.not_before.utcoffset())


@pytest.mark.parametrize("forged", ["", "1", "1-", "-", "1-zzzzzzzz", "x-y", "٣-a", "99999999999999999999-a"])
def test_a_forged_public_id_finds_nothing(database: Database, add_people: People, forged: str) -> None:
    """A report must name row and nonce."""
    add_people(1)
    with database.read() as connection:
        assert {} == deliveries.find_reported(connection, [forged])
