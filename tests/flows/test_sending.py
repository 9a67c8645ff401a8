"""Handing batches over: who is in a request, and what becomes of everybody for each answer of the provider."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drip.core.delivery import Breaker, Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.flows import holding
from drip.store import enrollments, subscribers, versions
from tests.conftest import Prepare
from tests.course import lesson
from tests.engine import Engine, engine_on

PEOPLE = ("ada", "bea", "cis", "dot", "eve", "fay", "gil", "hal")


def held_lessons(engine: Engine) -> list[str]:
    """Return the letters that are held."""
    with engine.database.read() as connection:
        return [row.letter for row in versions.held_lessons(connection)]


def suppressed(engine: Engine, name: str) -> str | None:
    """Return why the address of *name* must not be mailed."""
    with engine.database.read() as connection:
        person = subscribers.find(connection, engine.person(name).subscriber_id)
        assert person is not None
        return subscribers.suppressed(connection, [person.address_key], "small").get(person.address_key)


# Requests ----------------------------------------------------------------------------------------------------------------


def test_a_course_runs_to_its_end(engine: Engine) -> None:
    """Everybody gets every lesson once, in order, whatever her zone and pace."""
    for number, zone in enumerate(["Europe/London", "Asia/Tokyo", "America/New_York", "Pacific/Apia"]):
        engine.join(f"p{number}", timezone=zone, pace=1 + number % 2)
    engine.run_to_the_end()
    for number in range(4):
        assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects(f"p{number}")
        assert "finished" == engine.person(f"p{number}").state
    engine.assert_sound()


def test_one_request_carries_a_batch(engine: Engine) -> None:
    """Nine people share one request, each with her own values, header and link."""
    engine.join(*PEOPLE)
    engine.work()
    (request,) = engine.mailer.requests
    assert list(PEOPLE) == request.people
    recipients = request.message.recipients
    assert len(PEOPLE) == len({one.headers["List-Unsubscribe"] for one in recipients})
    tags = set(recipients[0].substitutions)
    assert any(tag.endswith("H7x") for tag in tags)
    assert any(tag.endswith("T7x") for tag in tags)
    assert all(tag in request.message.html + request.message.text + request.message.subject for tag in tags)
    assert {"Ada", "Bea"} <= {value for one in recipients[:2] for value in one.substitutions.values()}


def test_what_differs_goes_apart(engine: Engine) -> None:
    """Short and full letters, and letters after a pause, never share a request."""
    engine.join("ada", "bea", "cis", "dot")
    engine.work()
    engine.choose("bea", length="short")
    with engine.database.write() as connection:
        enrollments.change(connection, engine.person("cis").id, {"resumed": True})
    engine.mailer.requests.clear()
    engine.to_lesson("ada", "breathe")
    engine.work()
    assert [["ada", "dot"], ["bea"], ["cis"]] == sorted(request.people for request in engine.mailer.requests)


def test_a_country_with_a_helpline_is_a_letter_of_its_own(prepare: Prepare) -> None:
    """Its people share one request, whose letter names the line; a country without one is like no country at all.

    A country that she chooses later counts from the next letter that is opened.
    """
    crisis = lesson("breathe", 'Small steps.\n\n{{ block("FX-CRISIS") }}').replace("blocks: []", "blocks: [FX-CRISIS]")
    changed = {"one/breathe.md": crisis, "_base/blocks/FX-CRISIS.md": "Call somebody.\n"}
    with engine_on(prepare(helplines=True, changed=changed)) as engine:
        engine.join("ada", "bea", country="GB")
        engine.join("cis", country="FR")
        engine.join("dot")
        engine.join("eve", country="NL")
        engine.work()
        engine.choose("dot", country="GB")
        engine.to_lesson("ada", "breathe")
        engine.mailer.requests.clear()
        engine.work()
        requests = {tuple(request.people): request.message for request in engine.mailer.requests}
        assert {("ada", "bea", "dot"), ("cis",), ("eve",)} == set(requests)
        british, other, dutch = (requests[people].text for people in (("ada", "bea", "dot"), ("cis",), ("eve",)))
        assert "In the United Kingdom: The Listeners, 000\u00a0111 (day & night).\n\nCall somebody." in british
        assert "In the Netherlands:\nDe Lijn, +31\u00a0(0)00-000.\nTyping, text *HEY* to 00000 (evenings).\n\nCall" in dutch
        assert "Listeners" not in other + dutch
        engine.assert_sound()


def test_a_letter_that_asks_for_her_name_goes_one_by_one(engine: Engine) -> None:
    """A letter that decides by a value of the person is one request each."""
    engine.join("ada", "bea", "cis")
    engine.to_lesson("ada", "walk")
    engine.mailer.requests.clear()
    engine.work()
    assert [["ada"], ["bea"], ["cis"]] == sorted(request.people for request in engine.mailer.requests)
    assert all("You, " in request.message.text for request in engine.mailer.requests)
    engine.assert_sound()


# Refusals ----------------------------------------------------------------------------------------------------------------


def test_only_the_person_who_is_named_fails(engine: Engine) -> None:
    """A 400 that names one address fails and suppresses that person; the others arrive in a second request."""
    engine.join(*PEOPLE)
    engine.mailer.script = [Refused("does not contain a valid address", position=2, bad_address=True)]
    engine.work()
    assert [len(PEOPLE), len(PEOPLE) - 1] == [len(request.people) for request in engine.mailer.requests]
    assert ("failed", "invalid-address") == engine.state_of("cis")
    assert "invalid-address" == suppressed(engine, "cis")
    assert "ended" == engine.person("cis").state
    assert {"submitted"} == {engine.state_of(name)[0] for name in PEOPLE if name != "cis"}
    assert None is suppressed(engine, "dot")
    engine.assert_sound()


@pytest.mark.parametrize("bad", PEOPLE)
def test_a_refusal_that_names_nobody_is_halved(engine: Engine, bad: str) -> None:
    """The batch is halved until the bad letter is alone; it fails, the others arrive."""
    engine.join(*PEOPLE)
    engine.mailer.otherwise = lambda message: (
        Refused("400 bad") if any(one.address.startswith(bad) for one in message.recipients) else Submitted()
    )
    engine.work()
    assert ("failed", "refused") == engine.state_of(bad)
    assert None is suppressed(engine, bad)
    assert "active" == engine.person(bad).state
    assert len(PEOPLE) - 1 == len(engine.mailer.accepted)
    engine.assert_sound()


def test_refused_alike_in_both_halves_is_nobodys_fault(engine: Engine) -> None:
    """Everybody waits, the lesson is held, and nobody has failed."""
    engine.join(*PEOPLE)
    engine.mailer.otherwise = Refused("400 no")
    engine.work()
    assert {("pending", "held")} == {engine.state_of(name) for name in PEOPLE}
    assert ["hello"] == held_lessons(engine)
    engine.mailer.otherwise = Submitted()
    holding.release(engine.database, None)
    engine.work()
    assert {"submitted"} == {engine.state_of(name)[0] for name in PEOPLE}
    engine.assert_sound()


def test_named_alike_is_nobodys_fault_either(engine: Engine) -> None:
    """A provider that names whoever stands first, and not for her address, speaks of the letter: nobody fails."""
    engine.join(*PEOPLE)
    engine.mailer.otherwise = Refused("400 substitutions of 0 are wrong", position=0)
    engine.work()
    assert {"pending"} == {engine.state_of(name)[0] for name in PEOPLE}
    assert ["hello"] == held_lessons(engine)
    engine.assert_sound()


def test_one_who_is_named_for_something_else_than_her_address_fails_alone(engine: Engine) -> None:
    """Named once, and the others are accepted: her letter fails, her address is not suppressed."""
    engine.join(*PEOPLE)
    engine.mailer.script = [Refused("400 substitutions of 3 are wrong", position=3)]
    engine.work()
    assert ("failed", "refused") == engine.state_of("dot")
    assert None is suppressed(engine, "dot")
    assert {"submitted"} == {engine.state_of(name)[0] for name in PEOPLE if name != "dot"}
    engine.assert_sound()


def test_a_lone_refusal_is_parked_and_a_second_alike_holds_the_lesson(engine: Engine) -> None:
    """One letter alone, refused without a name, waits for an operator; two alike are the lesson's fault and both wait."""
    engine.mailer.otherwise = Refused("400 no 1")
    engine.join("ada")
    engine.work()
    (parked,) = engine.deliveries("ada")
    assert ("pending", True) == (parked.state, parked.blocked)
    assert [] == held_lessons(engine)
    engine.join("bea")
    engine.mailer.otherwise = Refused("400 no 2")
    engine.work()
    assert ["hello"] == held_lessons(engine)
    assert [("pending", False)] * 2 == [(one.state, one.blocked) for name in ("ada", "bea") for one in engine.deliveries(name)]
    engine.assert_sound()


