"""An apply reads everybody before its lock: whoever moves on in between is counted anew, and nobody waits for the reading."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drip.errors import UsageError
from drip.flows.applying import Accepting, Refused
from drip.store import versions
from tests.editing import LINES, planned, without, write
from tests.engine import Engine

Deed = Callable[[], object]


def apply_during(engine: Engine, deed: Deed, *words: str) -> int:
    """Apply the files as they are planned now, while *deed* is done between the reading and the lock."""
    edition = engine.deployment.edition()
    plan = engine.deployment.plan(edition)
    accepting = Accepting.of(words, by="Sam", reason="a test")

    def at(point: str) -> None:
        if point == "read":
            deed()

    return engine.deployment.apply(edition, plan, accepting, at=at)


def live(engine: Engine) -> int:
    """Return the version that is live."""
    with engine.database.read() as connection:
        return versions.running(connection)["small"].version_id


def half_way(engine: Engine, *names: str, lesson: str = "walk") -> None:
    """Let people come to where *lesson* is the next letter of each, due and not open."""
    engine.join(*names)
    engine.work()
    engine.to_lesson(names[0], lesson)


def test_somebody_who_joins_meanwhile_is_counted(engine: Engine) -> None:
    """She still has the lesson before her: one more than the plan showed refuses, and nothing is live."""
    half_way(engine, "ada")
    write(engine, *without("rest"))
    with pytest.raises(Refused, match="removed-unread is more than the plan showed"):
        apply_during(engine, lambda: engine.join("bea"), "removed-unread")
    assert 1 == live(engine)


def test_a_new_kind_of_hazard_is_seen_under_the_lock(engine: Engine) -> None:
    """Nobody was past the place when everybody was read; a letter that went meanwhile makes it a hazard."""
    half_way(engine, "ada")
    hello, breathe, walk, rest, goodbye = LINES
    write(engine, hello, breathe, "early, wait: 1 week", walk, rest, goodbye)
    with pytest.raises(Refused, match="will-not-get is more than the plan showed"):
        apply_during(engine, engine.work)
    assert 1 == live(engine)


def test_a_result_that_comes_meanwhile_moves_her_place(engine: Engine) -> None:
    """Her letter was open when everybody was read, and no new one was opened since: its result alone is seen."""
    half_way(engine, "ada")
    report = engine.tick()
    hello, breathe, walk, rest, goodbye = LINES
    write(engine, hello, breathe, "early, wait: 1 week", walk, rest, goodbye)
    assert {"will-not-get": 1} == {one.name: one.count for one in planned(engine).hazards}
    write(engine, hello, breathe, walk, "early, wait: 1 week", rest, goodbye)
    assert () == planned(engine).hazards
    write(engine, *without("walk"))
    assert {"removed-unread": 1} == {one.name: one.count for one in planned(engine).hazards}
    assert 2 == apply_during(engine, lambda: engine.send(report), "removed-unread")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


@pytest.mark.parametrize("deed", ["leave", "pause", "undo"])
def test_people_who_go_their_own_way_spoil_nothing(engine: Engine, deed: str) -> None:
    """A leave, a pause, or coming back to the same place within what was accepted: the edit goes live."""
    half_way(engine, "ada", "bea")
    if deed == "undo":
        engine.leave("bea")
    deeds: dict[str, Deed] = {
        "leave": lambda: engine.leave("bea"),
        "pause": lambda: engine.pause("bea", 2),
        "undo": lambda: engine.undo("bea"),
    }
    write(engine, *without("rest"))
    if deed == "undo":
        with pytest.raises(Refused, match="removed-unread is more than the plan showed"):
            apply_during(engine, deeds[deed], "removed-unread")
        return
    assert 2 == apply_during(engine, deeds[deed], "removed-unread")
    engine.run_to_the_end()
    engine.assert_sound()


def test_another_version_meanwhile_refuses(engine: Engine) -> None:
    """Two operators at once: the second looks again."""
    half_way(engine, "ada")
    write(engine, *LINES, "farewell, wait: 1 week")

    def other() -> None:
        edition = engine.deployment.edition()
        engine.deployment.apply(edition, engine.deployment.plan(edition), Accepting())

    with pytest.raises(Refused, match="version 2 went live since the plan"):
        apply_during(engine, other)
    assert 2 == live(engine)


def test_who_finishes_meanwhile_is_no_surprise(engine: Engine) -> None:
    """Where reopening is not accepted she stays finished; where it is, one more than was accepted refuses."""
    half_way(engine, "ada", "bea", lesson="goodbye")
    write(engine, *LINES, "farewell, wait: 1 week")
    engine.pause("bea", 1)
    engine.work()
    assert ["finished", "active"] == [engine.person(name).state for name in ("ada", "bea")]

    def bea_finishes() -> None:
        engine.resume("bea")
        engine.run_to_the_end()
        assert "finished" == engine.person("bea").state

    with pytest.raises(Refused, match="reopen-finished is more than the plan showed"):
        apply_during(engine, bea_finishes, "reopen-finished")
    assert 1 == live(engine)
    assert 2 == apply_during(engine, lambda: None)
    assert "finished" == engine.person("bea").state


def test_a_count_can_be_named(engine: Engine) -> None:
    """What a script accepts for so many people holds for no more, however long ago it looked."""
    half_way(engine, "ada")
    engine.join("bea")
    write(engine, *without("rest"))
    with pytest.raises(Refused, match="removed-unread is more than the plan showed"):
        apply_during(engine, lambda: None, "removed-unread=1")
    with pytest.raises(UsageError, match="write removed-unread, or removed-unread=12"):
        apply_during(engine, lambda: None, "removed-unread=many")
    assert 2 == apply_during(engine, lambda: None, "removed-unread=2")


def test_letters_go_on_while_everybody_is_read(engine: Engine) -> None:
    """Between the reading and the lock a whole tick writes, and its letters are handed over."""
    half_way(engine, "ada")
    write(engine, *LINES[:3], "rest, wait: 2 weeks", LINES[4])
    engine.mailer.requests.clear()
    assert 2 == apply_during(engine, lambda: engine.send(engine.tick()))
    assert 1 == len(engine.mailer.requests)
    engine.run_to_the_end()
    engine.assert_sound()
