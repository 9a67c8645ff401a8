"""Askings: what was typed into the forms that letters answer, kept beside them until one of them is confirmed."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.store.session import among
from drip.store.tables import askings, enrollments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Asking:
    """What somebody typed of herself, and the *wording* she agreed to; an empty *timezone* means the course's."""

    name: str = ""
    timezone: str = ""
    country: str = ""
    weekday: int | None = None
    pace: int = 1
    wording: str = ""


_COLUMNS = [askings.c[name] for name in Asking.__dataclass_fields__]


def keep(connection: Connection, enrollment_id: int, asking: Asking, *, now: datetime) -> str:
    """Keep an asking of somebody whose enrollment is locked, and return the public id by which links name it.

    Whoever types the same once more asks the same: one row, one id.
    """
    values = asdict(asking)
    same = [askings.c[name].is_(None) if value is None else askings.c[name] == value for name, value in values.items()]
    known = sa.select(askings.c.public_id).where(askings.c.enrollment_id == enrollment_id, *same)
    found = connection.execute(known.limit(1)).scalar()
    if found is not None:
        touch(connection, enrollment_id, str(found), now=now)
        return str(found)
    public_id = secrets.token_urlsafe(9)
    connection.execute(askings.insert().values(public_id=public_id, enrollment_id=enrollment_id, at=now, **values))
    return public_id


def touch(connection: Connection, enrollment_id: int, public_id: str, *, now: datetime) -> None:
    """Note that an asking was made again, so that it is kept as long as a new one."""
    same = (askings.c.public_id == public_id, askings.c.enrollment_id == enrollment_id)
    connection.execute(askings.update().where(*same).values(at=now))


def find(connection: Connection, enrollment_id: int, public_id: str) -> Asking | None:
    """Return what was typed for an enrollment in the form that a link names; None for another's, and once it is forgotten."""
    query = sa.select(*_COLUMNS).where(askings.c.public_id == public_id, askings.c.enrollment_id == enrollment_id)
    row = connection.execute(query).first()
    return None if row is None else Asking(*row)


def forget(connection: Connection, enrollment_ids: Sequence[int]) -> None:
    """Delete everything that was typed for some enrollments: one of the letters was confirmed, or nobody will."""
    connection.execute(askings.delete().where(among(askings.c.enrollment_id, enrollment_ids)))


def forget_of(connection: Connection, subscriber_id: int) -> None:
    """Delete everything that was typed for a subscriber."""
    hers = sa.select(enrollments.c.id).where(enrollments.c.subscriber_id == subscriber_id)
    connection.execute(askings.delete().where(askings.c.enrollment_id.in_(hers)))


def forget_old(connection: Connection, before: datetime) -> None:
    """Delete what was last typed earlier than *before* (machine time): no link that answers it opens any more."""
    connection.execute(askings.delete().where(askings.c.at < before))
