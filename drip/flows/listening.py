"""Listening to the provider: store what it reports, answer, then work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from drip.core.address import address_key
from drip.core.delivery import ADDRESS_CHANGE, Outcome, State, raised
from drip.core.event import MalformedEvents, graver, parse_events
from drip.store import complaints, deliveries, endings, erasing, events, moves, recovery, stamps, subscribers, versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from drip.clock import Now
    from drip.mail.library import Library
    from drip.store.deliveries import Reported
    from drip.store.events import Event
    from drip.store.session import Connection, Database

PAGE = 500

log = structlog.get_logger("drip.listen")


def receive(database: Database, raw: bytes, *, suppression_key: bytes) -> int | MalformedEvents:
    """Store the reports in the raw body of a webhook call, known ones once, and return how many were new.

    Of each report only our delivery id, the kind, the outcome and the instant are kept; where the id is missing or the
    address must not be mailed any more, its keyed hash.
    """
    reports = parse_events(raw)
    if isinstance(reports, MalformedEvents):
        return reports
    with database.write() as connection:
        now = stamps.now_in(connection)
        keyed = [address_key(one.address, suppression_key) if one.address else None for one in reports]
        rows = [
            {
                # Nothing stored may derive from an address without our key: the keyed hash stands in for a missing id.
                "key": replace(report, delivery=report.delivery or key or "nobody").key,
                "delivery": report.delivery,
                # Whoever is named: she may have another address by now, which this report says nothing of.
                "address_key": key if report.suppress or not report.delivery else None,
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
        found = deliveries.find_reported(connection, [event.delivery for event in waiting if event.delivery])
    dead = {one.owner for one in found.values() if one.state == State.SUBMITTING and one.owner}
    recovery.bury_dead(database, sorted(dead), library.course)
    with database.write() as connection:
        now = stamps.now_in(connection)
        page = events.unworked(connection, PAGE)
        named = [event.delivery for event in page if event.delivery]
        # People before their deliveries, as everywhere: a result that is being recorded holds the person and wants the row.
        # It also keeps another listener from lowering an outcome that it read before this one raised it.
        people = {one.subscriber_id for one in deliveries.find_reported(connection, named).values()}
        keys = {event.address_key for event in page if event.address_key}
        moves.lock_people(connection, people | set(subscribers.find_by_keys(connection, keys).values()))
        found = deliveries.find_reported(connection, named)
        _raise(connection, page, found)
        deliveries.confirm_uncertain(
            connection, sorted(one.id for one in found.values() if one.state == State.UNCERTAIN), now.machine
        )
        _suppress(connection, page, found, now)
        # Of whoever was forgotten meanwhile nothing is kept, late reports least of all.
        erasing.delete_reports(connection, erasing.about_the_forgotten(connection, page, found.keys()))
        if page:
            events.mark_worked(connection, [event.id for event in page], now.machine)
    if any(event.outcome == Outcome.COMPLAINED for event in page):
        _heed_complaints(database)
    return len(page)


def _heed_complaints(database: Database) -> None:
    """Hold every course once readers have reported too many of a day's letters as spam; only a release ends that.

    In a transaction of its own, after that of the page: two listeners that each work off one complaint too few would
    otherwise not see the other's.
    """
    with database.read() as connection:
        going = complaints.any_course_goes(connection)
        if not going or complaints.too_many(connection, stamps.now_in(connection).machine) is None:
            return
    with database.write() as connection:
        now = stamps.now_in(connection).machine
        # A release that is under way comes first, and settles what it saw.
        found = complaints.too_many(connection, now) if complaints.keep_courses(connection) else None
        held = 0 if found is None else versions.hold(connection, None, found.words, now)
    if found is not None and held:
        log.error("held-for-complaints", day=found.day.isoformat(), complaints=found.count, letters=found.letters)


def _raise(connection: Connection, page: Sequence[Event], found: Mapping[str, Reported]) -> None:
    """Raise outcomes to the strongest report, and set the instant of the earliest that was as strong."""
    strongest: dict[int, tuple[str, datetime]] = {}
    for event in page:
        delivery = found.get(event.delivery or "")
        if delivery is None or event.outcome is None:
            continue
        before, since = strongest.get(delivery.id, (delivery.outcome, delivery.outcome_at))
        after = raised(Outcome(before) if before else None, Outcome(event.outcome)).value
        at = event.at or event.received_at
        if after != before or (event.outcome == before and (since is None or at < since)):
            strongest[delivery.id] = (after, at)
    deliveries.raise_outcomes(connection, strongest)


def _suppress(connection: Connection, page: Sequence[Event], found: Mapping[str, Reported], now: Now) -> None:
    """Enter the addresses that a page names into the register, each with the gravest reason, and end the runs behind them.

    The keyed address tells whose it is; where the provider left that out, our id does.
    """
    naming = [event for event in page if event.suppress]
    if not naming:
        return
    hers = subscribers.keys_by_id(connection, {one.subscriber_id for one in found.values()})
    gravest: dict[str, str] = {}
    for event in naming:
        delivery = found.get(event.delivery or "")
        if event.delivery and delivery is None:
            # Forgotten, forged, or of another installation with the same account: it says nothing of ours.
            continue
        # The letter that asks a new address to confirm went there, and not to hers.
        known = delivery is not None and delivery.letter != ADDRESS_CHANGE
        key = event.address_key or (hers.get(delivery.subscriber_id) if delivery and known else None)
        if key:
            gravest[key] = graver(gravest.get(key), event.suppress or "")
    for subscriber_id, reason in endings.suppress(connection, gravest, now=now).items():
        log.info("suppressed", subscriber=subscriber_id, reason=reason)
