"""Surveys: how many people and letters are alike, counted by the database so that a million of them need not travel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from drip.core.delivery import State
from drip.core.enrollment import Stage
from drip.core.survey import Fate, Stand
from drip.store.tables import IS_OPEN, deliveries, enrollments, omissions

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.engine import Connection

QUARTER = timedelta(minutes=15)
"""Zones differ by quarters of an hour, so a quarter that begins at an instant lies in one hour of any of them."""


def stands(connection: Connection, course: str, calendar: datetime) -> list[Stand]:
    """Return the people of a course by where they stand, each kind with how many there are."""
    opened = enrollments.c.open_delivery.is_not(None)
    due = sa.func.coalesce(enrollments.c.next_due_at <= calendar, sa.false())
    alike = (
        enrollments.c.version_id,
        enrollments.c.state,
        enrollments.c.place,
        enrollments.c.next_lesson,
        enrollments.c.paused,
        sa.or_(opened, due).label("waits"),
    )
    query = sa.select(*alike, sa.func.count()).where(enrollments.c.course == course).group_by(*alike)
    return [
        Stand(version, state, place, following, paused, bool(waits), int(people))
        for version, state, place, following, paused, waits, people in connection.execute(query)
    ]


def omitted(connection: Connection, course: str) -> dict[str, int]:
    """Return for how many people of a course, who go on or have finished, a lesson was left out of their present run."""
    going = [Stage.ACTIVE.value, Stage.FINISHED.value]
    query = (
        sa.select(omissions.c.letter, sa.func.count())
        .join(enrollments, (enrollments.c.id == omissions.c.enrollment_id) & (enrollments.c.run == omissions.c.run))
        .where(enrollments.c.course == course, enrollments.c.state.in_(going))
        .group_by(omissions.c.letter)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}


class Due(NamedTuple):
    """How many letters fall due in the quarter of an hour that begins at an instant."""

    begins: datetime
    letters: int


def due_by_quarter(connection: Connection, course: str, begins: datetime, ends: datetime) -> list[Due]:
    """Return the letters of a course that fall due between two instants, by quarters of an hour in their order.

    They are the next letter of everybody on the course, and whatever else was opened and waits for its time.
    """
    nexts = (
        enrollments.c.course == course,
        enrollments.c.state == Stage.ACTIVE.value,
        enrollments.c.next_due_at >= begins,
        enrollments.c.next_due_at < ends,
    )
    opened = (*_waiting(course), deliveries.c.not_before >= begins, deliveries.c.not_before < ends)
    found: dict[datetime, int] = {}
    for column, conditions in ((enrollments.c.next_due_at, nexts), (deliveries.c.not_before, opened)):
        quarter = _quarter(connection, column).label("quarter")
        for number, count in connection.execute(sa.select(quarter, sa.func.count()).where(*conditions).group_by(quarter)):
            instant = _instant_of(connection, number)
            found[instant] = found.get(instant, 0) + int(count)
    return [Due(instant, found[instant]) for instant in sorted(found)]


def overdue(connection: Connection, course: str, calendar: datetime) -> int:
    """Return how many letters of a course have their time behind them and wait all the same."""
    nexts = sa.select(sa.func.count()).where(
        enrollments.c.course == course, enrollments.c.state == Stage.ACTIVE.value, enrollments.c.next_due_at < calendar
    )
    opened = sa.select(sa.func.count()).where(*_waiting(course), deliveries.c.not_before < calendar)
    return sum(int(connection.execute(query).scalar_one()) for query in (nexts, opened))


def _waiting(course: str) -> tuple[sa.ColumnElement[bool] | sa.TextClause, ...]:
    pending = deliveries.c.state == State.PENDING.value
    return IS_OPEN, pending, deliveries.c.blocked.is_(False), deliveries.c.course == course


def _quarter(connection: Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return the quarter of an hour in which an instant lies, as the database tells it quickest."""
    if connection.dialect.name == "sqlite":
        # Instants are texts of one length there: 2026-11-24 09:15:00.000000.
        text = sa.type_coerce(column, sa.Text())
        return sa.func.substr(text, 1, 14) + sa.cast(sa.cast(sa.func.substr(text, 15, 2), sa.Integer()) / 15, sa.Text())
    return sa.func.floor(sa.extract("epoch", column) / int(QUARTER.total_seconds()))


def _instant_of(connection: Connection, quarter: Any) -> datetime:  # noqa: ANN401 - a text, or a number
    if connection.dialect.name == "sqlite":
        hour, _, number = quarter.partition(":")
        return datetime.fromisoformat(f"{hour}:00").replace(tzinfo=UTC) + int(float(number)) * QUARTER
    return datetime.fromtimestamp(0, tz=UTC) + int(quarter) * QUARTER


def fates(connection: Connection, course: str, since: datetime | None) -> list[Fate]:
    """Return what became of the letters of a course by letter and version; of those opened *since* (machine time), or of all."""
    alike = (deliveries.c.letter, deliveries.c.version_id, deliveries.c.state, deliveries.c.outcome)
    query = sa.select(*alike, sa.func.count()).where(deliveries.c.course == course).group_by(*alike)
    if since is not None:
        query = query.where(deliveries.c.id >= _first_since(connection, since))
    return [
        Fate(letter, version, state, outcome, int(letters))
        for letter, version, state, outcome, letters in connection.execute(query)
    ]


def _first_since(connection: Connection, since: datetime) -> int:
    """Return an id from which on deliveries were opened since an instant: ids grow as time does, so a few looks find it."""
    low, high = 0, int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(deliveries.c.id), 0))).scalar_one()) + 1
    while low < high:
        middle = (low + high) // 2
        query = sa.select(deliveries.c.id, deliveries.c.created_at).where(deliveries.c.id >= middle)
        found = connection.execute(query.order_by(deliveries.c.id).limit(1)).first()
        if found is None or found.created_at >= since:
            high = middle
        else:
            low = found.id + 1
    return low


def nexts(connection: Connection, course: str) -> dict[str, int]:
    """Return for how many active people each lesson is the next one, by its id; those for whom none follows are left out."""
    rows = connection.execute(
        sa.select(enrollments.c.next_lesson, sa.func.count())
        .where(enrollments.c.course == course, enrollments.c.state == Stage.ACTIVE.value, enrollments.c.next_lesson.is_not(None))
        .group_by(enrollments.c.next_lesson)
    )
    return {row[0]: row[1] for row in rows}


def doubts(connection: Connection) -> int:
    """Return how many deliveries are uncertain."""
    query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.state == State.UNCERTAIN.value)
    return int(connection.execute(query).scalar_one())
