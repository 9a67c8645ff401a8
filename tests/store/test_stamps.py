"""The stamp of a database: one door, one key, and a calendar that only goes forward."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip import clock
from drip.errors import WrongDoor
from drip.store import stamps
from drip.store.session import Database
from tests.store.conftest import NOON


def claim(database: Database, door: str, check: str = "check") -> None:
    """Ask for a door."""
    with database.write() as connection:
        stamps.claim_door(connection, door, suppression_check=check, now=NOON)


@pytest.mark.parametrize(("born", "other"), [(stamps.SANDBOX, stamps.REAL), (stamps.REAL, stamps.SANDBOX)])
def test_a_database_keeps_the_door_it_was_born_for(database: Database, born: str, other: str) -> None:
    """Sandbox and real never mix, and the refusal names the remedy."""
    claim(database, born)
    claim(database, born)
    with pytest.raises(WrongDoor, match=born):
        claim(database, other)


def test_another_suppression_key_is_refused(database: Database) -> None:
    """Under another key everybody who left would be a stranger."""
    claim(database, stamps.SANDBOX)
    with pytest.raises(WrongDoor, match="DRIP_SUPPRESSION_KEY"):
        claim(database, stamps.SANDBOX, "another")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(st.lists(st.integers(min_value=-10_000, max_value=10_000), max_size=6))
def test_the_calendar_only_goes_forward(database: Database, hours: list[int]) -> None:
    """Whatever it is moved to, it never shows an earlier day than before."""
    claim(database, stamps.SANDBOX)
    for number in hours:
        before = stamps.now(database).calendar
        to = clock.machine_now() + timedelta(hours=number)
        with database.write() as connection:
            stamps.move_calendar(connection, to)
        assert max(before, to) <= stamps.now(database).calendar + timedelta(milliseconds=5)


def test_the_calendar_never_moves_behind_a_real_door(database: Database) -> None:
    """With a real provider both clocks agree."""
    claim(database, stamps.REAL)
    with database.write() as connection:
        stamps.move_calendar(connection, clock.machine_now() + timedelta(days=9))
    now = stamps.now(database)
    assert now.machine == now.calendar
