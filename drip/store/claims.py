"""What workers hold: claims, marks and their results, each by one conditional statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from drip.core.delivery import ADDRESS_CHANGE, AGAIN, OPEN, State
from drip.store.alike import Alike
from drip.store.deliveries import Delivery
from drip.store.session import among, lock_where
from drip.store.tables import IS_OPEN, address_changes, batches, deliveries, subscribers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.engine import Connection

_COLUMNS = [deliveries.c[name] for name in Delivery._fields]
_MANY = Alike(deliveries, Delivery._make, Delivery._fields, own=Delivery._fields.index("course"))


class Ready(NamedTuple):
    """A claimed delivery with what the mark must know of the person, read under her lock."""

    delivery: Delivery
    address: str | None
    address_key: str
    name: str
    erased: bool


def claim(connection: Connection, batch_id: str, *, owner: str, now: datetime, calendar: datetime) -> int:
    """Take what is pending of a batch for one attempt, and return how many; 0 when another worker got there first."""
    # Two claimers at once would share it out by single rows, and make two requests of one.
    lock_where(connection, batches, batches.c.id == batch_id)
    chosen = sa.select(deliveries.c.id).where(
        IS_OPEN,
        deliveries.c.batch_id == batch_id,
        deliveries.c.state == State.PENDING.value,
        deliveries.c.blocked.is_(False),
        deliveries.c.not_before <= calendar,
    )
    if connection.dialect.name != "sqlite":
        # Locked rows are passed by: somebody is withdrawing them. Without the lock two claims of a row both hold: measured.
        chosen = chosen.order_by(deliveries.c.id).with_for_update(skip_locked=True)
    won = connection.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(chosen), deliveries.c.state == State.PENDING.value)
        .values(state=State.CLAIMED.value, owner=owner, state_at=now, reason="")
    )
    return won.rowcount


def claimed(connection: Connection, batch_id: str, *, owner: str) -> list[int]:
    """Return the ids of what *owner* holds claimed of a batch, in order."""
    query = sa.select(deliveries.c.id).where(
        IS_OPEN, deliveries.c.batch_id == batch_id, deliveries.c.owner == owner, deliveries.c.state == State.CLAIMED.value
    )
    # Sorted here: asked for the order of the key, SQLite reads the whole table in it.
    return sorted(connection.execute(query).scalars())


def ready(connection: Connection, ids: Sequence[int], *, owner: str) -> list[Ready]:
    """Return those of *ids* that *owner* still holds claimed, their subscribers locked until the transaction ends."""
    whose = sa.select(deliveries.c.subscriber_id).where(among(deliveries.c.id, ids))
    lock_where(connection, subscribers, subscribers.c.id.in_(whose))
    hers = (subscribers.c.address, subscribers.c.address_key, subscribers.c.name, subscribers.c.erased_at.is_not(None))
    rows = connection.execute(
        sa.select(*_MANY.columns, *hers)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(among(deliveries.c.id, ids), deliveries.c.owner == owner, deliveries.c.state == State.CLAIMED.value)
        .order_by(deliveries.c.id)
    ).all()
    found = [Ready(delivery, *row[-4:]) for delivery, row in zip(_MANY.made(connection, rows), rows, strict=True)]
    return _to_new_addresses(connection, found) if any(one.delivery.letter == ADDRESS_CHANGE for one in found) else found


def _to_new_addresses(connection: Connection, found: Sequence[Ready]) -> list[Ready]:
    """Return *found* with the address that each asks to confirm; a change that is over has none any more."""
    table = address_changes
    asked = [one.delivery.occasion.partition(":")[2] for one in found]
    rows = connection.execute(
        sa.select(table.c.public_id, table.c.address, table.c.address_key).where(table.c.public_id.in_(asked))
    )
    new = {row.public_id: (row.address, row.address_key) for row in rows}
    return [
        one._replace(address=address, address_key=key)
        for one, change in zip(found, asked, strict=True)
        for address, key in [new.get(change, (None, one.address_key))]
    ]


def mark_submitting(connection: Connection, went_on: Mapping[int, date], *, owner: str, token: str, now: datetime) -> int:
    """Mark deliveries as being handed over by *owner* under *token*, each with the local date it goes on; return how many."""
    marked = 0
    by_date: dict[date, list[int]] = {}
    for delivery_id, day in went_on.items():
        by_date.setdefault(day, []).append(delivery_id)
    for day, ids in sorted(by_date.items()):
        marked += connection.execute(
            deliveries.update()
            .where(among(deliveries.c.id, ids), deliveries.c.owner == owner, deliveries.c.state == State.CLAIMED.value)
            .values(state=State.SUBMITTING.value, token=token, went_on=day, state_at=now)
        ).rowcount
    return marked


def settle(
    connection: Connection,
    ids: Sequence[int],
    state: State,
    *,
    owner: str,
    token: str,
    now: datetime,
    message_id: str | None = None,
    reason: str = "",
    detail: str = "",
) -> list[int]:
    """Record what became of a request; return the ids that were still ours to record.

    Going back to pending forgets the batch, so that the next tick makes a new one.
    """
    values: dict[str, Any] = {
        "state": state.value,
        "state_at": now,
        "reason": reason,
        "token": None,
        "detail": _noted(detail, ends=state not in OPEN),
    }
    if state is State.PENDING:
        values |= {"owner": None, "batch_id": None, "went_on": None}
    elif state is State.CLAIMED:
        values |= {"went_on": None}
    else:
        values |= {"message_id": message_id}
    moved = connection.execute(
        deliveries.update()
        .where(
            among(deliveries.c.id, ids),
            deliveries.c.state == State.SUBMITTING.value,
            deliveries.c.owner == owner,
            deliveries.c.token == token,
        )
        .values(**values)
        .returning(deliveries.c.id)
    )
    return sorted(moved.scalars())


def _noted(detail: str, *, ends: bool = True) -> sa.ColumnElement[str]:
    """Return what is stored as the *detail* of a result: an operator's note that she let the letter go once more stays first.

    Only what *ends* a try for good stands behind it: refusals for now would make it longer each time.
    """
    more = f"; {detail}" if detail and ends else ""
    return sa.case((deliveries.c.detail.startswith(AGAIN), deliveries.c.detail + more), else_=sa.literal(detail, sa.Text()))


def release(
    connection: Connection, ids: Sequence[int], *, owner: str, now: datetime, reason: str = "", crashed: bool = False
) -> None:
    """Put claimed deliveries back to pending; *crashed* counts a claim that ended without a result."""
    if not ids:
        return
    connection.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(ids), deliveries.c.owner == owner, deliveries.c.state == State.CLAIMED.value)
        .values(
            state=State.PENDING.value,
            owner=None,
            token=None,
            batch_id=None,
            state_at=now,
            reason=reason,
            claims=deliveries.c.claims + (1 if crashed else 0),
        )
    )


def fail(connection: Connection, ids: Sequence[int], *, owner: str, reason: str, detail: str, now: datetime) -> list[int]:
    """Record that the provider refuses these claimed deliveries for good; return the ids that were still ours."""
    ended = connection.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(ids), deliveries.c.owner == owner, deliveries.c.state == State.CLAIMED.value)
        .values(state=State.FAILED.value, reason=reason, detail=_noted(detail), state_at=now)
        .returning(deliveries.c.id)
    )
    return sorted(ended.scalars())


def often_claimed(connection: Connection, ids: Sequence[int], *, more_than: int) -> list[tuple[int, int]]:
    """Return those of *ids* that wait again after more claims without a result than so many, each with their number."""
    query = sa.select(deliveries.c.id, deliveries.c.claims).where(
        among(deliveries.c.id, ids), deliveries.c.state == State.PENDING.value, deliveries.c.claims > more_than
    )
    return [(row.id, row.claims) for row in connection.execute(query.order_by(deliveries.c.id))]


def park(connection: Connection, delivery_id: int, *, reason: str, detail: str, now: datetime) -> None:
    """Keep a pending or claimed delivery from every further try until an operator looks at it."""
    connection.execute(
        deliveries.update()
        .where(deliveries.c.id == delivery_id, deliveries.c.state.in_([State.PENDING.value, State.CLAIMED.value]))
        .values(
            state=State.PENDING.value,
            blocked=True,
            owner=None,
            token=None,
            batch_id=None,
            reason=reason,
            detail=detail,
            state_at=now,
        )
    )


def parked_alike(connection: Connection, course: str, letter: str, version_id: int, detail: str) -> list[int]:
    """Return the parked deliveries of one letter whose refusal reads the same."""
    return list(
        connection.execute(
            sa.select(deliveries.c.id).where(
                deliveries.c.state == State.PENDING.value,
                deliveries.c.blocked.is_(True),
                deliveries.c.course == course,
                deliveries.c.letter == letter,
                deliveries.c.version_id == version_id,
                deliveries.c.detail == detail,
            )
        ).scalars()
    )


def unpark(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Let parked deliveries be tried again."""
    connection.execute(deliveries.update().where(deliveries.c.id.in_(ids)).values(blocked=False, claims=0, state_at=now))


