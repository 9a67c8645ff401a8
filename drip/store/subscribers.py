"""Subscribers, their consents, and the register of addresses that must not be mailed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.delivery import AT_HER_WISH
from drip.core.event import WEIGHT, lighter
from drip.store.session import add_new, add_new_of, among, lock_rows
from drip.store.tables import consents, subscribers, suppressions

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

EVERY_COURSE = ""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person at an address; *address* is None once she is erased."""

    id: int
    address: str | None
    address_key: str
    name: str
    timezone: str | None
    created_at: datetime
    erased_at: datetime | None


def find(connection: Connection, subscriber_id: int) -> Subscriber | None:
    """Return the subscriber with this id."""
    row = connection.execute(sa.select(subscribers).where(subscribers.c.id == subscriber_id)).first()
    return None if row is None else Subscriber(*row)


def find_by_key(connection: Connection, address_key: str) -> Subscriber | None:
    """Return the subscriber whose address has this keyed hash."""
    row = connection.execute(sa.select(subscribers).where(subscribers.c.address_key == address_key)).first()
    return None if row is None else Subscriber(*row)


def find_by_keys(connection: Connection, address_keys: Iterable[str]) -> dict[str, int]:
    """Return the ids of the subscribers whose addresses have these keyed hashes."""
    query = sa.select(subscribers.c.address_key, subscribers.c.id).where(among(subscribers.c.address_key, address_keys))
    return {row.address_key: row.id for row in connection.execute(query)}


def keys_by_id(connection: Connection, subscriber_ids: Iterable[int]) -> dict[int, str]:
    """Return the keyed addresses of some subscribers by their ids; whoever was erased has none any more."""
    query = sa.select(subscribers.c.id, subscribers.c.address_key).where(
        among(subscribers.c.id, subscriber_ids), subscribers.c.erased_at.is_(None)
    )
    return {row.id: row.address_key for row in connection.execute(query)}


def keys_of(connection: Connection, subscriber_ids: Iterable[int]) -> list[str]:
    """Return the keyed addresses of some subscribers."""
    query = sa.select(subscribers.c.address_key).where(among(subscribers.c.id, subscriber_ids))
    return list(connection.execute(query).scalars())


def add(connection: Connection, *, address: str, address_key: str, name: str, timezone: str | None, now: datetime) -> int:
    """Store a subscriber and return her id; one who was erased or is known gets her new values."""
    values = {"address": address, "name": name, "timezone": timezone, "erased_at": None}
    add_new(connection, subscribers, [{"address_key": address_key, "created_at": now, **values}])
    known = subscribers.update().where(subscribers.c.address_key == address_key).values(**values).returning(subscribers.c.id)
    return int(connection.execute(known).scalar_one())


def call(connection: Connection, subscriber_id: int, *, name: str, timezone: str | None) -> None:
    """Give a locked subscriber the name and the zone that she typed."""
    connection.execute(subscribers.update().where(subscribers.c.id == subscriber_id).values(name=name, timezone=timezone))


def note_consent(
    connection: Connection,
    subscriber_id: int,
    course: str,
    action: str,
    *,
    now: datetime,
    source: str,
    wording: str = "",
    form: str = "",
    network_address: str = "",
    version_id: int | None = None,
) -> None:
    """Append to the record of consents: *action* is asked, agreed or withdrawn.

    *wording* is what she agreed to, word by word, *form* the address of the page, *version_id* the version that was live:
    its confirmation letter is the one she got.
    """
    connection.execute(
        consents.insert().values(
            subscriber_id=subscriber_id,
            course=course,
            action=action,
            at=now,
            source=source,
            wording=wording,
            form=form,
            network_address=network_address,
            version_id=version_id,
        )
    )


def suppress(
    connection: Connection, address_key: str, reason: str, *, now: datetime, course: str = EVERY_COURSE, note: str = ""
) -> bool:
    """Enter an address into the register; False when it stands there already for this course."""
    row = {"address_key": address_key, "course": course, "reason": reason, "at": now, "note": note}
    return add_new(connection, suppressions, [row]) == 1


def suppress_many(connection: Connection, reasons: Mapping[str, str], *, living: Container[str], now: datetime) -> set[str]:
    """Enter addresses into the register for every course, each for its reason; return those that did not stand there.

    A reason that the provider named takes the place of a lighter one of its own. Where somebody *living* is behind the
    address it takes that of a wish, too: from a leave or an erasure one comes back by a letter, and a letter to her is what
    was reported.
    """
    rows = [
        {"address_key": key, "course": EVERY_COURSE, "reason": reason, "at": now, "note": ""}
        for key, reason in sorted(reasons.items())
    ]
    new = set(add_new_of(connection, suppressions, rows, suppressions.c.address_key))
    known = [key for key in reasons if key not in new]
    for_all = among(suppressions.c.address_key, known) & (suppressions.c.course == EVERY_COURSE)
    query = sa.select(suppressions.c.address_key, suppressions.c.reason).where(for_all)
    graver: dict[str, list[str]] = {}
    # In one order for everybody, so that two listeners never wait for each other in a ring.
    for key, before in connection.execute(query.order_by(suppressions.c.address_key).with_for_update()) if known else ():
        wish = key in living and before in AT_HER_WISH and reasons[key] in WEIGHT
        if wish or before in lighter(reasons[key]):
            graver.setdefault(reasons[key], []).append(key)
    for reason, keys in graver.items():
        connection.execute(
            suppressions.update()
            .where(among(suppressions.c.address_key, keys), suppressions.c.course == EVERY_COURSE)
            .values(reason=reason)
        )
    return new


def lift(connection: Connection, address_key: str, *, course: str, reason: str) -> None:
    """Take an address out of the register where it stands for this *course* and *reason*."""
    connection.execute(
        suppressions.delete().where(
            suppressions.c.address_key == address_key, suppressions.c.course == course, suppressions.c.reason == reason
        )
    )


def suppressed(connection: Connection, address_keys: Iterable[str], course: str) -> dict[str, str]:
    """Return the reason for each of *address_keys* that must not be mailed for *course*.

    A reason that holds for every course wins over one for this course alone.
    """
    rows = connection.execute(
        sa.select(suppressions.c.address_key, suppressions.c.reason)
        .where(among(suppressions.c.address_key, address_keys), suppressions.c.course.in_([EVERY_COURSE, course]))
        .order_by(suppressions.c.course.desc())
    )
    return {row.address_key: row.reason for row in rows}


def lock(connection: Connection, subscriber_id: int) -> None:
    """Let whoever else wants this person wait until the transaction ends."""
    lock_rows(connection, subscribers, [subscriber_id])
