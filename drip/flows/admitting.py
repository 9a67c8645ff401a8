"""Admitting operators: who may come in, by which password, and in which browsers they are logged in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from drip import clock
from drip.core.operator import Permission, login_name, normal_password, why_no_password
from drip.errors import DripError, NotFound, UsageError
from drip.store import operators

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from drip.store.operators import Operator, Session
    from drip.store.session import Connection, Database

SESSION_DAYS = 7
"""After so long everybody logs in again, however busy she was."""

IDLE_HOURS = 12
"""After so long without a look or a press a browser is logged out."""

HASHES_AT_ONCE = 2
"""Each takes 64 MiB and a core for a moment; whoever floods the form must not take the machine from the letters."""

HASH_WAIT_SECONDS = 10.0

NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$Mw5Ey94kjk+w/w3OfJR0lA$sJrJARGky2AfVIrVhli5gThrAJ61jGcj2dCkdVlh/+4"
"""The hash that an unknown name is compared with, so that the answer takes as long as for a known one."""

_hasher = PasswordHasher()
_gate = threading.BoundedSemaphore(HASHES_AT_ONCE)


class Busy(DripError):
    """Too many people log in at this moment; try again in a minute."""

    exit_code = 3


class Taken(DripError):
    """There is an operator by that name already."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An operator in a browser; *secret* is what its cookie holds."""

    operator: Operator
    session: Session
    secret: str

    @property
    def may_send(self) -> bool:
        """Whether she may change what goes out, and not only look."""
        return self.operator.permission == Permission.SEND

    @property
    def token(self) -> str:
        """What stands in her forms: another site, and another session, does not know it."""
        return hmac.digest(self.secret.encode(), b"drip console form", hashlib.sha256).hex()


@dataclass(frozen=True, slots=True)
class Member:
    """An operator as lists show her."""

    name: str
    permission: str
    added_at: datetime
    added_by: str
    logged_in_at: datetime | None
    sessions: int


class Secrets:
    """Makes the secrets of cookies and the keyed hashes under which they are stored; *keys* are oldest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Derive from the keys that sign links; once one is taken out, the sessions under it are over."""
        self._keys = [hmac.digest(key.encode(), b"drip console session", hashlib.sha256) for key in keys]

    def new(self) -> tuple[str, str]:
        """Return a fresh secret and its keyed hash."""
        secret = secrets.token_urlsafe(32)
        return secret, self.hashes(secret)[-1]

    def hashes(self, secret: str) -> list[str]:
        """Return every keyed hash under which a secret may be stored."""
        return [hmac.digest(key, secret.encode(), hashlib.sha256).hex() for key in self._keys]


# Who may come in -----------------------------------------------------------------------------------------------------


def free_name(database: Database, name: str) -> str:
    """Return the spelling of a name that nobody has yet; raises UsageError for what is none, and Taken."""
    spelled = _name(name)
    with database.read() as connection:
        if operators.find(connection, spelled) is not None:
            raise Taken(_taken(spelled))
    return spelled


def known_name(database: Database, name: str) -> str:
    """Return the spelling of an operator's name; raises NotFound for an unknown one."""
    with database.read() as connection:
        return _found(connection, name).name


def add(database: Database, name: str, password: str, *, permission: str, by: str) -> str:
    """Admit somebody and return the spelling of her name; raises UsageError for a name or a password that is not taken.

    Raises Taken where there is one by that name.
    """
    spelled = _name(name)
    hashed = _hashed(password)
    with database.write() as connection:
        now = clock.machine_now()
        if not operators.add(connection, name=spelled, password=hashed, permission=Permission(permission).value, by=by, now=now):
            raise Taken(_taken(spelled))
    return spelled


def listed(database: Database) -> list[Member]:
    """Return all operators by their names."""
    with database.read() as connection:
        counts = operators.session_counts(connection, clock.machine_now())
        return [
            Member(one.name, one.permission, one.added_at, one.added_by, one.logged_in_at, counts.get(one.id, 0))
            for one in operators.listed(connection)
        ]


def senders(database: Database) -> list[str]:
    """Return the names of the operators who may send."""
    with database.read() as connection:
        return [one.name for one in operators.listed(connection) if one.permission == Permission.SEND]


def is_nobody_there(database: Database) -> bool:
    """Whether there is no operator yet."""
    with database.read() as connection:
        return operators.is_empty(connection)


def remove(database: Database, name: str) -> None:
    """Take an operator out; she is logged out everywhere at once. Raises NotFound for an unknown name."""
    with database.write() as connection:
        operators.remove(connection, _found(connection, name).id)


def set_password(database: Database, name: str, password: str) -> int:
    """Give an operator another password and return in how many browsers that ended her session."""
    hashed = _hashed(password)
    with database.write() as connection:
        found = _found(connection, name)
        operators.set_password(connection, found.id, hashed, now=clock.machine_now())
        return operators.end_all(connection, found.id)


