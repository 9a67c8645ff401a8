"""What the register holds back: the gravest reason stands, and nobody is back on a course whose letters cannot go."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from drip.core.address import address_key
from drip.core.delivery import Reason
from drip.core.recipe import listed_columns
from drip.files.sheet import Sheet
from drip.flows import finishing, moving, requesting, showing, suppressing
from drip.flows.requesting import Requested
from drip.mail import directory
from drip.store import chores, stamps, subscribers, tables
from tests.engine import Engine
from tests.flows.test_asking import confirm, finish, letters, rows, wish, work
from tests.flows.test_listening import hear, report

REPORTS = [({"event": "spamreport"}, "complaint"), ({"event": "bounce", "type": "bounce"}, "hard-bounce")]


def bring_in(engine: Engine, reason: str, *names: str, course: str = "") -> None:
    """Enter addresses into the register, as `drip suppressions import` does."""
    sheet = Sheet("list.csv", "\n".join(["email", *(f"{name}@example.net" for name in names)]).encode())
    suppressing.bring_in(
        engine.database,
        engine.library,
        suppressing.from_sheet(sheet, listed_columns(sheet.columns), reason=reason, now=engine.now().machine),
        suppressing.Report("list.csv", dry_run=False),
        course=course,
        suppression_key=engine.deployment.suppression_key,
        refused=lambda _: None,
        done=lambda _: None,
        wait_seconds=1.0,
    )


def register(engine: Engine) -> list[tuple[str, str]]:
    """Return what the register holds: course and reason."""
    return sorted((row.course, row.reason) for row in rows(engine, tables.suppressions))


def go_on_for(engine: Engine, moments: int) -> None:
    """Work at the next few due moments."""
    for _ in range(moments):
        engine.work()
        moment = engine.next_moment()
        if moment is None:
            return
        engine.go_to(moment)
    engine.work()


# A report about a letter that asks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["erased", "left"])
@pytest.mark.parametrize(("event", "reason"), REPORTS)
def test_a_report_outweighs_a_wish_of_before(engine: Engine, before: str, event: dict[str, str], reason: str) -> None:
    """A stranger signs up somebody who had gone, and the letter that asks bounces or is spam to her: none comes ever again."""
    if before == "erased":
        engine.join("ada")
        engine.work()
        engine.erase("ada")
        engine.work()
    else:
        bring_in(engine, "left", "ada")
    assert [("", before)] == register(engine)
    wish(engine, "ada")
    work(engine)
    engine.work()
    asked = engine.deliveries("ada")[-1]
    assert ("confirm", "submitted") == (asked.letter, asked.state)

    hear(engine, {**report(asked.public_id, ""), **event})
    assert ([("", reason)], "ended") == (register(engine), engine.person("ada").state)
    before_again = letters(engine)
    wish(engine, "ada")
    work(engine)
    engine.work()
    assert (before_again, False) == (letters(engine), confirm(engine, "ada"))
    assert [("", reason)] == register(engine)
    engine.assert_sound()


def test_a_report_about_nobody_leaves_an_erasure_alone(engine: Engine) -> None:
    """Where nobody is behind the address an erasure stands: who comes back from it confirms by a letter that reached her."""
    engine.join("ada")
    engine.work()
    engine.erase("ada")
    engine.work()
    hear(engine, report(None, "spamreport"))
    assert [("", "erased")] == register(engine)


# Nobody is back whose letters cannot go -----------------------------------------------------------------------------


def test_undoing_a_leave_that_a_list_brought_lifts_all_of_it(engine: Engine) -> None:
    """She was on a list of those who left, for every course: undone, her letters come."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.work()
    bring_in(engine, "left", "ada")
    assert ("left", [("", "left"), ("small", "left")]) == (engine.person("ada").state, register(engine))
    assert engine.undo("ada")
    assert [] == register(engine)
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_undoing_a_leave_at_an_address_that_was_erased_before(engine: Engine) -> None:
    """She left, moved to a mailbox whose earlier reader was erased, and undoes the leave: her letters come there."""
    engine.join("ada", "eva")
    engine.to_lesson("ada", "breathe")
    engine.erase("eva")
    engine.work()
    engine.leave("ada")
    key = engine.deployment.suppression_key
    moving.ask(engine.database, engine.library, engine.person("ada").public_id, "eva@example.net", suppression_key=key)
    engine.work()
    with engine.database.read() as connection:
        change = str(connection.execute(sa.select(tables.address_changes.c.public_id)).scalar_one())
    moving.confirm(engine.database, engine.library, change, wait_seconds=0.1)
    assert engine.undo("eva")
    engine.run_to_the_end()
    assert ["walk", "rest", "goodbye"] == engine.subjects("eva")[-3:]
    with engine.database.read() as connection:
        of_hers = subscribers.suppressed(connection, [address_key("eva@example.net", key)], "small")
    assert ("finished", {}) == (engine.person("eva").state, of_hers)
    engine.assert_sound()


