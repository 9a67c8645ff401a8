"""Moving to another address: only once it has said yes, with her place kept, and nobody learns who else is here."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from drip.core.address import address_key
from drip.core.delivery import Refused, Submitted
from drip.errors import UsageError
from drip.flows import exporting, listening, moving
from drip.flows.moving import Asked, Moved
from drip.mail.directory import NotNow
from drip.store import address_changes, subscribers, tables
from tests.engine import Engine
from tests.flows.test_forgetting import Killed, kill_at
from tests.flows.test_next_now import at_once


def _ask(engine: Engine, address: str = "new@example.net", name: str = "ada") -> Asked:
    link = engine.person(name).public_id
    return moving.ask(engine.database, engine.library, link, address, suppression_key=engine.deployment.suppression_key)


def _change(engine: Engine) -> str:
    with engine.database.read() as connection:
        return str(connection.execute(sa.select(tables.address_changes.c.public_id)).scalar_one())


def _confirm(engine: Engine, change: str) -> Moved:
    return moving.confirm(engine.database, engine.library, change, wait_seconds=0.1)


def _key(engine: Engine, address: str) -> str:
    return address_key(address, engine.deployment.suppression_key)


def _reached(engine: Engine) -> list[tuple[str, str]]:
    return [(name, subject.removeprefix("About ")) for name, subject in engine.mailer.reached]


def test_letters_move_once_the_new_address_says_yes(engine: Engine) -> None:
    """Until the press nothing changes; after it what is open and what follows goes there, from the same place."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    before = engine.person("ada")
    assert Asked.ON_ITS_WAY == _ask(engine)
    report = engine.tick()
    change = _change(engine)
    assert Moved.MOVED == _confirm(engine, change)
    engine.send(report)
    engine.work()

    after = engine.person("new")
    assert (before.id, before.public_id, "breathe") == (after.id, after.public_id, after.place)
    assert ("new", "breathe") in _reached(engine)
    assert ("ada", "breathe") not in _reached(engine)
    with engine.database.read() as connection:
        assert subscribers.find_by_key(connection, _key(engine, "ada@example.net")) is None
        rows = connection.execute(sa.select(tables.consents.c.action).order_by(tables.consents.c.id)).scalars()
        assert ["agreed", "moved"] == list(rows)
        assert 0 == connection.execute(sa.select(sa.func.count()).select_from(tables.address_changes)).scalar()
    assert Moved.OVER == _confirm(engine, change)
    engine.assert_sound()


def test_the_letter_that_asks_goes_to_the_new_address(engine: Engine) -> None:
    """And to no other; what is scheduled still goes to the old one."""
    engine.join("ada")
    engine.work()
    _ask(engine)
    engine.work()
    assert [("ada", "hello"), ("new", "your letters")] == _reached(engine)


def test_the_same_mailbox_and_no_address_at_all(engine: Engine) -> None:
    """Another capitalisation is the same mailbox; what is no address is refused without an echo; nothing is written."""
    engine.join("ada")
    assert Asked.SAME == _ask(engine, " ADA@Example.net ")
    with pytest.raises(UsageError) as fault:
        _ask(engine, "nobody at nowhere")
    assert "nobody at nowhere" not in str(fault.value)
    engine.work()
    assert [("ada", "hello")] == _reached(engine)


def test_a_newer_wish_replaces_an_older_one(engine: Engine) -> None:
    """The older letter goes nowhere any more, and its link is used up."""
    engine.join("ada")
    engine.work()
    _ask(engine, "first@example.net")
    first = _change(engine)
    _ask(engine, "second@example.net")
    engine.work()
    assert [("ada", "hello"), ("second", "your letters")] == _reached(engine)
    assert Moved.OVER == _confirm(engine, first)
    assert Moved.MOVED == _confirm(engine, _change(engine))
    engine.assert_sound()


def test_three_wishes_a_day_are_enough(engine: Engine) -> None:
    """The fourth changes nothing: the third stands."""
    engine.join("ada")
    found = [_ask(engine, f"a{number}@example.net") for number in range(4)]
    assert [Asked.ON_ITS_WAY] * 3 + [Asked.ENOUGH] == found


def test_an_address_with_letters_of_its_own_is_not_taken_over(engine: Engine) -> None:
    """The answer to whoever asks is the same as for any other; only the mailbox itself is told."""
    engine.join("ada", "new")
    assert Asked.ON_ITS_WAY == _ask(engine)
    engine.work()
    assert ("new", "your letters") in _reached(engine)
    assert Moved.TAKEN == _confirm(engine, _change(engine))
    assert engine.person("ada").id != engine.person("new").id


