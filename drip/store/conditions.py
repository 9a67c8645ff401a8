"""What a database says of itself: its kind and version, how it keeps its journal, its clock, and what it may forget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.delivery import State
from drip.core.enrollment import Stage
from drip.store.stamps import database_now
from drip.store.tables import deliveries, enrollments, events, stamp

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from drip.store.session import Database

KEEPING = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""PostgreSQL's settings without which what it confirmed may be lost, as they should be."""

KEEPING_TOO = {"synchronous_commit": {"local", "remote_write", "remote_apply"}}


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database that answers is set up; what only the other kind knows is None or nothing."""

    version: int
    shown: str
    now: datetime
    journal: str | None
    forgets: tuple[str, ...]


def condition(connection: Connection) -> Condition:
    """Return how a database is set up."""
    if connection.dialect.name == "sqlite":
        shown = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
        journal = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()).lower()
        return Condition(0, shown, database_now(connection), journal, ())
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    shown = str(connection.exec_driver_sql("SHOW server_version").scalar_one()).partition(" ")[0]
    said = {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in KEEPING}
    forgets = tuple(
        f"{name} {value}" for name, value in said.items() if value != KEEPING[name] and value not in KEEPING_TOO.get(name, ())
    )
    return Condition(version, shown, database_now(connection).astimezone(UTC), None, forgets)


def stamped(connection: Connection) -> tuple[str, str, timedelta]:
    """Return the door that a database was made for, the mark of its suppression key, and how far its calendar is ahead.

    All is empty for one that has no stamp yet; nothing is written.
    """
    columns = (stamp.c.door, stamp.c.suppression_check, stamp.c.calendar_offset_seconds)
    row = connection.execute(sa.select(*columns)).first()
    return ("", "", timedelta(0)) if row is None else (row[0], row[1], timedelta(seconds=row[2]))


def sqlite_file(database: Database) -> Path | None:
    """Return the file of a SQLite database; None for another kind, and for one in memory."""
    path = database.url.removeprefix("sqlite:///").partition("?")[0]
    return Path(path) if database.is_sqlite and path and ":memory:" not in path else None


def handed_over(connection: Connection, *, since: datetime, until: datetime) -> int:
    """Return how many letters the provider took between two instants."""
    query = sa.select(sa.func.count()).where(
        deliveries.c.state == State.SUBMITTED.value, deliveries.c.state_at >= since, deliveries.c.state_at < until
    )
    return int(connection.execute(query).scalar_one())


def last_report(connection: Connection) -> datetime | None:
    """Return when the provider's last report came in."""
    return connection.execute(sa.select(events.c.received_at).order_by(events.c.id.desc()).limit(1)).scalar()


def in_doubt(connection: Connection) -> int:
    """Return how many letters are in doubt."""
    query = sa.select(sa.func.count()).where(deliveries.c.state == State.UNCERTAIN.value)
    return int(connection.execute(query).scalar_one())


def coming_to(connection: Connection, course: str) -> dict[str, int]:
    """Return how many active people have each lesson of a course as their next one, by the id that it has in the books."""
    rows = connection.execute(
        sa.select(enrollments.c.next_lesson, sa.func.count())
        .where(enrollments.c.course == course, enrollments.c.state == Stage.ACTIVE.value, enrollments.c.next_lesson.is_not(None))
        .group_by(enrollments.c.next_lesson)
    )
    return {row[0]: row[1] for row in rows}
