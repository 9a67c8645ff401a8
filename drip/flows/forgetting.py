"""Forgetting: erasing everything about a person but a keyed hash, a reason and a date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from drip.core.delivery import Reason
from drip.store import endings, enrollments, recovery, stamps, subscribers

if TYPE_CHECKING:
    from drip.mail.library import Library
    from drip.store.session import Database

log = structlog.get_logger("drip.forget")


@dataclass(frozen=True, slots=True)
class Erasing:
    """What became of a wish to be forgotten; until it is *acknowledged*, one letter may still be on its way."""

    acknowledged: bool


def erase(database: Database, library: Library, public_id: str, *, source: str, wait_seconds: float) -> Erasing:
    """Erase the person whom a link names, and wait until nothing of hers is being handed over."""
    with database.write() as connection:
        now = stamps.now_in(connection)
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            return Erasing(acknowledged=True)
        person = enrollments.locked(connection, found.id)
        subscriber = subscribers.find(connection, person.subscriber_id)
        if subscriber is not None:
            endings.suppress(connection, subscriber.id, subscriber.address_key, Reason.ERASED, now=now)
    log.info("erased", subscriber=person.subscriber_id, source=source)
    return Erasing(recovery.wait_until_quiet(database, person.subscriber_id, library.course, wait_seconds=wait_seconds))
