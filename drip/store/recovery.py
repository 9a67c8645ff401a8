"""Taking over from the dead; shared by the tick and by everybody who waits for a hand-over to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip import clock
from drip.core.delivery import Reason, State
from drip.store import batches, claims, deliveries, moves, owners, results, stamps, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.progress import LiveCourse
    from drip.store.owners import Owner
    from drip.store.session import Database

POLL_SECONDS = 0.02


def put_back(connection: Connection, ids: Sequence[int], *, owner: str, now: Now, reason: Reason, crashed: bool) -> None:
    """Put claimed deliveries of *owner* back to pending; what *crashed* once more although it went alone is parked."""
    claims.release(connection, ids, owner=owner, now=now.machine, reason=reason, crashed=crashed)
    if crashed:
        for delivery_id, tries in claims.often_claimed(connection, ids, more_than=batches.CLAIMS_MAX):
            detail = f"{tries} tries to prepare this letter ended without a result, the last ones with this letter alone"
            claims.park(connection, delivery_id, reason=Reason.CRASHES, detail=detail, now=now.machine)


def bury(connection: Connection, owner: Owner, live: Mapping[str, LiveCourse], now: Now) -> tuple[int, int]:
    """Take over everything of an *owner* that is proven dead; return how many wait again and how many are in doubt.

    What it had only claimed was not handed over and waits again. What it was handing over may have gone.
    """
    # First of all: it waits for a mark that is being committed, and after it there are no more.
    owners.mark_dead(connection, owner, now.machine)
    left = claims.owned_by(connection, owner.id)
    moves.lock_people(connection, [delivery.subscriber_id for delivery in left])
    claimed = [delivery.id for delivery in left if delivery.state == State.CLAIMED]
    put_back(connection, claimed, owner=owner.id, now=now, reason=Reason.CRASHES, crashed=True)
    leaving = {delivery.id: delivery for delivery in left if delivery.state == State.SUBMITTING}
    doubted = claims.doubt(
        connection, list(leaving), owner=owner.id, now=now.machine, detail="the worker died while it handed the letter over"
    )
    results.conclude(connection, [leaving[delivery_id] for delivery_id in doubted], State.UNCERTAIN, live, calendar=now.calendar)
    # The provider may have reported a letter whose worker died before it could record: that is no doubt.
    known = deliveries.confirm_reported(connection, doubted, now.machine)
    owners.tidy(owner)
    return len(claimed), len(doubted) - len(known)


def bury_dead(database: Database, owner_ids: Sequence[str], live_course: Callable[[int, str], LiveCourse]) -> None:
    """Take over from those of the owners that are proven dead; *live_course* gives a course in a version."""
    with database.read() as connection:
        now = stamps.now_in(connection)
        dead = [
            owner for owner in owners.find_many(connection, list(owner_ids)) if owners.proven_dead(connection, owner, now.machine)
        ]
    for owner in dead:
        with database.write() as connection:
            live = {state.id: live_course(state.version_id, state.id) for state in versions.running(connection).values()}
            bury(connection, owner, live, now)


def wait_until_quiet(
    database: Database, subscriber_id: int, live_course: Callable[[int, str], LiveCourse], *, wait_seconds: float
) -> bool:
    """Wait until nothing of a subscriber is being handed over; False when that took longer than *wait_seconds*.

    A worker that died in the middle is recovered here as well, so that an answer need not wait for the next tick.
    """
    deadline = clock.monotonic() + wait_seconds
    while True:
        with database.read() as connection:
            busy = deliveries.under_way(connection, subscriber_id)
        if not busy:
            return True
        bury_dead(database, busy, live_course)
        if clock.monotonic() >= deadline:
            return False
        clock.wait(POLL_SECONDS)
