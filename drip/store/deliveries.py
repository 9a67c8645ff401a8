"""Deliveries: opening, claiming, marking, recording and releasing, each by one conditional statement."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from drip.core.delivery import ADDRESS_CHANGE, OPEN, RULES, Kind, State
from drip.store.alike import Alike
from drip.store.session import among, lock_where
from drip.store.tables import IS_OPEN, address_changes, batches, courses, deliveries, enrollments, lesson_holds, subscribers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.engine import Connection


class Delivery(NamedTuple):
    """The facts of one delivery; see `drip.store.tables`."""

    id: int
    nonce: str
    subscriber_id: int
    enrollment_id: int
    course: str
    letter: str
    occasion: str
    kind: str
    version_id: int
    short: bool
    resumed: bool
    meant_on: date
    letter_on: date
    not_before: datetime | None
    closes_at: datetime | None
    state: str
    reason: str
    blocked: bool
    outcome: str | None
    batch_id: str | None
    owner: str | None
    token: str | None
    claims: int
    went_on: date | None
    detail: str
    country: str = ""
    asked: bool = False

    @property
    def public_id(self) -> str:
        """The opaque id that the provider keeps and its reports name."""
        return f"{self.id}-{self.nonce}"

    @property
    def obeys(self) -> Kind:
        """The kind whose rules it obeys: a lesson that she asked for now is free of window, gap and pause."""
        return Kind.ASKED if self.asked else Kind(self.kind)


_COLUMNS = [deliveries.c[name] for name in Delivery._fields]
_MANY = Alike(deliveries, Delivery._make, Delivery._fields, own=Delivery._fields.index("course"))


class Member(NamedTuple):
    """What making batches asks of a delivery."""

    id: int
    subscriber_id: int
    course: str
    letter: str
    version_id: int
    short: bool
    resumed: bool
    kind: str
    claims: int
    country: str = ""


_WITHDRAWABLE = [State.PENDING.value, State.CLAIMED.value]

_MEMBER_COLUMNS = [deliveries.c[name] for name in Member._fields]


class Ready(NamedTuple):
    """A claimed delivery with what the mark must know of the person, read under her lock."""

    delivery: Delivery
    address: str | None
    address_key: str
    name: str
    erased: bool


class Reported(NamedTuple):
    """What a report must know of the delivery that it names."""

    id: int
    nonce: str
    subscriber_id: int
    state: str
    owner: str | None
    outcome: str | None
    outcome_at: datetime | None
    letter: str

    @property
    def public_id(self) -> str:
        """The opaque id that the report names."""
        return f"{self.id}-{self.nonce}"


_REPORTED_COLUMNS = [deliveries.c[name] for name in Reported._fields]


def public_id_parts(public_id: str) -> tuple[int, str] | None:
    """Return the row id and the nonce in a delivery's public id; None when it is not one of ours."""
    number, _, nonce = public_id.partition("-")
    if not nonce or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number), nonce


def open_many(connection: Connection, rows: Sequence[Mapping[str, Any]], *, now: datetime) -> list[int]:
    """Store new deliveries in state pending and return their ids in the order of *rows*; *now* is machine time.

    The unique key (subscriber, course, letter, occasion) refuses a second one for the same occasion.
    """
    if not rows:
        return []
    values = [
        {"nonce": secrets.token_hex(4), "state": State.PENDING.value, "created_at": now, "state_at": now, **row} for row in rows
    ]
    statement = deliveries.insert().returning(deliveries.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, values).scalars())


def open_alike(connection: Connection, groups: Sequence[tuple[Mapping[str, Any], Sequence[int]]], *, now: datetime) -> list[int]:
    """Store new deliveries in state pending for enrollments, each group of the same facts by one statement; return their ids.

    The unique key (subscriber, course, letter, occasion) refuses a second one for the same occasion.
    """
    ids: list[int] = []
    state = {"state": State.PENDING.value, "created_at": now, "state_at": now}
    for facts, enrollment_ids in groups:
        values = {name: sa.literal(value, deliveries.c[name].type) for name, value in {**facts, **state}.items()}
        rows = sa.select(_nonce(connection), enrollments.c.subscriber_id, enrollments.c.id, *values.values()).where(
            among(enrollments.c.id, enrollment_ids)
        )
        columns = ["nonce", "subscriber_id", "enrollment_id", *values]
        ids += connection.execute(deliveries.insert().from_select(columns, rows).returning(deliveries.c.id)).scalars()
    return ids