def test_an_address_that_bounced_is_refused(engine: Engine) -> None:
    """Nothing is mailed there, and should the letter have gone before, its button refuses."""
    engine.join("ada")
    with engine.database.write() as connection:
        subscribers.suppress(connection, _key(engine, "new@example.net"), "bounce", now=engine.now().machine)
    assert Asked.ON_ITS_WAY == _ask(engine)
    engine.work()
    assert [("ada", "hello")] == _reached(engine)
    assert Moved.REFUSED == _confirm(engine, _change(engine))
    engine.assert_sound()


def test_an_address_that_left_once_comes_back_by_its_own_press(engine: Engine) -> None:
    """The press at that mailbox takes the leave back, for her course, and the provider takes her off its own list."""
    engine.join("ada")
    with engine.database.write() as connection:
        subscribers.suppress(connection, _key(engine, "new@example.net"), "left", now=engine.now().machine, course="small")
    engine.work()
    _ask(engine)
    engine.work()
    assert Moved.MOVED == _confirm(engine, _change(engine))
    assert {"erase", "clear"} == {kind for kind, _, _ in _chores(engine)}
    engine.chores()
    assert ["new@example.net"] == engine.directory.cleared
    engine.run_to_the_end()
    assert ("new", "goodbye") in _reached(engine)
    engine.assert_sound()