def test_a_refusal_about_the_letter_holds_it_at_once(engine: Engine) -> None:
    """What is the same for everybody is nobody's fault: one request, no halving."""
    engine.join(*PEOPLE)
    engine.mailer.otherwise = Refused("400 the subject is required", about_letter=True)
    engine.work()
    assert 1 == len(engine.mailer.requests)
    assert ["hello"] == held_lessons(engine)
    assert {"pending"} == {engine.state_of(name)[0] for name in PEOPLE}
    engine.assert_sound()


def test_what_is_too_large_is_split(engine: Engine) -> None:
    """A request that is too large is halved until it fits, and nobody fails."""
    engine.join(*PEOPLE)
    engine.mailer.otherwise = lambda message: (
        Refused("413 too large", too_large=True) if len(message.recipients) > 2 else Submitted()
    )
    engine.work()
    assert len(PEOPLE) == len(engine.mailer.accepted)
    engine.assert_sound()


# The breaker -------------------------------------------------------------------------------------------------------------


def test_try_later_costs_nobody_a_letter(engine: Engine) -> None:
    """All wait, the breaker opens; after the backoff one letter tries the door, then all follow."""
    engine.join(*PEOPLE)
    engine.mailer.script = [TryLater("429")]
    engine.work()
    assert {("pending", "not-yet")} == {engine.state_of(name) for name in PEOPLE}
    assert Breaker.OPEN == engine.breaker().state
    engine.work()
    assert 1 == len(engine.mailer.requests)
    engine.let_it_try_again()
    engine.send(engine.tick())
    assert 1 == len(engine.mailer.requests[1].people)
    assert Breaker.CLOSED == engine.breaker().state
    engine.work()
    assert len(PEOPLE) == len(engine.mailer.accepted)
    engine.assert_sound()


