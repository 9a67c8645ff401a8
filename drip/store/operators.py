"""Operators and the browsers in which they are logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from drip.store.session import add_new, among
from drip.store.tables import operators, sessions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Operator(NamedTuple):
    """Somebody who runs this, as stored; *password* is its hash."""

    id: int
    name: str
    password: str
    permission: str
    added_at: datetime
    added_by: str
    password_at: datetime
    logged_in_at: datetime | None


class Session(NamedTuple):
    """A browser in which somebody is logged in; all instants are machine time."""

    id: int
    operator_id: int
    begun_at: datetime
    seen_at: datetime
    ends_at: datetime


def _session_columns() -> list[sa.Column[object]]:
    return [sessions.c[name] for name in Session._fields]


def add(connection: Connection, *, name: str, password: str, permission: str, by: str, now: datetime) -> bool:
    """Store an operator; False when there is one by that name already."""
    row = {
        "name": name,
        "password": password,
        "permission": permission,
        "added_at": now,
        "added_by": by,
        "password_at": now,
    }
    return add_new(connection, operators, [row]) == 1


def find(connection: Connection, name: str) -> Operator | None:
    """Return the operator by that name."""
    row = connection.execute(sa.select(operators).where(operators.c.name == name)).first()
    return None if row is None else Operator._make(row)


def find_by_id(connection: Connection, operator_id: int) -> Operator | None:
    """Return the operator with this id."""
    row = connection.execute(sa.select(operators).where(operators.c.id == operator_id)).first()
    return None if row is None else Operator._make(row)


def listed(connection: Connection) -> list[Operator]:
    """Return all operators by their names."""
    return [Operator._make(row) for row in connection.execute(sa.select(operators).order_by(operators.c.name))]


def is_empty(connection: Connection) -> bool:
    """Whether there is no operator yet."""
    return connection.execute(sa.select(operators.c.id).limit(1)).first() is None


def remove(connection: Connection, operator_id: int) -> None:
    """Delete an operator, logged out everywhere."""
    end_all(connection, operator_id)
    connection.execute(operators.delete().where(operators.c.id == operator_id))


def set_password(connection: Connection, operator_id: int, password: str, *, now: datetime) -> None:
    """Keep another hash of another password."""
    connection.execute(operators.update().where(operators.c.id == operator_id).values(password=password, password_at=now))


def rehash(connection: Connection, operator_id: int, *, was: str, now_is: str) -> None:
    """Keep a stronger hash of the same password, unless the password was changed meanwhile."""
    same = (operators.c.id == operator_id, operators.c.password == was)
    connection.execute(operators.update().where(*same).values(password=now_is))


def permit(connection: Connection, operator_id: int, permission: str) -> None:
    """Let an operator do what *permission* says."""
    connection.execute(operators.update().where(operators.c.id == operator_id).values(permission=permission))


def begin(connection: Connection, operator_id: int, *, secret_key: str, now: datetime, ends_at: datetime) -> None:
    """Store a session that begins *now*, and forget those that are over."""
    connection.execute(sessions.delete().where(sessions.c.ends_at <= now))
    row = {"secret_key": secret_key, "operator_id": operator_id, "begun_at": now, "seen_at": now, "ends_at": ends_at}
    connection.execute(sessions.insert().values(row))
    connection.execute(operators.update().where(operators.c.id == operator_id).values(logged_in_at=now))


def session_of(connection: Connection, secret_keys: Sequence[str], now: datetime) -> tuple[Session, Operator] | None:
    """Return the session with one of these keyed hashes and whose it is; None when it is over."""
    query = sa.select(*_session_columns(), *operators.c).join(operators, operators.c.id == sessions.c.operator_id)
    row = connection.execute(query.where(among(sessions.c.secret_key, secret_keys), sessions.c.ends_at > now)).first()
    if row is None:
        return None
    width = len(Session._fields)
    return Session._make(row[:width]), Operator._make(row[width:])


def sessions_of(connection: Connection, operator_id: int, now: datetime) -> list[Session]:
    """Return where an operator is logged in, the newest first."""
    query = sa.select(*_session_columns()).where(sessions.c.operator_id == operator_id, sessions.c.ends_at > now)
    return [Session._make(row) for row in connection.execute(query.order_by(sessions.c.id.desc()))]


def session_counts(connection: Connection, now: datetime) -> dict[int, int]:
    """Return in how many browsers each operator is logged in."""
    query = sa.select(sessions.c.operator_id, sa.func.count()).where(sessions.c.ends_at > now).group_by(sessions.c.operator_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def see(connection: Connection, session_id: int, now: datetime) -> None:
    """Note the last press of a session."""
    connection.execute(sessions.update().where(sessions.c.id == session_id).values(seen_at=now))


def end(connection: Connection, secret_keys: Sequence[str]) -> None:
    """End the session with one of these keyed hashes."""
    connection.execute(sessions.delete().where(among(sessions.c.secret_key, secret_keys)))


def end_all(connection: Connection, operator_id: int, *, but: int | None = None) -> int:
    """End every session of an operator, *but* one, and return how many those were."""
    ending = sessions.delete().where(sessions.c.operator_id == operator_id)
    return connection.execute(ending if but is None else ending.where(sessions.c.id != but)).rowcount