def test_a_leave_goes_with_her(engine: Engine) -> None:
    """Whoever left and then moves stays gone at the new address too."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    _ask(engine)
    assert Moved.MOVED == _confirm(engine, _change(engine))
    with engine.database.read() as connection:
        found = subscribers.suppressed(connection, [_key(engine, "new@example.net")], "small")
    assert ["left"] == list(found.values())


def test_the_move_waits_for_a_letter_on_its_way(engine: Engine) -> None:
    """While one is being handed over to the old address nothing moves; then it does."""
    engine.join("ada")
    engine.work()
    _ask(engine)
    engine.work()
    change = _change(engine)
    engine.to_lesson("ada", "breathe")
    came: list[Moved] = []

    def press(_: object) -> Submitted:
        came.append(_confirm(engine, change))
        return Submitted("ok")

    engine.mailer.script.append(press)
    engine.work()
    assert [Moved.NOT_YET] == came
    assert Moved.MOVED == _confirm(engine, change)
    engine.assert_sound()


def _chores(engine: Engine) -> list[tuple[str, str, int | None]]:
    with engine.database.read() as connection:
        rows = connection.execute(tables.chores.select().order_by(tables.chores.c.id))
        return [(row.kind, row.address, row.subscriber_id) for row in rows]


def test_the_provider_is_told_to_erase_the_old_address_and_she_stays(engine: Engine) -> None:
    """The old address goes there too, once; no row of hers goes with it, and she can move back before it was told."""
    engine.join("ada")
    engine.work()
    _ask(engine)
    engine.work()
    engine.directory.script = [NotNow("down")]
    assert Moved.MOVED == _confirm(engine, _change(engine))
    engine.chores()
    assert [("erase", "ada@example.net", None)] == _chores(engine)
    _ask(engine, "ada@example.net", "new")
    engine.work()
    assert Moved.MOVED == _confirm(engine, _change(engine))
    assert [("erase", "new@example.net", None)] == _chores(engine)
    engine.directory.erased.clear()
    engine.run_to_the_end()
    assert ["new@example.net"] == engine.directory.erased
    assert "finished" == engine.person("ada").state
    engine.assert_sound()


def test_an_erasure_tells_the_provider_the_new_address_too(engine: Engine) -> None:
    """If its letter went, and nobody else has letters there; what waits for the old address is told or dropped."""
    engine.join("ada", "bea", "cyn", "dan")
    engine.work()
    for name, new in (("ada", "new"), ("bea", "dan")):
        _ask(engine, f"{new}@example.net", name)
    engine.work()
    _ask(engine, "never@example.net", "cyn")
    for name in ("ada", "bea", "cyn"):
        engine.erase(name)
    engine.chores()
    told = {"ada@example.net", "new@example.net", "bea@example.net", "cyn@example.net"}
    assert told == set(engine.directory.erased)
    assert [] == _chores(engine)
    assert "active" == engine.person("dan").state


@pytest.mark.parametrize("moves", [True, False])
def test_no_clearing_keeps_her_address_once_she_is_erased(engine: Engine, moves: bool) -> None:  # noqa: FBT001 - a case
    """She left and came back while the provider was down, moved or not, and is erased: nothing is left to clear."""
    engine.directory.script = [NotNow("down")] * 9
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    engine.undo("ada")
    engine.chores()
    if moves:
        _ask(engine)
        engine.work()
        assert Moved.MOVED == _confirm(engine, _change(engine))
        assert ["erase"] == [kind for kind, _, _ in _chores(engine)]
    engine.erase("new" if moves else "ada")
    assert {("erase", None)} == {(kind, whose) for kind, _, whose in _chores(engine)}


def test_an_erasure_cut_in_half_is_not_moved(engine: Engine) -> None:
    """The press finds the change over, and no address is written to her row again."""
    engine.join("ada")
    engine.work()
    _ask(engine)
    engine.work()
    change = _change(engine)
    with pytest.raises(Killed):
        engine.erase("ada", at=kill_at("begun"))
    assert Moved.OVER == _confirm(engine, change)
    with engine.database.read() as connection:
        assert [None] == list(connection.execute(sa.select(tables.subscribers.c.address)).scalars())
    engine.chores()
    assert {"ada@example.net", "new@example.net"} == set(engine.directory.erased)


def test_what_is_held_tells_nothing_of_a_foreign_address(engine: Engine) -> None:
    """Whether it complained before or is free, her export says the same of the letter that asked it."""
    engine.join("ada", "bea")
    engine.work()
    with engine.database.write() as connection:
        subscribers.suppress(connection, _key(engine, "new@example.net"), "complaint", now=engine.now().machine)
    said = []
    for name, address in (("ada", "new@example.net"), ("bea", "free@example.net")):
        _ask(engine, address, name)
        engine.work()
        held = exporting.everything(engine.database, engine.person(name).public_id)
        [row] = [row for one in held for row in one.rows if row.get("Letter") == "address-change"]
        said.append({label: value for label, value in row.items() if label not in {"Why this copy", "Written", "Not before"}})
    assert said[0] == said[1]
    assert not {"What we did", "Why", "Went on", "Last change", "Note"} & set(said[0])


def test_two_presses_at_once_move_once(engine: Engine) -> None:
    """One of them moves, the other finds it done."""
    engine.join("ada")
    engine.work()
    _ask(engine)
    change = _change(engine)
    assert [] == at_once(3, lambda: _confirm(engine, change))
    with engine.database.read() as connection:
        actions = list(connection.execute(sa.select(tables.consents.c.action)).scalars())
    assert 1 == actions.count("moved")


def _event(kind: str, delivery: str, **more: str) -> bytes:
    """Return the body of a call that reports one event."""
    event = {"event": kind, "type": "bounce", "timestamp": 1_800_000_000, "drip_delivery": delivery, **more}
    return json.dumps([event]).encode()


def test_a_slip_in_the_new_address_ends_no_course(engine: Engine) -> None:
    """The provider calls it bad, or it bounces: the new address enters the register, and her course goes on."""
    engine.join("ada", "bea")
    engine.work()
    _ask(engine, "slip@example.net")
    engine.mailer.script.append(Refused("no such mailbox", position=0, bad_address=True))
    engine.work()
    _ask(engine, "gone@example.net", "bea")
    engine.work()
    change = engine.deliveries("bea")[-1]
    body = _event("bounce", change.public_id, email="gone@example.net")
    listening.receive(engine.database, body, suppression_key=engine.deployment.suppression_key)
    listening.work(engine.database, engine.library)

    nameless = _event("dropped", change.public_id, reason="Bounced Address")
    listening.receive(engine.database, nameless, suppression_key=engine.deployment.suppression_key)
    listening.work(engine.database, engine.library)
    assert ["active"] * 2 == [engine.person(name).state for name in ("ada", "bea")]
    keys = [_key(engine, address) for address in ("slip@example.net", "gone@example.net", "ada@example.net", "bea@example.net")]
    with engine.database.read() as connection:
        register = subscribers.suppressed(connection, keys, "small")
    assert set(keys[:2]) == set(register)
    engine.assert_sound()


def test_a_late_bounce_of_the_old_address_does_not_reach_the_new_one(engine: Engine) -> None:
    """A letter went to the old address, she moved, and then it came back: her letters go on."""
    engine.join("ada")
    engine.work()
    old = engine.deliveries("ada")[-1]
    _ask(engine)
    assert Moved.MOVED == _confirm(engine, _change(engine))
    body = _event("bounce", old.public_id, email="ada@example.net")
    listening.receive(engine.database, body, suppression_key=engine.deployment.suppression_key)
    listening.work(engine.database, engine.library)
    assert "active" == engine.person("new").state
    assert "bounced" == engine.deliveries("new")[0].outcome


def test_old_wishes_are_forgotten(engine: Engine) -> None:
    """What nobody confirmed is deleted by its age, a page at a time, and its link is used up."""
    engine.join("ada", "bea")
    _ask(engine, "a@example.net")
    _ask(engine, "b@example.net", "bea")
    soon = engine.now().machine + timedelta(seconds=60)
    with engine.database.write() as connection:
        counts = [
            address_changes.forget(connection, soon - timedelta(days=3), 10),
            address_changes.forget(connection, soon, 1),
            address_changes.forget(connection, soon, 10),
            address_changes.forget(connection, soon, 10),
        ]
    assert [0, 1, 1, 0] == counts
