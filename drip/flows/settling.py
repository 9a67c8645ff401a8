"""Settling: what an operator does with letters of which nobody knows whether the provider took them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from drip.core.address import clean_text
from drip.core.delivery import AGAIN, Kind, Standing, State
from drip.core.doubt import Doubted, once_more, why_not_again
from drip.core.enrollment import Move, Pause, Stage
from drip.errors import NotFound, UsageError
from drip.store import deliveries, doubts, enrollments, events, stamps, subscribers, turns, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.deliveries import Delivery
    from drip.store.doubts import Doubt
    from drip.store.session import Connection, Database

PAGE = 500
WHO_MAX, WHY_MAX = 60, 200

log = structlog.get_logger("drip.settle")


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one delivery that was to be settled: whether it is as the operator said, and words for it."""

    delivery: int
    done: bool
    say: str


@dataclass(frozen=True, slots=True)
class Looked:
    """One delivery as it stands, with its evidence while it is in doubt, and why it may not go once more ('' when it may)."""

    delivery: Delivery
    doubt: Doubt | None = None
    why_not: str = ""


def in_doubt(database: Database, *, after: int = 0) -> Iterator[Doubt]:
    """Yield every delivery in doubt with its evidence, in the order of ids, a page at a time."""
    while True:
        with database.read() as connection:
            page = doubts.page(connection, after, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def page(database: Database, *, after: int, limit: int) -> list[Doubt]:
    """Return the first deliveries in doubt whose ids come after *after*, at most *limit*."""
    with database.read() as connection:
        return doubts.page(connection, after, limit)


def looked_at(database: Database, library: Library, delivery_ids: Iterable[int]) -> list[Looked]:
    """Return how those deliveries stand that are there, before an operator settles them or after.

    Nothing is locked, so a press looks at it all again.
    """
    with database.read() as connection:
        found = deliveries.find_many(connection, list(delivery_ids))
        return [_looked_at(connection, library, one) for one in found.values()]


def _looked_at(connection: Connection, library: Library, found: Delivery) -> Looked:
    person = enrollments.find(connection, found.enrollment_id)
    doubt = doubts.find(connection, found.id)
    if person is None or doubt is None:
        return Looked(found)
    live = library.course(versions.running(connection)[person.course].version_id, person.course)
    history = deliveries.history(connection, person.subscriber_id, person.course, person.occasion())
    why = why_not_again(_doubted(connection, found), person, live, _standing(connection, person), history)
    return Looked(found, doubt, why)


def submitted(database: Database, delivery_id: int, *, by: str, why: str) -> Settled:
    """Call a delivery in doubt submitted, since an operator knows that the provider took it; harmless when it is already.

    The course went on when the doubt began, so nobody's date moves.
    """
    detail = _note("called submitted", by, why)
    with database.write() as connection:
        now = stamps.now_in(connection)
        found = deliveries.find(connection, delivery_id)
        if found is None:
            return _unknown(delivery_id)
        # People before their deliveries, as everywhere: whoever reports or erases at this moment holds the person.
        subscribers.lock(connection, found.subscriber_id)
        if not doubts.take(connection, delivery_id, detail=detail, now=now.machine):
            return _not_in_doubt(connection, delivery_id, wanted=State.SUBMITTED)
    log.info("settled", delivery=delivery_id, how="submitted")
    return Settled(delivery_id, done=True, say="submitted")


def resend(database: Database, library: Library, delivery_id: int, *, by: str, why: str) -> Settled:
    """Let a delivery in doubt go once more, since an operator knows that the provider did not take it.

    It is the same delivery: its person waits for it again where she stood, and everything that may forbid it is read once
    more by the mark. Refused, with the reason, where she has gone on, or may not have it, or the provider has spoken of it.
    """
    detail = _note(AGAIN, by, why)
    try:
        with database.write() as connection:
            settled = _resend(connection, library, delivery_id, detail)
    except NotFound:
        # She was forgotten while we waited for her.
        return _unknown(delivery_id)
    if settled.done:
        log.info("settled", delivery=delivery_id, how="resend")
    return settled


def _resend(connection: Connection, library: Library, delivery_id: int, detail: str) -> Settled:
    now = stamps.now_in(connection)
    found = deliveries.find(connection, delivery_id)
    if found is None:
        return _unknown(delivery_id)
    person, course = turns.locked(connection, found.enrollment_id, library.course, now)
    # Again under the lock: a report may have settled it while we waited.
    found = deliveries.find(connection, delivery_id)
    if found is None or found.state != State.UNCERTAIN:
        return _not_in_doubt(connection, delivery_id, wanted=None)
    history = deliveries.history(connection, person.subscriber_id, person.course, person.occasion())
    letter = _doubted(connection, found)
    refusal = why_not_again(letter, person, course, _standing(connection, person), history)
    if refusal:
        return Settled(delivery_id, done=False, say=f"it cannot go once more: {refusal}")
    return _reopened(connection, found, letter, person, course, history, detail, now)


def _doubted(connection: Connection, found: Delivery) -> Doubted:
    return Doubted(
        Kind(found.kind),
        found.letter,
        found.occasion,
        found.meant_on,
        found.letter_on,
        reported=found.outcome is not None or events.waits_for(connection, found.public_id),
        newer=doubts.has_newer(connection, found),
    )


def _reopened(  # noqa: PLR0917 - a letter, its person and what is written down
    connection: Connection,
    found: Delivery,
    letter: Doubted,
    person: Enrollment,
    course: LiveCourse,
    history: list[str],
    detail: str,
    now: Now,
) -> Settled:
    if letter.kind is not Kind.LESSON:
        done = doubts.reopen(
            connection, found.id, None, not_before=now.calendar, resumed=found.resumed, detail=detail, now=now.machine
        )
        return Settled(found.id, done=done, say="it goes with the next tick")
    last = doubts.last_letter_on(connection, found)
    move: Move = once_more(letter, person, course, history, last, now=now.calendar)
    after = person._replace(**move.changes)
    away = move.slot is not None and after.was_away(move.slot.letter_on)
    doubts.reopen(connection, found.id, move.slot, not_before=None, resumed=found.resumed or away, detail=detail, now=now.machine)
    enrollments.change(connection, person.id, {**move.changes, "open_delivery": found.id})
    if move.slot is None:
        return Settled(found.id, done=True, say="it waits until she ends her pause")
    return Settled(found.id, done=True, say=f"it goes on {move.slot.letter_on}, in her window")


def _standing(connection: Connection, person: Enrollment) -> Standing:
    subscriber = subscribers.find(connection, person.subscriber_id)
    state = versions.running(connection)[person.course]
    gone = subscriber is None or subscriber.address is None
    register = {} if subscriber is None else subscribers.suppressed(connection, [subscriber.address_key], person.course)
    return Standing(
        consented=person.confirmed_at is not None,
        left=person.state in {Stage.LEFT, Stage.ENDED},
        erased=gone,
        suppression=next(iter(register.values()), None),
        paused=person.paused == Pause.OPEN,
        held=state.held_at is not None,
    )


def _note(what: str, by: str, why: str) -> str:
    """Return who settled it and why, as it stands in the delivery; raises UsageError where either is missing."""
    who, reason = clean_text(by, WHO_MAX), clean_text(why, WHY_MAX)
    if not who or not reason:
        raise UsageError("say who settles it and why: --by NAME --why REASON")
    return f"{what} by {who}: {reason}"


def _unknown(delivery_id: int) -> Settled:
    return Settled(delivery_id, done=False, say="there is no delivery of this number; drip uncertain list shows them")


def _not_in_doubt(connection: Connection, delivery_id: int, *, wanted: State | None) -> Settled:
    found = deliveries.find(connection, delivery_id)
    if found is None:
        return _unknown(delivery_id)
    return Settled(delivery_id, done=found.state == wanted, say=f"it is not in doubt: {found.state}")
