"""What the provider's reports mean, however they are mangled, repeated and shuffled."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.delivery import Outcome, raised
from drip.core.event import OUTCOMES, MalformedEvents, Report, parse_events


def parsed(*events: Any) -> list[Report]:  # noqa: ANN401 - any JSON
    """The reports in a body that holds these events."""
    reports = parse_events(json.dumps(events).encode())
    assert isinstance(reports, list)
    return reports


def event(kind: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """An event as SendGrid writes it."""
    usual = {"email": "anna@example.org", "timestamp": 1_700_000_000, "sg_event_id": "c2ZA-_1=", "sg_message_id": "x.y"}
    return {**usual, "drip_delivery": "7-k3j2", "category": ["a"], "event": kind, **fields}


def test_a_report_keeps_what_we_follow() -> None:
    """A delivered event becomes our outcome, with our id, the instant in UTC, and the provider's event id."""
    (report,) = parsed(event("delivered", response="250 OK", ip="192.0.2.1"))
    assert (
        Report(
            delivery="7-k3j2",
            kind="delivered",
            outcome=Outcome.DELIVERED,
            at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
            address="anna@example.org",
            provider_event_id="c2ZA-_1=",
        )
        == report
    )
    assert "anna" not in repr(report)


@pytest.mark.parametrize(
    ("fields", "outcome", "reason"),
    [
        ({"event": "processed"}, Outcome.PROCESSED, None),
        ({"event": "deferred", "attempt": "5"}, Outcome.DEFERRED, None),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Content"}, Outcome.BOUNCED, "hard-bounce"),
        ({"event": "bounce"}, Outcome.BOUNCED, "hard-bounce"),
        ({"event": "bounce", "type": "blocked"}, Outcome.BLOCKED, None),
        ({"event": "bounce", "type": "expired"}, Outcome.BOUNCED, None),
        ({"event": "dropped", "reason": "Bounced Address"}, Outcome.DROPPED, "hard-bounce"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Outcome.DROPPED, "provider-unsubscribe"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, Outcome.DROPPED, "complaint"),
        ({"event": "dropped", "reason": "Invalid"}, Outcome.DROPPED, "invalid-address"),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, Outcome.DROPPED, None),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, Outcome.DROPPED, None),
        ({"event": "dropped"}, Outcome.DROPPED, None),
        ({"event": "spamreport"}, Outcome.COMPLAINED, "complaint"),
        ({"event": "unsubscribe"}, Outcome.UNSUBSCRIBED, "provider-unsubscribe"),
        ({"event": "group_unsubscribe", "asm_group_id": 1}, Outcome.UNSUBSCRIBED, "provider-unsubscribe"),
        ({"event": "group_resubscribe"}, None, None),
        ({"event": "open"}, None, None),
        ({"event": "click", "url": "https://example.org/u/token"}, None, None),
        ({"event": "account_status_change", "type": "compliance_suspend"}, None, None),
        ({"event": "of tomorrow"}, None, None),
    ],
)
def test_each_word_of_the_provider(fields: dict[str, Any], outcome: Outcome | None, reason: str | None) -> None:
    """Only hard bounces, complaints, unsubscribes and drops that name one of those suppress."""
    (report,) = parsed(event(**{"kind": "", **fields}))
    assert outcome is report.outcome
    assert (reason is not None) is report.suppress
    assert reason == (report.reason_class if report.suppress else None)


def test_a_blocked_mail_says_what_kind_of_block() -> None:
    """The documented class of a block is kept as a word; the receiving server's free text is not."""
    (report,) = parsed(
        event("bounce", type="blocked", bounce_classification="Mailbox Unavailable", reason="anna@example.org full")
    )
    assert ("blocked", "mailbox-unavailable") == (report.bounce_type, report.reason_class)


def test_a_late_bounce_without_ids_still_names_the_person() -> None:
    """Without our id the address is what finds her."""
    (report,) = parsed({"event": "bounce", "email": "anna@example.org", "timestamp": 1_700_000_000, "type": "bounce"})
    assert (None, "anna@example.org", True) == (report.delivery, report.address, report.suppress)


def test_the_key_survives_a_new_event_id() -> None:
    """A repeated event has the same key although its event id changed; another event, person or second has another."""
    first, again, later, other, person = parsed(
        event("deferred"),
        event("deferred", sg_event_id="new"),
        event("deferred", timestamp=1_700_000_001),
        event("delivered"),
        event("deferred", drip_delivery="8"),
    )
    assert first.key == again.key
    assert 4 == len({first.key, later.key, other.key, person.key})
    assert 64 == len(first.key)


def test_a_key_without_an_id_hides_the_address() -> None:
    """The address goes into a hash, in one spelling; once the delivery is known the address plays no part."""
    (report,) = parsed({"event": "bounce", "email": "anna@example.org", "timestamp": 1})
    assert "anna" not in report.key
    assert report.key == replace(report, address="ANNA@example.org").key
    assert replace(report, delivery="7").key == replace(report, delivery="7", address=None).key


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"{}", b"7", b"null", b'"x"', b"\xff[]", b"[" * 200_000, b"[" + b"9" * 5_000 + b"]", b'[{"a":1}'], ids=str
)
def test_a_malformed_body_is_a_value(raw: bytes) -> None:
    """What is no list of events says so, and raises nothing."""
    assert isinstance(parse_events(raw), MalformedEvents)


def test_one_bad_event_does_not_cost_the_others() -> None:
    """What is not an event is left out of the list."""
    assert ["delivered", "unknown"] == [report.kind for report in parsed(None, 7, [], "x", event("delivered"), {})]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["event", "type", "reason", "email", "timestamp", "drip_delivery", "sg_event_id", "category", "bounce_classification"]
WORDS = st.sampled_from([*OUTCOMES, "open", "blocked", "bounce", "Invalid", "a@b", "\ud800@x", "1700000000", "x" * 5_000])


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON | WORDS) | JSON))
def test_no_event_raises(events: list[Any]) -> None:
    """Whatever stands in whichever field, there is a report, with a key and a repr, that a database can store."""
    for report in parsed(*events):
        assert report.key.isalnum()
        stored = [report.delivery, report.kind, report.bounce_type, report.reason_class, report.provider_event_id, report.address]
        assert all(len(text.encode()) < 1_100 for text in stored if text is not None)
        assert repr(report)


@given(st.binary())
def test_no_bytes_raise(raw: bytes) -> None:
    """Nothing that a stranger can send makes it raise."""
    assert isinstance(parse_events(raw), list | MalformedEvents)


def strongest(reports: list[Report]) -> Outcome | None:
    """What a delivery's outcome column holds after these reports."""
    outcome = None
    for report in reports:
        outcome = raised(outcome, report.outcome) if report.outcome else outcome
    return outcome


@given(st.lists(st.sampled_from([*OUTCOMES, "open", "blocked"]), min_size=1), st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(kinds: list[str], shuffle: random.Random) -> None:
    """The same events in any order, some of them twice, end in the same outcome."""
    events = [event("bounce", type="blocked") if kind == "blocked" else event(kind) for kind in kinds]
    mixed = [*events, *shuffle.choices(events, k=3)]
    shuffle.shuffle(mixed)
    assert strongest(parsed(*events)) is strongest(parsed(*mixed))
    assert {report.key for report in parsed(*events)} == {report.key for report in parsed(*mixed)}
