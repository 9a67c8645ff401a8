"""What the provider reports: any order, any number of copies, and the same end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip.core.delivery import Submitted, Unknown
from drip.core.event import MalformedEvents
from drip.flows import listening
from drip.mail.message import Message
from drip.store import subscribers
from tests.engine import Engine


def report(delivery: str | None, kind: str, second: int = 1_800_000_000, **more: str) -> dict[str, Any]:
    """Return one event as SendGrid writes it."""
    found: dict[str, Any] = {"event": kind, "timestamp": second, "email": "ada@example.net", "sg_event_id": "x", **more}
    return found if delivery is None else {**found, "drip_delivery": delivery}


def hear(engine: Engine, *reports: dict[str, Any], work: bool = True) -> None:
    """Receive reports, and work them off."""
    found = listening.receive(engine.database, json.dumps(reports).encode(), suppression_key=engine.deployment.suppression_key)
    assert not isinstance(found, MalformedEvents)
    while work and listening.work(engine.database, engine.library):
        pass


def outcome(engine: Engine, name: str) -> str | None:
    """Return the strongest report of the newest letter."""
    return engine.deliveries(name)[-1].outcome


def suppressed(engine: Engine, name: str) -> str | None:
    """Return why the address of *name* must not be mailed."""
    with engine.database.read() as connection:
        person = subscribers.find(connection, engine.person(name).subscriber_id)
        assert person is not None
        return subscribers.suppressed(connection, [person.address_key], "small").get(person.address_key)


KINDS = ["processed", "deferred", "delivered", "bounce", "spamreport", "open", "dropped"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(st.data())
def test_reports_in_any_order_and_number_end_alike(engine: Engine, data: st.DataObject) -> None:
    """The provider repeats, reorders and splits its calls."""
    kinds = data.draw(st.lists(st.sampled_from(KINDS), unique=True, min_size=1))
    names = [f"a{len(engine.mailer.requests)}", f"b{len(engine.mailer.requests)}"]
    engine.join(*names)
    engine.work()
    ends = []
    for name in names:
        delivery = engine.deliveries(name)[-1].public_id
        repeated = kinds * data.draw(st.integers(1, 2))
        for kind in data.draw(st.permutations(repeated)):
            hear(engine, report(delivery, kind), work=data.draw(st.booleans()))
        hear(engine)
        ends.append((outcome(engine, name), suppressed(engine, name) is not None, engine.person(name).state))
    assert ends[0] == ends[1]
    engine.assert_sound()


@pytest.mark.parametrize(
    ("event", "expected", "reason"),
    [
        ({"event": "bounce", "type": "bounce"}, "bounced", "hard-bounce"),
        ({"event": "bounce", "type": "blocked"}, "blocked", None),
        ({"event": "spamreport"}, "complained", "complaint"),
        ({"event": "unsubscribe"}, "unsubscribed", "provider-unsubscribe"),
        ({"event": "dropped", "reason": "Bounced Address"}, "dropped", "hard-bounce"),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, "dropped", None),
        ({"event": "open"}, None, None),
    ],
)
def test_only_a_proven_reason_suppresses(engine: Engine, event: dict[str, str], expected: str | None, reason: str | None) -> None:
    """Hard bounces, complaints, unsubscribes and drops that name those end the course; nothing else does."""
    engine.join("ada", "bea")
    engine.work()
    hear(engine, {**report(engine.deliveries("ada")[-1].public_id, ""), **event})
    assert (expected, reason) == (outcome(engine, "ada"), suppressed(engine, "ada"))
    assert ("active" if reason is None else "ended") == engine.person("ada").state
    engine.run_to_the_end()
    assert (5 if reason is None else 1) == len(engine.subjects("ada"))
    assert 5 == len(engine.subjects("bea"))
    engine.assert_sound()


def test_what_is_open_is_withheld_when_an_address_is_suppressed(engine: Engine) -> None:
    """The next letter was waiting already: it ends as withheld and is never handed over."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.tick()
    first = engine.deliveries("ada")[0].public_id
    hear(engine, report(first, "spamreport"))
    assert ("withheld", "suppressed") == engine.state_of("ada")
    engine.assert_sound()


def test_a_report_settles_what_was_in_doubt(engine: Engine) -> None:
    """The provider had the letter: uncertain becomes submitted, and no second copy goes."""
    engine.join("ada")
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    hear(engine, report(engine.deliveries("ada")[-1].public_id, "processed"))
    assert ("submitted", "reported") == engine.state_of("ada")
    engine.assert_sound()


def test_a_report_that_is_faster_than_the_record_is_kept(engine: Engine) -> None:
    """It arrives while the request is under way: the outcome stays, and the result is recorded after it."""
    engine.join("ada")

    def meanwhile(message: Message) -> Submitted:
        hear(engine, report(message.recipients[0].delivery, "delivered"))
        assert "submitting" == engine.state_of("ada")[0]
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.work()
    assert ("submitted", "delivered") == (engine.state_of("ada")[0], outcome(engine, "ada"))
    engine.assert_sound()


def test_a_complaint_while_the_next_letter_is_under_way(engine: Engine) -> None:
    """The register is read before the next request; the one under way comes to its own result, and nothing follows."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    first = engine.deliveries("ada")[0].public_id

    def meanwhile(_: Message) -> Submitted:
        hear(engine, report(first, "spamreport"))
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.work()
    engine.run_to_the_end()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_late_bounce_finds_her_by_her_address(engine: Engine) -> None:
    """Late bounces come without our id: the keyed hash of the address stands in."""
    engine.join("ada", "bea")
    engine.work()
    hear(engine, report(None, "bounce", email="Ada@Example.net"))
    assert ("hard-bounce", None) == (suppressed(engine, "ada"), suppressed(engine, "bea"))
    engine.assert_sound()


def test_a_bounce_of_somebody_unknown_is_remembered(engine: Engine) -> None:
    """Whoever signs up with that address later is not mailed."""
    hear(engine, report(None, "bounce", email="ada@example.net"), report(None, "spamreport", email="ada@example.net"))
    engine.join("bea")
    engine.join("ada")
    engine.work()
    assert ["bea"] == [name for name, _ in engine.mailer.reached]


@pytest.mark.parametrize("forged", ["1-00000000", "1", "x", "999999-aaaaaaaa", "-"])
def test_a_forged_id_changes_nothing(engine: Engine, forged: str) -> None:
    """An id must name row and nonce; what does not is worked off without effect."""
    engine.join("ada")
    engine.work()
    hear(engine, report(forged, "spamreport", email="nobody@example.net"))
    assert (None, None) == (outcome(engine, "ada"), suppressed(engine, "ada"))
    assert "active" == engine.person("ada").state


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[" * 5000])
def test_a_body_that_is_no_list_is_told(engine: Engine, raw: bytes) -> None:
    """And nothing is stored."""
    assert isinstance(listening.receive(engine.database, raw, suppression_key=b"key"), MalformedEvents)
