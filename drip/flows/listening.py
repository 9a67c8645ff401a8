"""Listening to the provider: store what it reports, answer, then work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from drip.core.address import address_key
from drip.core.delivery import Outcome, State, raised
from drip.core.event import MalformedEvents, parse_events
from drip.store import address_changes, deliveries, endings, erasing, events, moves, recovery, stamps, subscribers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from drip.clock import Now
    from drip.mail.library import Library
    from drip.store.deliveries import Delivery
    from drip.store.events import Event
    from drip.store.session import Connection, Database

PAGE = 500

log = structlog.get_logger("drip.listen")


def receive(database: Database, raw: bytes, *, suppression_key: bytes) -> int | MalformedEvents:
    """Store the reports in the raw body of a webhook call, known ones once, and return how many were new.

    Of each report only our delivery id, the kind, the outcome and the instant are kept; where the id is missing, the
    keyed hash of the address.
    """
    reports = parse_events(raw)
    if isinstance(reports, MalformedEvents):
        return reports
    with database.write() as connection:
        now = stamps.now_in(connection)
        keyed = [address_key(one.address, suppression_key) if one.address and not one.delivery else None for one in reports]
        rows = [
            {
                # Nothing stored may derive from an address without our key: the keyed hash stands in for a missing id.
                "key": replace(report, delivery=report.delivery or key or "nobody").key,
                "delivery": report.delivery,
                "address_key": key,
                "kind": report.kind,
                "outcome": report.outcome,
                "suppress": report.reason_class if report.suppress else None,
                "at": report.at,
                "received_at": now.machine,
            }
            for report, key in zip(reports, keyed, strict=True)
        ]
        return events.store(connection, rows)


def work(database: Database, library: Library) -> int:
    """Work off one page of stored reports and return how many; any order and any number of copies end alike.

    A report with our id raises the outcome in any state, and settles what is uncertain: the provider had the letter.
    """
    with database.read() as connection:
        waiting = events.unworked(connection, PAGE)
        found = deliveries.find_by_public_ids(connection, [event.delivery for event in waiting if event.delivery])
    dead = {one.owner for one in found.values() if one.state == State.SUBMITTING and one.owner}
    recovery.bury_dead(database, sorted(dead), library.course)
    with database.write() as connection:
        now = stamps.now_in(connection)
        page = events.unworked(connection, PAGE)
        named = [event.delivery for event in page if event.delivery]
        # People before their deliveries, as everywhere: a result that is being recorded holds the person and wants the row.
        # It also keeps another listener from lowering an outcome that it read before this one raised it.
        people = {one.subscriber_id for one in deliveries.find_by_public_ids(connection, named).values()}
        keys = {event.address_key for event in page if event.address_key}
        people |= {known.id for key in keys if (known := subscribers.find_by_key(connection, key))}
        moves.lock_people(connection, people)
        found = deliveries.find_by_public_ids(connection, named)
        _raise(connection, page, found)
        deliveries.confirm_uncertain(
            connection, sorted(one.id for one in found.values() if one.state == State.UNCERTAIN), now.machine
        )
        for event in page:
            if event.suppress:
                _suppress(connection, event, found.get(event.delivery or ""), now)
        # Of whoever was forgotten meanwhile nothing is kept, late reports least of all.
        erasing.delete_reports(connection, erasing.about_the_forgotten(connection, page, found))
        if page:
            events.mark_worked(connection, [event.id for event in page], now.machine)
    return len(page)


def _raise(connection: Connection, page: Sequence[Event], found: dict[str, Delivery]) -> None:
    strongest: dict[int, tuple[str, datetime]] = {}
    for event in page:
        delivery = found.get(event.delivery or "")
        if delivery is None or event.outcome is None:
            continue
        before = strongest.get(delivery.id, (delivery.outcome, event.received_at))[0]
        after = raised(Outcome(before) if before else None, Outcome(event.outcome))
        if after != before:
            strongest[delivery.id] = (after.value, event.at or event.received_at)
    deliveries.raise_outcomes(connection, strongest)


def _suppress(connection: Connection, event: Event, delivery: Delivery | None, now: Now) -> None:
    """Enter the address of a report into the register, found by our id or by its keyed hash."""
    key = event.address_key if delivery is None else address_changes.reported_key(connection, delivery)
    # Not by the delivery: since it was handed over, she may have moved elsewhere.
    subscriber = subscribers.find_by_key(connection, key) if key else None
    if subscriber is not None and (delivery is None or subscriber.id == delivery.subscriber_id):
        if endings.suppress(connection, subscriber.id, subscriber.address_key, event.suppress or "", now=now):
            log.info("suppressed", subscriber=subscriber.id, reason=event.suppress)
    elif key:
        subscribers.suppress(connection, key, event.suppress or "", now=now.machine)
