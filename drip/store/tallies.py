"""Tallies: how many letters went in which hour, counted where they are recorded, by each process for itself."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.store.session import add_new
from drip.store.tables import tallies

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from sqlalchemy.engine import Connection

    from drip.clock import Now

HOUR = timedelta(hours=1)
KEPT = timedelta(days=8)
"""How long the hours are remembered: complaints about a letter may come a week after it."""


def hour_of(instant: datetime) -> datetime:
    """Return the instant at which the hour of *instant* began."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def add(connection: Connection, course: str, letters: int, *, owner: str, now: Now) -> None:
    """Count *letters* of a course that *owner* handed over just now."""
    if not letters:
        return
    hour = hour_of(now.calendar)
    mine = (tallies.c.course == course, tallies.c.hour == hour, tallies.c.owner == owner)
    more = tallies.update().where(*mine).values(letters=tallies.c.letters + letters, last_at=now.machine)
    if connection.execute(more).rowcount == 0:
        add_new(connection, tallies, [{"course": course, "hour": hour, "owner": owner, "letters": 0, "last_at": now.machine}])
        connection.execute(more)


def in_hour(connection: Connection, course: str, calendar: datetime) -> int:
    """Return how many letters of a course went in the hour of *calendar*, as the clock counts hours."""
    return _sum(connection, tallies.c.course == course, tallies.c.hour == hour_of(calendar))


def on_day(connection: Connection, course: str, day: date, zone: ZoneInfo) -> int:
    """Return how many letters of a course went on a calendar *day* of *zone*."""
    begins, ends = (datetime.combine(one, time(0), zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    return _sum(connection, tallies.c.course == course, tallies.c.hour >= begins, tallies.c.hour < ends)


def on_machine_day(connection: Connection, day: date) -> int:
    """Return how many letters of all courses went on a *day* of the machine's clock, in UTC."""
    begins = datetime.combine(day, time(0), UTC)
    return _sum(connection, tallies.c.last_at >= begins, tallies.c.last_at < begins + timedelta(days=1))


def forget(connection: Connection, machine: datetime) -> None:
    """Delete what is too long ago to be asked for."""
    connection.execute(tallies.delete().where(tallies.c.last_at < machine - KEPT))


def _sum(connection: Connection, *conditions: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(tallies.c.letters), 0)).where(*conditions)).scalar_one())