def permit(database: Database, name: str, permission: str) -> None:
    """Let an operator look, or send too; it counts from her next press on."""
    with database.write() as connection:
        operators.permit(connection, _found(connection, name).id, Permission(permission).value)


# In which browser ----------------------------------------------------------------------------------------------------


def log_in(database: Database, made: Secrets, name: str, password: str) -> SignedIn | None:
    """Begin a session for whoever knows the password; None otherwise, after as long for an unknown name as for a known one."""
    operator = _checked(database, name, password)
    return None if operator is None else _begun(database, made, operator)


def change_own_password(database: Database, made: Secrets, signed: SignedIn, *, old: str, new: str) -> SignedIn | None:
    """Give an operator another password and a new session, and end all others of hers; None when *old* is not hers.

    Raises UsageError for a new password that is not taken.
    """
    operator = _checked(database, signed.operator.name, old)
    if operator is None:
        return None
    hashed = _hashed(new)
    with database.write() as connection:
        operators.set_password(connection, operator.id, hashed, now=clock.machine_now())
        operators.end_all(connection, operator.id)
    return _begun(database, made, operator._replace(password=hashed))


def find(database: Database, made: Secrets, secret: str) -> SignedIn | None:
    """Return who is logged in with the *secret* of a cookie; None once the session is over."""
    with database.read() as connection:
        found = operators.session_of(connection, made.hashes(secret), clock.machine_now())
    return None if found is None else SignedIn(found[1], found[0], secret)


def press(database: Database, signed: SignedIn) -> None:
    """Note that somebody pressed something just now."""
    with database.write() as connection:
        operators.see(connection, signed.session.id, clock.machine_now())


def sessions(database: Database, signed: SignedIn) -> list[Session]:
    """Return where an operator is logged in, the newest first."""
    with database.read() as connection:
        return operators.sessions_of(connection, signed.operator.id, clock.machine_now())


def log_out(database: Database, made: Secrets, secret: str) -> None:
    """End the session of a cookie; harmless when it is over."""
    with database.write() as connection:
        operators.end(connection, made.hashes(secret))


def log_out_elsewhere(database: Database, signed: SignedIn) -> int:
    """End every other session of an operator and return how many there were."""
    with database.write() as connection:
        return operators.end_all(connection, signed.operator.id, but=signed.session.id)


def _begun(database: Database, made: Secrets, operator: Operator) -> SignedIn | None:
    secret, hashed = made.new()
    with database.write() as connection:
        # Whoever was taken out, or got another password, while hers was compared is not let in by the old one.
        now_is = operators.find_by_id(connection, operator.id)
        if now_is is None or now_is.password != operator.password:
            return None
        now = clock.machine_now()
        ends_at = now + timedelta(days=SESSION_DAYS)
        operators.begin(connection, operator.id, secret_key=hashed, now=now, ends_at=ends_at)
    return find(database, made, secret)


def _checked(database: Database, name: str, password: str) -> Operator | None:
    """Return the operator by that name and password, her hash made anew where it is weaker than today's."""
    operator = None
    try:
        spelled = login_name(name)
    except ValueError:
        spelled = ""
    if spelled:
        with database.read() as connection:
            operator = operators.find(connection, spelled)
    if not _matches(NOBODYS if operator is None else operator.password, password) or operator is None:
        return None
    if not _hasher.check_needs_rehash(operator.password):
        return operator
    stronger = _hash(password)
    with database.write() as connection:
        operators.rehash(connection, operator.id, was=operator.password, now_is=stronger)
    return operator._replace(password=stronger)


def _matches(hashed: str, password: str) -> bool:
    with _turn():
        try:
            return _hasher.verify(hashed, normal_password(password))
        except (Argon2Error, InvalidHashError):
            return False


def _hashed(password: str) -> str:
    fault = why_no_password(password)
    if fault:
        raise UsageError(fault)
    return _hash(password)


def _hash(password: str) -> str:
    with _turn():
        return _hasher.hash(normal_password(password))


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until few enough hash at once; raises Busy when that takes too long."""
    if not _gate.acquire(timeout=HASH_WAIT_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _gate.release()


def _name(text: str) -> str:
    try:
        return login_name(text)
    except ValueError as fault:
        raise UsageError(str(fault)) from fault


def _taken(name: str) -> str:
    return f"there is an operator {name} already; another password: drip operators password {name}"


def _found(connection: Connection, name: str) -> Operator:
    found = operators.find(connection, _name(name))
    if found is None:
        names = (
            ", ".join(one.name for one in operators.listed(connection)) or "nobody yet; add one: drip operators add NAME --send"
        )
        raise NotFound(f"there is no operator {_name(name)}; there are: {names}")
    return found
