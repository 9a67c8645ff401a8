"""Deliveries: opening, claiming, marking, recording and releasing, each by one conditional statement."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from drip.core.delivery import OPEN, RULES, Kind, Reason, State
from drip.store.session import among, lock_where
from drip.store.tables import IS_OPEN, courses, deliveries, enrollments, lesson_holds

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
    state_at: datetime

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
    resumed: bool | None = None,
) -> bool:
    """Give an open delivery that is not being handed over another date (None: it waits); False when it is too late.

    Only a date that she asks for now (*asked*) is free of the rules; any other makes it an ordinary one again. *resumed*
    says whether it is the first after a pause; None leaves that as it was.
    """
    values: dict[str, Any] = {
        "not_before": not_before,
        "closes_at": closes_at,
        "reason": reason,
        "state_at": now,
        "asked": asked,
    }
    if resumed is not None:
        values["resumed"] = resumed
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


def sendable(
    connection: Connection, calendar: datetime, limit: int, *, batched: bool, rested: datetime | None = None
) -> list[Member]:
    """Return pending deliveries whose time has come, oldest meant date first; *batched* or not yet in a batch.

    Those that found the hour's rate used up after *rested*, an instant of the machine's clock, are left out.
    """
    rests = sa.false() if rested is None else sa.and_(deliveries.c.reason == Reason.RATE.value, deliveries.c.state_at > rested)
    query = (
        sa.select(*_MEMBER_COLUMNS)
        .where(
            IS_OPEN,
            deliveries.c.state == State.PENDING.value,
            deliveries.c.not_before <= calendar,
            deliveries.c.blocked.is_(False),
            deliveries.c.batch_id.is_not(None) if batched else deliveries.c.batch_id.is_(None),
            sa.or_(deliveries.c.closes_at.is_(None), deliveries.c.closes_at > calendar),
            ~rests,
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


# Reports ------------------------------------------------------------------------------------------------------------


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