def unpark_all(connection: Connection, course: str | None, now: datetime) -> int:
    """Let every parked delivery of a course, or of every course, be tried once more, alone; return how many."""
    again = deliveries.update().where(deliveries.c.state == State.PENDING.value, deliveries.c.blocked.is_(True))
    if course is not None:
        again = again.where(deliveries.c.course == course)
    return connection.execute(again.values(blocked=False, state_at=now)).rowcount


def owned_by(connection: Connection, owner: str) -> list[Delivery]:
    """Return what *owner* holds claimed or is handing over."""
    rows = connection.execute(
        sa.select(*_COLUMNS).where(
            IS_OPEN,
            # Owners take batches: asked for these alone, the database reads their index and not the whole table.
            deliveries.c.batch_id.is_not(None),
            deliveries.c.owner == owner,
            deliveries.c.state.in_([State.CLAIMED.value, State.SUBMITTING.value]),
        )
    )
    return sorted((Delivery._make(row) for row in rows), key=lambda delivery: delivery.id)


def doubt(connection: Connection, ids: Sequence[int], *, owner: str, now: datetime, detail: str) -> list[int]:
    """Turn what a dead owner was handing over into uncertain; return the ids that were."""
    moved = connection.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(ids), deliveries.c.owner == owner, deliveries.c.state == State.SUBMITTING.value)
        .values(state=State.UNCERTAIN.value, state_at=now, detail=_noted(detail), token=None)
        .returning(deliveries.c.id)
    )
    return sorted(moved.scalars())
