"""A batch on its way, and recording that does not give up while the database is only away for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from drip import clock
from drip.core.delivery import Reason
from drip.errors import DripError
from drip.store.session import DatabaseTrouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from drip.core.delivery import Refused
    from drip.store.deliveries import Delivery
    from drip.store.session import Connection, Database

log = structlog.get_logger("drip.send")


class CannotRecord(DripError):
    """A result could not be recorded; the worker must exit, so that its death can be proven and events can settle it."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a batch that goes in one request; *half* says which half of the first split it came from."""

    ids: tuple[int, ...]
    half: int | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A delivery that was refused for something else than a proven bad address, *named* or alone in its request."""

    id: int
    half: int | None
    answer: Refused
    named: bool


@dataclass(slots=True)
class Work:
    """One batch on its way: what is left to send, whose letters were refused, and what those still waiting wait for."""

    batch_id: str
    pieces: list[Piece]
    letter: Delivery
    suspects: list[Suspect] = field(default_factory=list)
    one_by_one: bool = False
    stopped: bool = False
    limited: bool = False
    credit: int = 0
    why: Reason = Reason.LATER


class Records:
    """What became of letters, written until it stands."""

    def __init__(self, database: Database, seconds: float) -> None:
        """Keep the database, and for how many *seconds* it may stay away."""
        self._database = database
        self.seconds = seconds

    def write(self, change: Callable[[Connection], None]) -> None:
        """Run *change* in a transaction until it commits; raise CannotRecord when the database stays away too long.

        A commit whose answer is lost is repeated: every change here is of what is still ours to change.
        """
        begun = clock.monotonic()
        pause = 0.05
        while True:
            try:
                with self._database.write() as connection:
                    change(connection)
            except DatabaseTrouble as trouble:
                log.warning("record-retry", why=type(trouble.orig).__name__)
                if clock.monotonic() - begun > self.seconds:
                    raise CannotRecord from trouble
                clock.wait(pause)
                pause = min(pause * 2, 2.0)
            else:
                return