def _nonce(connection: Connection) -> sa.ColumnElement[str]:
    """Return eight random hexadecimal digits, made by the database; `secrets.token_hex(4)` makes the same."""
    if connection.dialect.name == "sqlite":
        return sa.func.lower(sa.func.hex(sa.func.randomblob(4)))
    return sa.func.left(sa.cast(sa.func.gen_random_uuid(), sa.Text()), 8)


def existing(
    connection: Connection, course: str, letter: str, keys: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], tuple[int, str]]:
    """Return id and state of deliveries of *letter* that stand already, by (subscriber id, occasion)."""
    wanted = list(keys)
    rows = connection.execute(
        sa.select(deliveries.c.subscriber_id, deliveries.c.occasion, deliveries.c.id, deliveries.c.state).where(
            among(deliveries.c.subscriber_id, [subscriber for subscriber, _ in wanted]),
            deliveries.c.course == course,
            deliveries.c.letter == letter,
        )
    )
    found = {(subscriber_id, occasion): (delivery_id, state) for subscriber_id, occasion, delivery_id, state in rows}
    return {key: found[key] for key in wanted if key in found} if found else found


def history(connection: Connection, subscriber_id: int, course: str, occasion: str) -> list[str]:
    """Return the first ids of the letters of one run that came to a result, oldest first."""
    rows = connection.execute(
        sa.select(deliveries.c.letter)
        .where(
            deliveries.c.subscriber_id == subscriber_id,
            deliveries.c.course == course,
            deliveries.c.occasion == occasion,
            deliveries.c.state.not_in([state.value for state in OPEN]),
        )
        .order_by(deliveries.c.id)
    )
    return list(rows.scalars())


def histories(connection: Connection, subscriber_ids: Iterable[int], course: str) -> dict[tuple[int, str], list[str]]:
    """Return the first ids of the lessons of a course that came to a result, oldest first, by subscriber and occasion."""
    rows = connection.execute(
        sa.select(deliveries.c.subscriber_id, deliveries.c.occasion, deliveries.c.letter)
        .where(
            among(deliveries.c.subscriber_id, list(subscriber_ids)),
            deliveries.c.course == course,
            deliveries.c.kind == Kind.LESSON.value,
            deliveries.c.state.not_in([state.value for state in OPEN]),
        )
        .order_by(deliveries.c.id)
    )
    found: dict[tuple[int, str], list[str]] = {}
    for subscriber_id, occasion, letter in rows:
        found.setdefault((subscriber_id, occasion), []).append(letter)
    return found


def find_many(connection: Connection, ids: Iterable[int]) -> dict[int, Delivery]:
    """Return deliveries by id."""
    rows = connection.execute(sa.select(*_COLUMNS).where(among(deliveries.c.id, list(ids))))
    return {row[0]: Delivery._make(row) for row in rows}


def ended(connection: Connection, enrollment_id: int) -> list[Delivery]:
    """Return every delivery of an enrollment that came to a result, in any run, oldest first."""
    query = sa.select(*_COLUMNS).where(
        deliveries.c.enrollment_id == enrollment_id, deliveries.c.state.not_in([state.value for state in OPEN])
    )
    return [Delivery._make(row) for row in connection.execute(query.order_by(deliveries.c.id))]


def find(connection: Connection, delivery_id: int) -> Delivery | None:
    """Return the delivery with this id."""
    row = connection.execute(sa.select(*_COLUMNS).where(deliveries.c.id == delivery_id)).first()
    return None if row is None else Delivery._make(row)


def find_open(connection: Connection, subscriber_id: int, course: str | None = None) -> list[Delivery]:
    """Return a subscriber's deliveries that wait for a result."""
    query = sa.select(*_COLUMNS).where(
        deliveries.c.subscriber_id == subscriber_id, deliveries.c.state.in_([state.value for state in OPEN])
    )
    if course is not None:
        query = query.where(deliveries.c.course == course)
    return [Delivery._make(row) for row in connection.execute(query)]


