"""Many people at once: who of a page is known, and the rows of those who are not, a few statements for all of them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from drip.core.delivery import CONFIRM_LETTER, Kind, State
from drip.core.enrollment import Stage
from drip.store.session import among, lock_rows
from drip.store.tables import IS_OPEN, consents, deliveries, enrollments, omissions, stamp, subscribers, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

SOURCE = "import"
"""What consents and notes of imported people begin with."""


def one_at_a_time(connection: Connection) -> None:
    """Let other imports wait until the transaction ends: what one brings in while another bars it, neither would see."""
    lock_rows(connection, stamp, [1])


class Known(NamedTuple):
    """A subscriber with one of the looked-up addresses; *state* is None where she is not on the course."""

    id: int
    erased: bool
    state: str | None


def known(connection: Connection, address_keys: Iterable[str], course: str) -> dict[str, Known]:
    """Return whom the database knows by one of *address_keys*, by key."""
    rows = connection.execute(
        sa.select(subscribers.c.address_key, subscribers.c.id, subscribers.c.erased_at, enrollments.c.state)
        .outerjoin(enrollments, (enrollments.c.subscriber_id == subscribers.c.id) & (enrollments.c.course == course))
        .where(among(subscribers.c.address_key, address_keys))
    )
    return {key: Known(subscriber_id, erased_at is not None, state) for key, subscriber_id, erased_at, state in rows}


def count_entered_from(connection: Connection, subscriber_ids: Iterable[int], sha256: str) -> int:
    """Return how many of these subscribers came in from the file with this digest."""
    query = sa.select(sa.func.count(sa.distinct(consents.c.subscriber_id))).where(
        among(consents.c.subscriber_id, subscriber_ids), consents.c.source == SOURCE, consents.c.form.contains(sha256)
    )
    return int(connection.execute(query).scalar_one())


def ensure_subscribers(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Store those of *rows* whose key is new, lock all of them in the order of their ids, and return the ids by key.

    Whoever is known already keeps her name and her zone.
    """
    if rows:
        connection.execute(_insert(connection, subscribers).on_conflict_do_nothing(), list(rows))
    keys = [row["address_key"] for row in rows]
    found = connection.execute(
        sa.select(subscribers.c.address_key, subscribers.c.id).where(among(subscribers.c.address_key, keys))
    ).all()
    lock_rows(connection, subscribers, sorted(row.id for row in found))
    return {row.address_key: row.id for row in found}


def forget_new(connection: Connection, subscriber_ids: Iterable[int], created_at: datetime) -> None:
    """Delete those of these subscribers whom this very transaction made: they must not come in after all."""
    made = subscribers.c.created_at == created_at
    here = sa.exists().where(enrollments.c.subscriber_id == subscribers.c.id)
    connection.execute(subscribers.delete().where(among(subscribers.c.id, subscriber_ids), made, ~here))


