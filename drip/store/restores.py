"""Restores: how it is noticed that a database came back from a backup, and what the books need for the letters since.

The database counts its ticks, and each host remembers the count in a file of its own. A count that is behind what a host
remembers belongs to an older state of the same database. A restored one stands still until an operator has spoken.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from drip.core.delivery import OPEN, State
from drip.core.enrollment import Stage
from drip.store.session import add_new
from drip.store.stamps import REAL, last_beat
from drip.store.tables import IS_OPEN, beats, deliveries, enrollments, stamp

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from drip.clock import Now

COUNT = "ticks"
STANDSTILL = "restored"
"""Rows of `beats`: how many ticks the database saw, and that it stands still since it came back."""

STRANGE_AFTER = timedelta(hours=1)
"""After this long without a tick, a host that has never seen a real database asks whether it came from a backup."""

WENT_BACK = "the database is older than what this machine remembers of it: it was restored from a backup"
NEVER_SEEN = "this machine has never seen the database, and nothing has run on it for long: was it restored from a backup?"


class Count(NamedTuple):
    """How many ticks a database saw in its present life; an operator who answers for a restore begins another life."""

    life: int
    ticks: int


class Standstill(NamedTuple):
    """Why a database stands still, and up to when its books are known; *until* is set once an operator has begun to answer."""

    why: str
    since: datetime
    until: datetime | None


# The count ----------------------------------------------------------------------------------------------------------


def count(connection: Connection, now: Now) -> Count:
    """Count one tick and return the count; the row is locked until the transaction ends."""
    found = counted(connection, lock=True)
    after = Count(0, 1) if found is None else found._replace(ticks=found.ticks + 1)
    _write_count(connection, after, now, new=found is None)
    return after


def counted(connection: Connection, *, lock: bool = False) -> Count | None:
    """Return the count; None where no tick was ever counted."""
    query = sa.select(beats.c.detail).where(beats.c.name == COUNT)
    found = connection.execute(query.with_for_update() if lock else query).scalar()
    return None if found is None else Count(*map(int, found.split()))


def _write_count(connection: Connection, after: Count, now: Now, *, new: bool) -> None:
    values = {"machine_at": now.machine, "calendar_at": now.calendar, "detail": f"{after.life} {after.ticks}"}
    if new:
        add_new(connection, beats, [{"name": COUNT, **values}])
    else:
        connection.execute(beats.update().where(beats.c.name == COUNT).values(**values))


class Memory:
    """What one host remembers of its database, in a file in the state folder, which no backup of the database holds."""

    def __init__(self, path: Path, door: str) -> None:
        """Remember in *path*; at the real *door* a database that was never seen here is strange."""
        self._path = path
        self._door = door

    def doubts(self, connection: Connection, now: datetime) -> str:
        """Return why the database may have come back from a backup; '' when nothing speaks for it."""
        here = counted(connection)
        known = self._read()
        if known is not None and known[0] == _born(connection):
            return WENT_BACK if (here or Count(0, 0)) < known[1] else ""
        last = last_beat(connection, COUNT)
        strange = self._door == REAL and last is not None and now - last.machine_at > STRANGE_AFTER
        return NEVER_SEEN if strange else ""

    def keep(self, connection: Connection) -> None:
        """Remember the count as it is committed; a disk that takes nothing costs the memory and no tick."""
        found = counted(connection)
        aside = self._path.with_suffix(f".{os.getpid()}")
        if found is not None:
            with suppress(OSError):
                aside.write_text(json.dumps({"born": _born(connection), "count": found}), encoding="ascii")
                aside.replace(self._path)

    def _read(self) -> tuple[str, Count] | None:
        try:
            found = json.loads(self._path.read_text(encoding="ascii"))
            return str(found["born"]), Count(*map(int, found["count"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _born(connection: Connection) -> str:
    """Return the instant at which this database was made: another one in the same folder is not compared with it."""
    found = connection.execute(sa.select(stamp.c.born_at)).scalar()
    return "" if found is None else found.isoformat()


# Standing still -----------------------------------------------------------------------------------------------------


def standstill(connection: Connection) -> Standstill | None:
    """Return why nothing goes on in this database until an operator has spoken; None when it goes on."""
    found = connection.execute(sa.select(beats.c.detail).where(beats.c.name == STANDSTILL)).scalar()
    if found is None:
        return None
    facts = json.loads(found)
    until = datetime.fromisoformat(facts["until"]) if facts["until"] else None
    return Standstill(facts["why"], datetime.fromisoformat(facts["since"]), until)


def stand_still(connection: Connection, found: Standstill, now: Now) -> None:
    """Let nothing go on in this database from here on, and show that whoever asked is alive."""
    facts = {"why": found.why, "since": found.since.isoformat(), "until": found.until.isoformat() if found.until else None}
    values = {"machine_at": now.machine, "calendar_at": now.calendar, "detail": json.dumps(facts)}
    if connection.execute(beats.update().where(beats.c.name == STANDSTILL).values(**values)).rowcount == 0:
        add_new(connection, beats, [{"name": STANDSTILL, **values}])


def go_on(connection: Connection, now: Now) -> None:
    """End the standstill: a life of its own begins, which is ahead of whatever any host remembers."""
    found = counted(connection, lock=True)
    life = max(int(now.machine.timestamp()), 1 + (found.life if found else 0))
    _write_count(connection, Count(life, 0), now, new=found is None)
    connection.execute(beats.delete().where(beats.c.name == STANDSTILL))


# The books ----------------------------------------------------------------------------------------------------------


def open_page(connection: Connection, until: datetime, after: int, limit: int) -> list[tuple[int, int, int]]:
    """Return deliveries that were open and whose time had come by *until*, each with its enrollment and subscriber."""
    query = (
        sa.select(deliveries.c.id, deliveries.c.enrollment_id, deliveries.c.subscriber_id)
        .where(IS_OPEN, deliveries.c.not_before <= until, deliveries.c.id > after)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return [(row.id, row.enrollment_id, row.subscriber_id) for row in connection.execute(query)]


def due_page(connection: Connection, until: datetime, after: int, limit: int) -> list[tuple[int, int]]:
    """Return active enrollments whose next letter fell due by *until*, each with its subscriber."""
    query = (
        sa.select(enrollments.c.id, enrollments.c.subscriber_id)
        .where(enrollments.c.next_due_at <= until, enrollments.c.state == Stage.ACTIVE.value, enrollments.c.id > after)
        .order_by(enrollments.c.id)
        .limit(limit)
    )
    return [(row.id, row.subscriber_id) for row in connection.execute(query)]


def lose_sight(connection: Connection, delivery_id: int, *, went_on: date, detail: str, now: datetime) -> bool:
    """Turn an open delivery into one in doubt, since it may have gone on *went_on*; False when it is open no more."""
    moved = connection.execute(
        deliveries.update()
        .where(deliveries.c.id == delivery_id, deliveries.c.state.in_([state.value for state in OPEN]))
        .values(
            state=State.UNCERTAIN.value,
            went_on=went_on,
            detail=detail,
            reason="",
            blocked=False,
            owner=None,
            token=None,
            state_at=now,
        )
    )
    return moved.rowcount == 1