def under_way(connection: Connection, subscriber_id: int) -> list[str]:
    """Return the owners of a subscriber's deliveries that are being handed over at this moment."""
    rows = connection.execute(
        sa.select(deliveries.c.owner).where(
            deliveries.c.subscriber_id == subscriber_id, deliveries.c.state == State.SUBMITTING.value
        )
    )
    return [owner or "" for owner in rows.scalars()]


# Claiming and handing over -------------------------------------------------------------------------------------------


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
    values: dict[str, Any] = {"state": state.value, "state_at": now, "reason": reason, "detail": detail, "token": None}
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


def withhold(connection: Connection, ids: Sequence[int], *, reason: str, now: datetime) -> list[int]:
    """End pending or claimed deliveries for good; return the ids that were."""
    if not ids:
        return []
    ended = connection.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(ids), deliveries.c.state.in_(_WITHDRAWABLE))
        .values(state=State.WITHHELD.value, reason=reason, owner=None, token=None, state_at=now, blocked=False)
        .returning(deliveries.c.id)
    )
    return sorted(ended.scalars())


def withhold_all(connection: Connection, subscriber_ids: Iterable[int], *, reason: str, now: datetime) -> set[int]:
    """End everything of these subscribers that is pending or claimed for good; return the ids of what was."""
    theirs = among(deliveries.c.subscriber_id, subscriber_ids)
    # In id order, as everywhere: a worker may be putting some of them back.
    lock_where(connection, deliveries, theirs & deliveries.c.state.in_(_WITHDRAWABLE))
    ended = connection.execute(
        deliveries.update()
        .where(theirs, deliveries.c.state.in_(_WITHDRAWABLE))
        .values(state=State.WITHHELD.value, reason=reason, owner=None, token=None, state_at=now, blocked=False)
        .returning(deliveries.c.id)
    )
    return set(ended.scalars())


def fail(connection: Connection, ids: Sequence[int], *, owner: str, reason: str, detail: str, now: datetime) -> list[int]:
    """Record that the provider refuses these claimed deliveries for good; return the ids that were still ours."""
    ended = connection.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(ids), deliveries.c.owner == owner, deliveries.c.state == State.CLAIMED.value)
        .values(state=State.FAILED.value, reason=reason, detail=detail, state_at=now)
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
        .where(deliveries.c.id == delivery_id, deliveries.c.state.in_(_WITHDRAWABLE))
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


def redate(
    connection: Connection,
    delivery_id: int,
    *,
    not_before: datetime | None,
    closes_at: datetime | None,
    meant_on: date | None,
    letter_on: date | None,
    now: datetime,
    reason: str,
    asked: bool = False,
) -> bool:
    """Give an open delivery that is not being handed over another date (None: it waits); False when it is too late.

    Only a date that she asks for now (*asked*) is free of the rules; any other makes it an ordinary one again.
    """
    values: dict[str, Any] = {
        "not_before": not_before,
        "closes_at": closes_at,
        "reason": reason,
        "state_at": now,
        "asked": asked,
    }
    if meant_on is not None and letter_on is not None:
        values |= {"meant_on": meant_on, "letter_on": letter_on}
    moved = connection.execute(
        deliveries.update()
        .where(deliveries.c.id == delivery_id, deliveries.c.state.in_(_WITHDRAWABLE))
        .values(state=State.PENDING.value, owner=None, token=None, batch_id=None, **values)
    )
    return moved.rowcount == 1


def held() -> sa.ColumnElement[bool]:
    """Return the condition that a delivery's course or lesson is held."""
    course = sa.exists().where(courses.c.id == deliveries.c.course, courses.c.held_at.is_not(None)).correlate(deliveries)
    lesson = (
        sa.exists()
        .where(
            lesson_holds.c.course == deliveries.c.course,
            lesson_holds.c.letter == deliveries.c.letter,
            lesson_holds.c.version_id == deliveries.c.version_id,
        )
        .correlate(deliveries)
    )
    # Service letters and confirmations go on: they are not the course's.
    return sa.or_(course & deliveries.c.kind.in_([kind.value for kind, rules in RULES.items() if not rules.while_held]), lesson)


