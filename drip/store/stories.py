"""What happened to one person on a course, as it is stored: her letters and what she said, oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from drip.store.tables import consents, deliveries, lesson_holds, suppressions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.engine import Connection


class Letter(NamedTuple):
    """A delivery with all that decided on it; `created_at`, `state_at` and `outcome_at` are machine time."""

    letter: str
    occasion: str
    kind: str
    state: str
    reason: str
    detail: str
    outcome: str | None
    outcome_at: datetime | None
    version_id: int
    meant_on: date
    letter_on: date
    not_before: datetime | None
    closes_at: datetime | None
    went_on: date | None
    created_at: datetime
    state_at: datetime
    claims: int
    blocked: bool
    short: bool
    resumed: bool
    asked: bool


class Said(NamedTuple):
    """One line of the record of consents; `at` is machine time."""

    action: str
    at: datetime
    source: str
    wording: str


def letters(connection: Connection, enrollment_id: int) -> list[Letter]:
    """Return every delivery of an enrollment, in any run, oldest first."""
    columns = (deliveries.c[name] for name in Letter._fields)
    query = sa.select(*columns).where(deliveries.c.enrollment_id == enrollment_id).order_by(deliveries.c.id)
    return [Letter._make(row) for row in connection.execute(query)]


def said(connection: Connection, subscriber_id: int, course: str) -> list[Said]:
    """Return what a subscriber agreed to and took back in a course, oldest first."""
    columns = (consents.c[name] for name in Said._fields)
    query = sa.select(*columns).where(consents.c.subscriber_id == subscriber_id, consents.c.course == course)
    return [Said._make(row) for row in connection.execute(query.order_by(consents.c.id))]


def registered(connection: Connection, address_key: str) -> list[tuple[str, str, datetime]]:
    """Return where an address stands in the register: the course ('' for every one), the reason, and since when."""
    query = sa.select(suppressions.c.course, suppressions.c.reason, suppressions.c.at)
    rows = connection.execute(query.where(suppressions.c.address_key == address_key).order_by(suppressions.c.course))
    return [(row.course, row.reason, row.at) for row in rows]


def nobody(registered: Sequence[tuple[str, str, datetime]]) -> str:
    """Return in words that there is nobody by an address, and what the register says of it."""
    if not registered:
        return "there is nobody by this address, and the register does not know it either"
    lines = [f"{reason} since {at:%Y-%m-%d}{f' ({course})' if course else ''}" for course, reason, at in registered]
    return f"there is nobody by this address; the register of those who must not be mailed says: {', '.join(lines)}"


def why_held(connection: Connection, course: str, letter: str, version_id: int) -> str:
    """Return why a lesson of a version is held; '' when it is not."""
    row = connection.execute(
        sa.select(lesson_holds.c.reason, lesson_holds.c.detail).where(
            lesson_holds.c.course == course, lesson_holds.c.letter == letter, lesson_holds.c.version_id == version_id
        )
    ).first()
    return "" if row is None else ": ".join(part for part in (row.reason, row.detail) if part)