@pytest.mark.parametrize("why", ["complaint", "left", "left small"])
def test_whoever_is_in_the_register_begins_nothing_again(engine: Engine, why: str) -> None:
    """A phase, a copy, the kit and the late letters: nothing is promised, nothing is opened, and her page offers none of it."""
    finish(engine, "ada")
    if why == "complaint":
        hear(engine, report(engine.deliveries("ada")[-1].public_id, "spamreport"))
    else:
        bring_in(engine, "left", "ada", course="small" if why == "left small" else "")
    person, opened = engine.person("ada"), letters(engine)
    assert "finished" == person.state

    adjusted = engine.begin_again("ada", "one")
    database, library = engine.database, engine.library
    came = [
        requesting.copy(database, library, person.public_id, letter="hello", nonce="abcdefgh"),
        requesting.kit(database, library, person.public_id),
    ]
    went_on = finishing.go_on(database, library, person.public_id, wording="Yes.", source="test", form="test")
    assert (None, [Requested.BARRED] * 2, False) == (adjusted.next_on, came, went_on)
    assert (person, opened) == (engine.person("ada"), letters(engine))
    shown = showing.find(database, library, person.public_id)
    assert shown is not None
    assert ([], False, None) == (
        shown.begun,
        shown.may_be_mailed("hello"),
        finishing.offered(database, library, person.public_id),
    )
    go_on_for(engine, 3)
    engine.assert_sound()


def test_who_was_listed_comes_back_by_confirming(engine: Engine) -> None:
    """After the last letter she was on a list of those who left: the letter that asks goes, and her yes begins the course."""
    finish(engine, "ada")
    bring_in(engine, "left", "ada")
    wish(engine, "ada")
    work(engine)
    engine.work()
    assert (True, []) == (confirm(engine, "ada"), register(engine))
    assert "active" == engine.person("ada").state


def test_no_link_is_mailed_where_no_letter_may_go(engine: Engine) -> None:
    """After a complaint not even her link goes; after a leave it does."""
    engine.join("ada", "bea")
    engine.work()
    hear(engine, report(engine.deliveries("ada")[-1].public_id, "spamreport"))
    engine.leave("bea")
    links = [engine.person(name).public_id for name in ("ada", "bea")]
    came = [requesting.link(engine.database, engine.library, link, nonce="abcdefgh") for link in links]
    assert [Requested.BARRED, Requested.ON_ITS_WAY] == came


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("reason", ["left", "erased", "complaint"])
@pytest.mark.parametrize("course", ["", "small"])
def test_the_books_agree_whatever_the_register_says(engine: Engine, course: str, reason: str, asks: bool) -> None:  # noqa: FBT001
    """An active person stands in the register all of a sudden: no letter goes, none waits for ever, and she can undo a leave."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    tick = engine.tick()
    with engine.database.write() as connection:
        key = address_key("ada@example.net", engine.deployment.suppression_key)
        subscribers.suppress(connection, key, reason, now=stamps.now_in(connection).machine, course=course)
    if asks:
        before = engine.person("ada")
        engine.next_now("ada")
        assert before == engine.person("ada")
    engine.send(tick)
    assert [] == engine.audit()
    go_on_for(engine, 3)
    assert ["hello"] == engine.subjects("ada")
    engine.assert_sound()
    if reason == Reason.LEFT:
        assert "left" == engine.person("ada").state
        assert engine.undo("ada")
        engine.run_to_the_end()
        assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
        engine.assert_sound()


# What the provider was to be told -----------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["unsubscribe", "leave"])
def test_the_provider_is_not_cleared_after_she_left_again(engine: Engine, again: str) -> None:
    """She undid a leave while the provider was down, then unsubscribed there or left again: her wish there stays."""
    engine.join("ada")
    engine.work()
    engine.directory.script = [directory.NotNow("down")]
    engine.leave("ada")
    engine.undo("ada")
    engine.chores()
    assert [chores.CLEAR] == [row.kind for row in rows(engine, tables.chores)]
    if again == "leave":
        engine.leave("ada")
    else:
        hear(engine, report(engine.deliveries("ada")[-1].public_id, "unsubscribe"))
    engine.directory.cleared.clear()
    with engine.database.write() as connection:
        connection.execute(tables.chores.update().values(not_before=engine.now().machine - timedelta(hours=1)))
    engine.chores()
    assert ([], []) == (engine.directory.cleared, rows(engine, tables.chores))
