"""What the provider reports: any order, any number of copies, and the same end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip.core.address import address_key
from drip.core.delivery import Submitted, Unknown
from drip.core.event import MalformedEvents
from drip.flows import enrolling, holding, listening, reporting
from drip.mail.message import Message
from drip.store import erasing, events, subscribers
from drip.store.tables import metadata
from tests.engine import Engine
from tests.faulty import Points


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
    # Three people who complain stop everything, and that is another claim.
    holding.release(engine.database, None)
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


SPELLINGS = ["ada@bücher.example.net", "ADA@BÜCHER.EXAMPLE.NET", "ada@xn--bcher-kva.example.net", "Ada@XN--BCHER-KVA.Example.net"]


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize("reported", SPELLINGS)
def test_a_spelling_of_the_provider_is_still_hers(engine: Engine, reported: str, with_id: bool) -> None:  # noqa: FBT001
    """It reports her domain in its own letters or in ASCII, in any case: her run ends, with our id and without."""
    wish = enrolling.Wish("ada@bücher.example.net", name="Ada")
    enrolling.enroll(engine.database, engine.library, wish, suppression_key=engine.deployment.suppression_key, confirmed=True)
    engine.work()
    with engine.database.read() as connection:
        row = connection.execute(sa.select(metadata.tables["deliveries"])).one()
    hear(engine, report(f"{row.id}-{row.nonce}" if with_id else None, "bounce", email=reported))
    with engine.database.read() as connection:
        ended = connection.execute(sa.select(metadata.tables["enrollments"].c.state, metadata.tables["enrollments"].c.ended_why))
        assert [("ended", "hard-bounce")] == [tuple(one) for one in ended]
        register = metadata.tables["suppressions"]
        assert 1 == connection.execute(sa.select(sa.func.count()).select_from(register)).scalar_one()
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


# What is kept, and of whom -----------------------------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "email": "ada@example.net",
    "ip": "192.0.2.77",
    "useragent": "Mozilla/5.0 (Secret)",
    "url": "https://example.org/my/secret-token",
    "reason": "550 5.1.1 <ada@example.net> no such mailbox",
    "response": "250 OK for ada@example.net",
    "status": "5.1.77",
    "smtp-id": "<smtp-id-77@example.org>",
    "sg_event_id": "event-id-77",
    "sg_message_id": "message-id-77.filter",
    "category": ["category-77"],
    "asm_group_id": 7_777_777,
    "tls": "tls-77",
    "marketing_campaign_name": "campaign-77",
    "pool": {"name": "pool-77", "id": 7_777_778},
    "url_offset": {"index": 77, "type": "html-77"},
    "bounce_classification": "Invalid Address",
    "unheard_of": {"deep": ["deep-77"]},
}
"""Every field that SendGrid is known to put into an event, and one that it is not."""


def _words(value: object) -> list[str]:
    if isinstance(value, dict):
        return [word for one in value.values() for word in _words(one)]
    if isinstance(value, list):
        return [word for one in value for word in _words(one)]
    return [str(value)]


@pytest.mark.parametrize("kind", ["processed", "delivered", "bounce", "dropped", "spamreport", "open", "click", "late"])
def test_only_what_is_on_the_list_is_stored(engine: Engine, kind: str) -> None:
    """Of everything that an event says, no table holds a word but kind, outcome, reason class, instant and our id."""
    engine.join("ada")
    engine.work()
    event = {**report(engine.deliveries("ada")[0].public_id, "bounce" if kind == "late" else kind), **EVERYTHING}
    if kind == "late":
        del event["drip_delivery"]
    hear(engine, event)
    hear(engine, {**event, "email": "stranger.77@example.org", "drip_delivery": "1-forged00"})
    with engine.database.read() as connection:
        stored = {
            table.name: [tuple(row) for row in connection.execute(sa.select(table))]
            for table in metadata.sorted_tables
            # Her own row holds her address, and the version its letters.
            if table.name not in {"subscribers", "versions"}
        }
    allowed = {"77", "Invalid Address"}
    for word in [
        *(word for one in EVERYTHING.values() for word in _words(one) if word not in allowed),
        "ada@",
        "stranger",
        "forged",
    ]:
        assert word not in repr(stored), word


def test_the_graver_reason_stands(engine: Engine) -> None:
    """A bounce and then a complaint, or the other way round: the register and the run say complaint."""
    engine.join("ada", "bea")
    engine.work()
    for name, kinds in (("ada", ["bounce", "spamreport"]), ("bea", ["spamreport", "bounce"])):
        for kind in kinds:
            hear(engine, report(engine.deliveries(name)[0].public_id, kind, email=f"{name}@example.net"))
        assert ("complaint", "complaint") == (suppressed(engine, name), engine.person(name).ended_why)


def test_an_outcome_dates_from_the_earliest_report_of_it(engine: Engine) -> None:
    """Two reports of one kind, the later one first: the earlier instant stays, whichever way they come."""
    engine.join("ada", "bea")
    engine.work()
    for name, seconds in (("ada", [9, 3]), ("bea", [3, 9])):
        for second in seconds:
            hear(engine, report(engine.deliveries(name)[0].public_id, "deferred", 1_800_000_000 + second))
    with engine.database.read() as connection:
        dates = list(connection.execute(sa.select(metadata.tables["deliveries"].c.outcome_at)).scalars())
    assert [datetime(2027, 1, 15, 8, 0, 3, tzinfo=UTC)] * 2 == dates


@pytest.mark.parametrize("kind", ["bounce", "spamreport", "unsubscribe"])
def test_a_report_of_another_address_does_not_end_her_course(engine: Engine, kind: str) -> None:
    """A letter went to the address she had before: that one is not mailed any more, and she goes on at the new one."""
    engine.join("ada")
    engine.work()
    hear(engine, report(engine.deliveries("ada")[0].public_id, kind, email="ada.before@example.net"))
    assert (None, "active") == (suppressed(engine, "ada"), engine.person("ada").state)
    key = address_key("ada.before@example.net", engine.deployment.suppression_key)
    with engine.database.read() as connection:
        assert key in subscribers.suppressed(connection, [key], "small")


@pytest.mark.parametrize("kind", ["bounce", "spamreport", "delivered"])
def test_a_letter_of_another_installation_is_nobodys_here(engine: Engine, kind: str) -> None:
    """Two installations share an account: an id that names no letter of ours says nothing, whomever it went to."""
    engine.join("ada")
    engine.work()
    hear(engine, report("123456789-deadbeef", kind), report("other-system", kind))
    assert (None, None, "active") == (outcome(engine, "ada"), suppressed(engine, "ada"), engine.person("ada").state)
    with engine.database.read() as connection:
        assert 0 == events.count_unworked(connection)
        assert 0 == connection.execute(sa.select(sa.func.count()).select_from(metadata.tables["suppressions"])).scalar_one()


@pytest.mark.parametrize("known", [True, False])
def test_a_late_report_of_somebody_erased_leaves_nothing(engine: Engine, known: bool) -> None:  # noqa: FBT001
    """With our id or without: no trace of it is kept, and the register says erased still."""
    engine.join("ada")
    engine.work()
    person = engine.person("ada")
    delivery = engine.deliveries("ada")[0].public_id
    key = address_key("ada@example.net", engine.deployment.suppression_key)
    with engine.database.write() as connection:
        erasing.begin(connection, person.subscriber_id, engine.now())
    with engine.database.write() as connection:
        assert [person.id] == erasing.delete_rows(connection, [person.id])
    hear(engine, report(delivery if known else None, "spamreport"))
    with engine.database.read() as connection:
        assert {key: "erased"} == subscribers.suppressed(connection, [key], "small")
        assert 0 == connection.execute(sa.select(sa.func.count()).select_from(metadata.tables["events"])).scalar_one()


@pytest.mark.parametrize("kind", ["processed", "bounce"])
def test_a_report_settles_what_a_dead_worker_was_handing_over(engine: Engine, kind: str) -> None:
    """The worker died after the provider took the letter: its report alone makes it submitted, without a tick."""
    engine.join("ada")
    report_of_tick = engine.tick()
    worker = engine.deployment.incarnation()
    points = Points()
    points.on("answered", _die)
    sender = engine.deployment.sender(worker, at=points)
    with pytest.raises(KeyboardInterrupt):
        sender.send(report_of_tick.hints[0])
    assert "submitting" == engine.state_of("ada")[0]
    worker.close()
    hear(engine, report(engine.deliveries("ada")[0].public_id, kind))
    assert "submitted" == engine.state_of("ada")[0]
    assert ("active" if kind == "processed" else "ended") == engine.person("ada").state
    engine.assert_sound()


def _die() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["blocked", "dropped"])
def test_three_in_a_row_flag_her(engine: Engine, kind: str) -> None:
    """Blocked or dropped three times running: she stays on the course, and `drip status` names her enrollment."""
    engine.join("ada", "bea")
    for count in range(1, 4):
        if count > 1:
            engine.to_lesson("ada", ["breathe", "walk"][count - 2])
        engine.work()
        word = {"event": "bounce", "type": "blocked"} if kind == "blocked" else {"event": "dropped", "reason": "Content"}
        hear(engine, {**report(engine.deliveries("ada")[-1].public_id, ""), **word})
        found = reporting.status(engine.database, door=engine.door)["unreachable_enrollments"]
        assert ([engine.person("ada").id] if count == 3 else []) == found
    assert "active" == engine.person("ada").state
