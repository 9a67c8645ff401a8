"""The stamp of a database: the door it was born for, the sandbox's calendar, and the heartbeats."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip import clock
from drip.errors import WrongDoor
from drip.store.session import add_new, lock_rows
from drip.store.tables import beats, stamp

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.store.session import Database

SANDBOX = "sandbox"
REAL = "real"

KEPT = ("ticks", "restored")
"""Heartbeats that are more than that (`store.restores`), and stay whatever a clock said."""


def claim_door(connection: Connection, door: str, *, suppression_check: str, now: datetime) -> None:
    """Stamp a new database with its *door*, or raise WrongDoor when it belongs to the other one.

    *suppression_check* is a hash under the suppression key; another key than at birth raises WrongDoor too, because
    nobody who left would be recognised.
    """
    row = connection.execute(sa.select(stamp)).first()
    if row is None:
        born = {"id": 1, "door": door, "born_at": now, "suppression_check": suppression_check}
        add_new(connection, stamp, [born])
        # Whoever came first, by a hair or by a year, decides.
        row = connection.execute(sa.select(stamp)).one()
    if row.door != door:
        msg = f"this database was made for the {row.door} door and the settings ask for the {door} one; " + (
            "unset the provider's key or choose another DRIP_DATABASE_URL"
            if row.door == SANDBOX
            else "set the provider's key again"
        )
        raise WrongDoor(msg)
    if row.suppression_check != suppression_check:
        msg = "DRIP_SUPPRESSION_KEY is not the one this database was made with; who left is known by it alone: set it back"
        raise WrongDoor(msg)


def lock(connection: Connection) -> None:
    """Let whoever else asks for this wait until the transaction ends."""
    lock_rows(connection, stamp, [1])


def now(database: Database) -> Now:
    """Return both clocks, the calendar as far ahead as this database says."""
    with database.read() as connection:
        return now_in(connection)


def now_in(connection: Connection) -> Now:
    """Return both clocks as seen in a transaction."""
    seconds = connection.execute(sa.select(stamp.c.calendar_offset_seconds)).scalar()
    return clock.read(timedelta(seconds=seconds or 0.0))


def move_calendar(connection: Connection, to: datetime) -> None:
    """Move the sandbox's calendar forward until it shows *to*; it never goes back and never moves behind a real door."""
    offset = (to - clock.machine_now()).total_seconds()
    connection.execute(
        stamp.update()
        .where(stamp.c.door == SANDBOX, stamp.c.calendar_offset_seconds < offset)
        .values(calendar_offset_seconds=offset)
    )


def beat(connection: Connection, name: str, now: Now, detail: str = "") -> None:
    """Remember that *name* was alive at *now*."""
    values = {"machine_at": now.machine, "calendar_at": now.calendar, "detail": detail}
    if connection.execute(beats.update().where(beats.c.name == name).values(**values)).rowcount == 0:
        add_new(connection, beats, [{"name": name, **values}])


def forget_future_beats(connection: Connection, now: datetime) -> None:
    """Forget heartbeats that lie in the future: a clock was wrong when they were written, and somebody has set it right."""
    connection.execute(beats.delete().where(beats.c.machine_at > now, beats.c.name.not_in(KEPT)))


def last_beat(connection: Connection, name: str) -> sa.Row[tuple[str, datetime, datetime, str]] | None:
    """Return the last heartbeat of *name* with `machine_at`, `calendar_at` and `detail`."""
    return connection.execute(sa.select(beats).where(beats.c.name == name)).first()


def database_now(connection: Connection) -> datetime:
    """Return the instant the database server shows; on SQLite that is this machine's own clock."""
    if connection.dialect.name == "sqlite":
        return clock.machine_now()
    found: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return found