def _insert(connection: Connection, table: sa.Table) -> Any:  # noqa: ANN401 - each dialect has its own class
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def enter(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store enrollments and return their ids in the order of *rows*; their subscribers must be locked."""
    if not rows:
        return []
    public_ids = [secrets.token_urlsafe(12) for _ in rows]
    values = [{"public_id": public_id, **row} for public_id, row in zip(public_ids, rows, strict=True)]
    connection.execute(enrollments.insert(), values)
    found = connection.execute(
        sa.select(enrollments.c.public_id, enrollments.c.id).where(among(enrollments.c.public_id, public_ids))
    )
    ids = {row.public_id: row.id for row in found}
    return [ids[public_id] for public_id in public_ids]


def note_consents(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append many entries to the record of consents."""
    if rows:
        connection.execute(consents.insert(), [{"source": SOURCE, **row} for row in rows])


def note_passed(
    connection: Connection, enrollment_ids: Sequence[int], letters: Sequence[str], *, version_id: int, reason: str
) -> None:
    """Remember for many people in their first run the same lessons that they will not get; one statement for all."""
    if not letters or not enrollment_ids:
        return
    names = sa.union_all(*(sa.select(sa.literal(letter, sa.Text()).label("letter")) for letter in letters)).subquery()
    facts = (enrollments.c.id, sa.literal(1), names.c.letter, sa.literal(version_id), sa.literal(reason, sa.Text()))
    rows = sa.select(*facts).select_from(enrollments.join(names, sa.true())).where(among(enrollments.c.id, enrollment_ids))
    columns = ["enrollment_id", "run", "letter", "version_id", "reason"]
    connection.execute(omissions.insert().from_select(columns, rows))


def waiting_confirmations(connection: Connection, course: str) -> list[datetime]:
    """Return for when the confirmation letters of a course wait that are not on their way yet."""
    query = sa.select(deliveries.c.not_before).where(
        IS_OPEN,
        deliveries.c.state == State.PENDING.value,
        deliveries.c.course == course,
        deliveries.c.kind == Kind.CONFIRMATION.value,
        deliveries.c.letter == CONFIRM_LETTER,
        deliveries.c.not_before.is_not(None),
    )
    return list(connection.execute(query).scalars())


# The register --------------------------------------------------------------------------------------------------------


def any_list_imported(connection: Connection) -> bool:
    """Whether a list of addresses that must not be mailed was ever brought in."""
    query = sa.select(suppressions.c.address_key).where(suppressions.c.note.startswith(f"{SOURCE}:")).limit(1)
    return connection.execute(query).first() is not None


def registered(connection: Connection, address_keys: Iterable[str]) -> set[tuple[str, str]]:
    """Return which of *address_keys* stand in the register, each with the course for which it does."""
    rows = connection.execute(
        sa.select(suppressions.c.address_key, suppressions.c.course).where(among(suppressions.c.address_key, address_keys))
    )
    return {(row.address_key, row.course) for row in rows}


def register(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Enter many addresses into the register; what stands there stays as it is."""
    if rows:
        connection.execute(_insert(connection, suppressions).on_conflict_do_nothing(), list(rows))


class Running(NamedTuple):
    """A run that is not over, of somebody at a looked-up address."""

    address_key: str
    subscriber_id: int
    enrollment_id: int
    course: str


def running(connection: Connection, address_keys: Iterable[str]) -> list[Running]:
    """Return the runs that are not over of everybody at one of *address_keys*."""
    columns = (subscribers.c.address_key, subscribers.c.id, enrollments.c.id, enrollments.c.course)
    rows = connection.execute(
        sa.select(*columns)
        .join(enrollments, enrollments.c.subscriber_id == subscribers.c.id)
        .where(
            among(subscribers.c.address_key, address_keys),
            enrollments.c.state.in_([Stage.ACTIVE.value, Stage.ASKED.value]),
        )
        .order_by(enrollments.c.id)
    )
    return [Running(*row) for row in rows]


class Share(NamedTuple):
    """How many addresses stand in the register for one reason and course, and since when."""

    reason: str
    course: str
    addresses: int
    first: datetime
    last: datetime


def shares(connection: Connection) -> list[Share]:
    """Return what the register holds, by reason and course."""
    columns = (suppressions.c.reason, suppressions.c.course)
    first, last = sa.func.min(suppressions.c.at), sa.func.max(suppressions.c.at)
    query = sa.select(*columns, sa.func.count(), first, last).group_by(*columns).order_by(*columns)
    return [Share(*row) for row in connection.execute(query)]


class Entry(NamedTuple):
    """One line of the register."""

    reason: str
    course: str
    at: datetime
    note: str


def entries(connection: Connection, address_key: str) -> list[Entry]:
    """Return what the register says of one address."""
    columns = (suppressions.c.reason, suppressions.c.course, suppressions.c.at, suppressions.c.note)
    query = sa.select(*columns).where(suppressions.c.address_key == address_key).order_by(suppressions.c.course)
    return [Entry(*row) for row in connection.execute(query)]
