"""Chores: what the provider must still be told about an address, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.store.session import add_new, among
from drip.store.tables import chores

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

ERASE = "erase"
CLEAR = "clear"
MOVED = "moved"
"""Why an address is erased whose subscriber stays: her letters go to another one."""

LEASE = timedelta(minutes=2)
"""How long whoever took a chore has for it; longer than any request takes."""
HOLD = timedelta(minutes=5)
"""How long the letters of somebody who is back wait at most until the provider took her off its list."""


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to tell the provider; *subscriber_id* is null once nothing of hers is here."""

    id: int
    kind: str
    address: str
    address_key: str
    subscriber_id: int | None
    reason: str
    asked_at: datetime
    tries: int


_COLUMNS = [chores.c[name] for name in Chore.__dataclass_fields__]


def ask(
    connection: Connection,
    kind: str,
    *,
    address: str,
    address_key: str,
    subscriber_id: int | None,
    reason: str,
    now: datetime,
) -> None:
    """Note what the provider must be told; asked again, it is due again at once. *now* is machine time."""
    fresh = {"subscriber_id": subscriber_id, "reason": reason, "asked_at": now, "not_before": now, "tries": 0, "detail": ""}
    row = {"kind": kind, "address": address, "address_key": address_key, **fresh}
    if not add_new(connection, chores, [row]):
        same = (chores.c.address_key == address_key, chores.c.kind == kind)
        connection.execute(chores.update().where(*same).values(address=address, **fresh))


def rename(connection: Connection, kind: str, address_key: str, other: str) -> None:
    """Keep a chore of an earlier subscriber at an address beside the new one: it goes by *other* from now on."""
    same = (chores.c.kind == kind, chores.c.address_key == address_key, chores.c.subscriber_id.is_not(None))
    connection.execute(chores.update().where(*same).values(address_key=other))


def drop(connection: Connection, kind: str, address_key: str) -> None:
    """Take a chore back."""
    connection.execute(chores.delete().where(chores.c.kind == kind, chores.c.address_key == address_key))


def drop_many(connection: Connection, kind: str, address_keys: Iterable[str]) -> None:
    """Take back the chores of a *kind* of many addresses."""
    connection.execute(chores.delete().where(chores.c.kind == kind, among(chores.c.address_key, address_keys)))


def drop_clearings(connection: Connection, subscriber_ids: Sequence[int]) -> None:
    """Take back every clearing that was asked for some subscribers, under whichever address they had then."""
    connection.execute(chores.delete().where(chores.c.kind == CLEAR, among(chores.c.subscriber_id, subscriber_ids)))


def drop_moved(connection: Connection, address_key: str) -> None:
    """Take back what the provider was to erase because somebody moved away from an address: somebody moves in."""
    same = (chores.c.kind == ERASE, chores.c.address_key == address_key, chores.c.reason == MOVED)
    connection.execute(chores.delete().where(*same))


def unfinished(connection: Connection, limit: int) -> list[int]:
    """Return subscribers who asked to be erased and whose rows are still here, the longest waiting first."""
    query = sa.select(chores.c.subscriber_id).where(chores.c.kind == ERASE, chores.c.subscriber_id.is_not(None))
    longest = query.group_by(chores.c.subscriber_id).order_by(sa.func.min(chores.c.id)).limit(limit)
    return [int(found) for found in connection.execute(longest).scalars() if found is not None]


def keys_of(connection: Connection, subscriber_id: int) -> list[str]:
    """Return the keyed addresses of an erased subscriber, which her own row holds no more."""
    query = sa.select(chores.c.address_key).where(chores.c.kind == ERASE, chores.c.subscriber_id == subscriber_id)
    return list(connection.execute(query).scalars())


def rows_are_gone(connection: Connection, subscriber_id: int) -> None:
    """Note that nothing of a subscriber is here any more; what is left is to tell the provider."""
    connection.execute(chores.update().where(chores.c.subscriber_id == subscriber_id).values(subscriber_id=None))


def due_kinds(connection: Connection, now: datetime) -> set[str]:
    """Return of which kinds there are chores to be done now."""
    return set(connection.execute(sa.select(chores.c.kind).where(chores.c.not_before <= now).distinct()).scalars())


def claim(connection: Connection, kind: str, now: datetime, limit: int) -> list[Chore]:
    """Take due chores of a *kind* for one try; nobody else is given them before the lease is over."""
    due = (
        sa.select(*_COLUMNS)
        .where(chores.c.kind == kind, chores.c.not_before <= now)
        .order_by(chores.c.not_before, chores.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # A clearing names a subscriber who stays; an erasure waits until her rows are gone.
    due = due.where(chores.c.subscriber_id.is_(None)) if kind == ERASE else due
    found = [Chore(*row) for row in connection.execute(due)]
    taken = chores.update().where(among(chores.c.id, [one.id for one in found]))
    if found:
        connection.execute(taken.values(not_before=now + LEASE, tries=chores.c.tries + 1))
    return found


def done(connection: Connection, taken: Sequence[Chore]) -> None:
    """Delete chores that were done; one that was asked for again meanwhile stays."""
    for one in taken:
        connection.execute(chores.delete().where(*_same(one)))


def again(connection: Connection, taken: Sequence[Chore], *, not_before: datetime, detail: str) -> None:
    """Try chores again at *not_before*; *detail* says what kept the provider, without an address."""
    for one in taken:
        connection.execute(chores.update().where(*_same(one)).values(not_before=not_before, detail=detail))


def _same(one: Chore) -> tuple[sa.ColumnElement[bool], ...]:
    return chores.c.id == one.id, chores.c.asked_at == one.asked_at, chores.c.tries == one.tries + 1


def holding(connection: Connection, address_keys: Iterable[str], now: datetime) -> set[str]:
    """Return those of *address_keys* whose letters wait: the provider is about to take them off its list of unsubscribes.

    They wait no longer than `HOLD`, and no longer than until the provider refused.
    """
    query = sa.select(chores.c.address_key).where(
        chores.c.kind == CLEAR, chores.c.asked_at > now - HOLD, chores.c.not_before < now + HOLD
    )
    waiting = set(connection.execute(query).scalars())
    return waiting.intersection(address_keys) if waiting else waiting


@dataclass(frozen=True, slots=True)
class Standing:
    """Chores of one kind that wait for the same thing: how many, since when, until when, and what the provider said."""

    kind: str
    count: int
    asked_at: datetime
    not_before: datetime
    detail: str


def standing(connection: Connection) -> list[Standing]:
    """Return what is still to be told, alike ones together; no address is among it."""
    query = (
        sa.select(
            chores.c.kind, sa.func.count(), sa.func.min(chores.c.asked_at), sa.func.min(chores.c.not_before), chores.c.detail
        )
        .group_by(chores.c.kind, chores.c.detail)
        .order_by(chores.c.kind, chores.c.detail)
    )
    return [Standing(*row) for row in connection.execute(query)]