def sendable(connection: Connection, calendar: datetime, limit: int, *, batched: bool) -> list[Member]:
    """Return pending deliveries whose time has come, oldest meant date first; *batched* or not yet in a batch."""
    query = (
        sa.select(*_MEMBER_COLUMNS)
        .where(
            IS_OPEN,
            deliveries.c.state == State.PENDING.value,
            deliveries.c.not_before <= calendar,
            deliveries.c.blocked.is_(False),
            deliveries.c.batch_id.is_not(None) if batched else deliveries.c.batch_id.is_(None),
            sa.or_(deliveries.c.closes_at.is_(None), deliveries.c.closes_at > calendar),
            ~held(),
        )
        .order_by(deliveries.c.meant_on, deliveries.c.id)
        .limit(limit)
    )
    if connection.dialect.name != "sqlite":
        query = query.with_for_update(skip_locked=True, of=deliveries)
    return [Member(*row) for row in connection.execute(query).all()]


def overdue(connection: Connection, calendar: datetime, limit: int) -> list[Delivery]:
    """Return pending deliveries whose window has closed, those of held courses and lessons left out."""
    query = (
        sa.select(*_COLUMNS)
        .where(
            IS_OPEN,
            deliveries.c.state == State.PENDING.value,
            deliveries.c.not_before <= calendar,
            deliveries.c.closes_at <= calendar,
            ~held(),
        )
        .order_by(deliveries.c.not_before, deliveries.c.id)
        .limit(limit)
    )
    return [Delivery._make(row) for row in connection.execute(query)]


def still_overdue(connection: Connection, ids: Sequence[int], calendar: datetime) -> list[Delivery]:
    """Return those of *ids* that are overdue still, for a caller who has locked their people since."""
    query = sa.select(*_COLUMNS).where(
        among(deliveries.c.id, ids),
        deliveries.c.state == State.PENDING.value,
        deliveries.c.not_before <= calendar,
        deliveries.c.closes_at <= calendar,
    )
    return [Delivery._make(row) for row in connection.execute(query.order_by(deliveries.c.id))]


# Recovery -----------------------------------------------------------------------------------------------------------


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
        .values(state=State.UNCERTAIN.value, state_at=now, detail=detail, token=None)
        .returning(deliveries.c.id)
    )
    return sorted(moved.scalars())


def confirm_uncertain(connection: Connection, ids: Sequence[int], now: datetime) -> list[int]:
    """Turn uncertain deliveries into submitted on the evidence of a report; return the ids that were uncertain."""
    moved = connection.execute(
        deliveries.update()
        .where(deliveries.c.id.in_(ids), deliveries.c.state == State.UNCERTAIN.value)
        .values(state=State.SUBMITTED.value, state_at=now, reason="reported")
        .returning(deliveries.c.id)
    )
    return sorted(moved.scalars())


def confirm_reported(connection: Connection, ids: Sequence[int], now: datetime) -> list[int]:
    """Turn those of *ids* that are uncertain although the provider reported them already into submitted; return them."""
    known = connection.execute(sa.select(deliveries.c.id).where(among(deliveries.c.id, ids), deliveries.c.outcome.is_not(None)))
    return confirm_uncertain(connection, list(known.scalars()), now)


def find_reported(connection: Connection, public_ids: Iterable[str]) -> dict[str, Reported]:
    """Return what a report must know of its delivery, by the opaque ids that reports name; forged ones are not found."""
    public_ids = set(public_ids)
    numbers = [parts[0] for public_id in public_ids if (parts := public_id_parts(public_id)) is not None]
    rows = connection.execute(sa.select(*_REPORTED_COLUMNS).where(among(deliveries.c.id, numbers)))
    return {one.public_id: one for row in rows if (one := Reported._make(row)).public_id in public_ids}


def raise_outcomes(connection: Connection, outcomes: Mapping[int, tuple[str, datetime]]) -> None:
    """Write the strongest report of each delivery, already compared with the one before."""
    if outcomes:
        connection.execute(
            deliveries.update()
            .where(deliveries.c.id == sa.bindparam("row_id"))
            .values(outcome=sa.bindparam("new_outcome"), outcome_at=sa.bindparam("new_at")),
            [{"row_id": row_id, "new_outcome": outcome, "new_at": at} for row_id, (outcome, at) in sorted(outcomes.items())],
        )
