"""Wishes: what strangers typed into forms, stored unread and worked off once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.store.tables import wishes

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

SIGN_UP, MY_PAGE, FRESH, ENOUGH = "sign-up", "my-page", "fresh", "enough"
"""To join a course; to be mailed the link to her page; to be asked once more by a fresh letter."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One stored form.

    *address* is what was typed, in its one spelling; for a fresh letter it is what the link says that had grown old. *at* is
    the instant of the press or the call (machine time).
    """

    kind: str
    course: str
    address: str
    at: datetime
    name: str = ""
    timezone: str = ""
    country: str = ""
    wording: str = ""
    source: str = ""
    form: str = ""
    network_address: str = ""
    weekday: int | None = None
    pace: int = 1


_COLUMNS = [wishes.c[name] for name in Wish.__dataclass_fields__]


def add(connection: Connection, wish: Wish) -> None:
    """Store a form; nobody is looked up."""
    connection.execute(wishes.insert().values(**asdict(wish)))


def waiting(connection: Connection, limit: int) -> list[int]:
    """Return the ids of a page of wishes, oldest first."""
    return list(connection.execute(sa.select(wishes.c.id).order_by(wishes.c.id).limit(limit)).scalars())


def take(connection: Connection, wish_id: int) -> Wish | None:
    """Take a wish out of the store and return it; None when another worker has it.

    Whatever becomes of it is in the same transaction: a worker that dies leaves the wish where it was.
    """
    mine = sa.select(wishes.c.id).where(wishes.c.id == wish_id).with_for_update(skip_locked=True).scalar_subquery()
    row = connection.execute(wishes.delete().where(wishes.c.id == mine).returning(*_COLUMNS)).first()
    return None if row is None else Wish(*row)