def test_batches_turned_down_by_an_open_breaker_go_at_once_when_it_closes(engine: Engine) -> None:
    """A hint that met an open breaker is given again by the first tick after the probe, not after a doubled wait."""
    engine.ticker = engine.deployment.ticker()
    engine.ticker._batch_max = 2
    engine.join(*PEOPLE)
    report = engine.tick()
    engine.mailer.script = [Unknown("timed out")]
    engine.send(report)
    assert 1 == len(engine.mailer.requests)
    engine.let_it_try_again()
    for _ in range(3):
        engine.send(engine.tick())
    assert len(PEOPLE) - 2 == len(engine.mailer.accepted)
    engine.assert_sound()


def test_what_the_provider_asked_for_is_waited_for(engine: Engine) -> None:
    """A 429 with a reset time sets the time of the probe."""
    engine.join("ada")
    engine.mailer.script = [TryLater("429", retry_after_seconds=120)]
    engine.work()
    retry_at = engine.breaker().retry_at
    assert retry_at is not None
    assert timedelta(seconds=115) < retry_at - engine.now().machine <= timedelta(seconds=120)


def test_an_unknown_answer_is_in_doubt_for_exactly_that_request(engine: Engine) -> None:
    """Those in the request are uncertain and count as had, the others wait; nothing is submitted again by itself."""
    engine.join(*PEOPLE)
    engine.mailer.batch_max = 3
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    assert ["uncertain"] * 3 + ["pending"] * 5 == [engine.state_of(name)[0] for name in PEOPLE]
    assert Breaker.OPEN == engine.breaker().state
    assert "breathe" == engine.person("ada").next_lesson
    engine.let_it_try_again()
    engine.work()
    assert 5 == len(engine.mailer.accepted)
    engine.run_to_the_end()
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_door_that_raises_leaves_the_request_in_doubt(engine: Engine) -> None:
    """An exception in the door is an unknown answer: it may have gone."""

    def broken(_: object) -> Submitted:
        raise RuntimeError

    engine.join("ada")
    engine.mailer.script = [broken]
    engine.work()
    assert "uncertain" == engine.state_of("ada")[0]
    engine.assert_sound()


