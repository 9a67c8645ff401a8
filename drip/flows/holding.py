"""Holding and releasing courses: the operator's big switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.errors import NotFound
from drip.store import claims, complaints, senders, stamps, versions

if TYPE_CHECKING:
    from drip.store.session import Connection, Database


BY_HAND = "held by an operator"


def hold(database: Database, course: str | None, reason: str) -> int:
    """Hold a course, or every course, and return how many were not held before; raises NotFound for an unknown one.

    Nothing new begins once this returns. A request that is under way at this moment comes to its end. What is held already
    takes the *reason*, unless none is given: the later one knows more.
    """
    with database.write() as connection:
        _require(connection, course)
        if reason:
            versions.reason_again(connection, course, reason)
        return versions.hold(connection, course, reason or BY_HAND, stamps.now_in(connection).machine)


def is_held(database: Database, course: str | None) -> bool:
    """Whether a course, or any course, is held."""
    with database.read() as connection:
        running = versions.running(connection)
        return any(state.held_at is not None for name, state in running.items() if course in {None, name})


def release(database: Database, course: str | None) -> int:
    """Release a course, or every course, with its held lessons and parked letters; return how many courses were held.

    A sender that waits tries again at once, a heartbeat from a clock that was wrong is forgotten, and the complaints that
    came so far hold nothing any more.
    """
    with database.write() as connection:
        _require(connection, course)
        now = stamps.now_in(connection)
        claims.unpark_all(connection, course, now.machine)
        senders.try_again(connection, now.machine)
        stamps.forget_future_beats(connection, now.machine)
        complaints.settle(connection, now)
        return versions.release(connection, course)


def try_again(database: Database) -> None:
    """Let a sender that waits try again with the next tick, one letter first."""
    with database.write() as connection:
        senders.try_again(connection, stamps.now_in(connection).machine)


def _require(connection: Connection, course: str | None) -> None:
    running = versions.running(connection)
    if course is not None and course not in running:
        msg = f"there is no course {course!r}; running are: {', '.join(running) or 'none yet'}"
        raise NotFound(msg)
