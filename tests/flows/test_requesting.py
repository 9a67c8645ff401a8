"""Letters asked for just now: a copy, the kit and a link, one for each press and no more than is calm."""

from __future__ import annotations

import pytest

from drip.flows import requesting
from drip.flows.requesting import Requested
from tests.engine import Engine
from tests.flows.test_next_now import at_once

NONCE = "abcdefgh"


def _copy(engine: Engine, nonce: str = NONCE, letter: str = "hello", name: str = "ada") -> Requested:
    link = engine.person(name).public_id
    return requesting.copy(engine.database, engine.library, link, letter=letter, nonce=nonce)


def _kit(engine: Engine, name: str = "ada") -> Requested:
    return requesting.kit(engine.database, engine.library, engine.person(name).public_id)


def _link(engine: Engine, nonce: str, name: str = "ada") -> Requested:
    return requesting.link(engine.database, engine.library, engine.person(name).public_id, nonce=nonce)


def test_one_press_is_one_copy(engine: Engine) -> None:
    """The same form pressed twice, also at once, mails one; another form mails another; the course stands as it was."""
    engine.join("ada")
    engine.work()
    before = engine.person("ada")
    assert [] == at_once(4, lambda: _copy(engine))
    engine.work()
    assert ["hello"] * 2 == engine.subjects("ada")
    assert Requested.ON_ITS_WAY == _copy(engine, "ijklmnop")
    engine.work()

    assert ["hello"] * 3 == engine.subjects("ada")
    assert before._replace(deliveries_due=3) == engine.person("ada")
    engine.assert_sound()


def test_three_copies_a_day_are_enough(engine: Engine) -> None:
    """The fourth is refused calmly until her next day."""
    engine.join("ada")
    engine.work()
    assert [Requested.ON_ITS_WAY] * 3 + [Requested.ENOUGH] == [_copy(engine, f"nonce-{number}xx") for number in range(4)]
    engine.go_on(days=1)
    assert Requested.ON_ITS_WAY == _copy(engine, "tomorrow")
    engine.work()
    engine.assert_sound()


@pytest.mark.parametrize(("letter", "nonce"), [("breathe", NONCE), ("kit", NONCE), ("hello", ""), ("hello", "x" * 60)])
def test_only_a_letter_she_had_and_only_by_a_form(engine: Engine, letter: str, nonce: str) -> None:
    """A letter still to come, the kit, and a form of nobody's mail nothing."""
    engine.join("ada")
    engine.work()
    assert Requested.NOTHING == _copy(engine, nonce, letter)
    assert 1 == len(engine.deliveries("ada"))


def test_a_copy_comes_while_she_is_paused_and_not_after_she_left(engine: Engine) -> None:
    """She asked for it a moment ago; leaving is final."""
    engine.join("ada")
    engine.work()
    engine.pause("ada", None)
    _copy(engine)
    engine.work()
    assert ["hello"] * 2 == engine.subjects("ada")
    engine.leave("ada")
    assert Requested.NOTHING == _copy(engine, "ijklmnop")
    engine.assert_sound()


def test_a_copy_names_the_date_of_her_next_letter(engine: Engine) -> None:
    """Not the one that would have followed it long ago; while she is paused, no date."""
    engine.join("ada")
    engine.to_lesson("ada", "rest")
    _copy(engine)
    engine.send(engine.tick())
    person = engine.person("ada")
    assert person.next_letter_on is not None
    copies = [request.message for request in engine.mailer.requests if "About hello" == request.message.subject]
    values = [set(one.substitutions.values()) for one in copies[-1].recipients]
    assert any(f"{person.next_letter_on.day} " in value for found in values for value in found)


def test_the_kit_comes_once_a_day(engine: Engine) -> None:
    """Pressed five times at once, or again later that day, one is mailed; tomorrow another."""
    engine.join("ada")
    engine.work()
    assert [] == at_once(5, lambda: _kit(engine))
    engine.work()
    assert Requested.ENOUGH == _kit(engine)
    assert ["hello", "kit"] == engine.subjects("ada")
    engine.go_on(days=1)
    assert Requested.ON_ITS_WAY == _kit(engine)
    engine.work()
    assert ["hello", "kit", "kit"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_fresh_link_is_mailed_to_whoever_has_the_mailbox(engine: Engine) -> None:
    """Paused or gone, three times a day, and a form pressed twice mails one."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    found = [_link(engine, nonce) for nonce in ("nonce-00", "nonce-00", "nonce-01", "nonce-02", "nonce-03")]
    assert [Requested.ON_ITS_WAY] * 4 + [Requested.ENOUGH] == found
    engine.work()
    assert ["my-link"] * 3 == [one.letter for one in engine.deliveries("ada") if one.kind == "service"]
    assert {"submitted"} == {one.state for one in engine.deliveries("ada") if one.kind == "service"}
    engine.assert_sound()