def test_a_refused_sender_pauses_and_touches_nobody(engine: Engine) -> None:
    """401 pauses the sender with reason and remedy; people wait; a probe ends it once the key is right."""
    engine.join(*PEOPLE)
    engine.mailer.script = [SenderRefused("401 the key is wrong", "set SENDGRID_API_KEY"), SenderRefused("401", "set it")]
    engine.work()
    sender = engine.breaker()
    assert (Breaker.PAUSED, "401 the key is wrong", "set SENDGRID_API_KEY") == (sender.state, sender.reason, sender.remedy)
    assert {"pending"} == {engine.state_of(name)[0] for name in PEOPLE}
    for state in (Breaker.PAUSED, Breaker.CLOSED):
        engine.let_it_try_again()
        engine.send(engine.tick())
        assert state == engine.breaker().state
    engine.work()
    assert len(PEOPLE) == len(engine.mailer.accepted)
    engine.assert_sound()


def test_a_late_success_does_not_close_a_breaker_that_opened_meanwhile(engine: Engine) -> None:
    """Only a probe closes it: this request began before the trouble."""
    engine.ticker._batch_max = 4
    engine.join(*PEOPLE)
    first, second = engine.tick().hints

    def meanwhile(_: object) -> Submitted:
        engine.sender.send(second)
        return Submitted()

    engine.mailer.script = [meanwhile, Unknown("reset")]
    engine.sender.send(first)
    assert Breaker.OPEN == engine.breaker().state
    engine.let_it_try_again()
    engine.work()
    engine.assert_sound()


def test_a_late_failure_does_not_hide_why_the_sender_is_paused(engine: Engine) -> None:
    """A sender paused with a remedy stays so when another worker's request times out a moment later."""
    engine.ticker._batch_max = 4
    engine.join(*PEOPLE)
    first, second = engine.tick().hints

    def meanwhile(_: object) -> Unknown:
        engine.sender.send(second)
        return Unknown("timed out")

    engine.mailer.script = [meanwhile, SenderRefused("401", "set the key")]
    engine.sender.send(first)
    assert (Breaker.PAUSED, "set the key") == (engine.breaker().state, engine.breaker().remedy)
    assert ["uncertain", "pending"] == sorted({engine.state_of(name)[0] for name in PEOPLE}, reverse=True)


def test_a_probe_that_comes_to_nothing_is_followed_by_another(engine: Engine) -> None:
    """The probe's letter belongs to somebody who leaves: the next tick sends another probe."""
    engine.join("ada", "bea")
    engine.mailer.script = [TryLater("503")]
    engine.work()
    engine.let_it_try_again()
    report = engine.tick()
    probed = next(name for name in ("ada", "bea") if engine.deliveries(name)[0].batch_id == report.hints[0])
    engine.leave(probed)
    engine.send(report)
    assert [] == engine.tick().hints
    engine.work()
    assert ["bea" if probed == "ada" else "ada"] == [name for name, _ in engine.mailer.reached]
    engine.assert_sound()
