"""What is appended after somebody has finished: nothing by itself, and everything kindly once it is accepted by name."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drip.errors import NotFound
from drip.flows import finishing, holding, reporting
from drip.flows.applying import Accepting, Refused
from drip.store import reopenings, stamps, subscribers, versions
from tests.editing import LINES, apply, numbers, planned, without, write
from tests.engine import Engine

REOPEN = "reopen-finished"
ADDED = "farewell, wait: 1 week"


def finish(engine: Engine, *names: str) -> None:
    """Let people come to the end of the course."""
    engine.join(*names)
    engine.run_to_the_end()
    assert {"finished"} == {engine.person(name).state for name in names}


def go_on(engine: Engine, name: str) -> None:
    """Ask for the late letters, as by the page."""
    database, library = engine.database, engine.library
    assert finishing.go_on(database, library, engine.person(name).public_id, wording="I agree.", source="test", form="test")


def pending(engine: Engine) -> reopenings.Progress:
    """Return what of a reopening is still to be done."""
    with engine.database.read() as connection:
        return reopenings.pending(connection)


def test_who_finished_stays_finished_by_default(engine: Engine) -> None:
    """The plan counts her and needs no answer; active people get the lesson, and her page says what it said."""
    finish(engine, "ada")
    engine.join("bea")
    engine.work()
    before = engine.person("ada")
    write(engine, *LINES, ADDED)
    plan = planned(engine)
    assert {REOPEN: 1} == numbers(plan)
    assert [False] == [hazard.needed for hazard in plan.hazards]
    apply(engine)
    engine.run_to_the_end()
    assert before == engine.person("ada")
    assert ["farewell"] == engine.subjects("bea")[-1:]
    engine.assert_sound()


def test_accepted_by_name_she_gets_it_on_her_own_day(engine: Engine) -> None:
    """Months later it comes on her next weekday, once; then she has finished again, and the version keeps who answered."""
    finish(engine, "ada")
    engine.go_on(days=50)
    write(engine, *LINES, ADDED)
    edition, plan = engine.deployment.edition(), planned(engine)
    with pytest.raises(Refused, match="say who accepts this"):
        engine.deployment.apply(edition, plan, Accepting(frozenset({REOPEN})))
    apply(engine, REOPEN)
    finished_at = engine.person("ada").ended_at
    engine.tick()
    ada = engine.person("ada")
    assert ("active", "farewell", "goodbye", None, "") == (ada.state, ada.next_lesson, ada.place, ada.ended_at, ada.ended_why)
    assert ada.next_letter_on is not None
    assert ada.next_due_at is not None
    assert 1 == ada.next_letter_on.weekday()
    assert timedelta(hours=1) <= ada.next_due_at - engine.now().calendar <= timedelta(days=7, hours=1)
    engine.run_to_the_end()
    assert ["rest", "goodbye", "farewell"] == engine.subjects("ada")[-3:]
    ended_at = engine.person("ada").ended_at
    assert finished_at is not None
    assert ended_at is not None
    assert ended_at > finished_at
    with engine.database.read() as connection:
        version = versions.find(connection, 2)
    assert version is not None
    assert [(REOPEN, 1, "Sam", "a test")] == [(one.hazard, one.count, one.by, one.reason) for one in version.answers]
    assert {} == pending(engine)
    engine.assert_sound()


def test_it_keeps_its_wait_after_her_last_letter(engine: Engine) -> None:
    """Who finished a moment ago waits as long as everybody: never sooner than the lesson says."""
    finish(engine, "ada")
    last = engine.person("ada").last_meant_on
    write(engine, *LINES, "farewell, wait: 3 weeks")
    apply(engine, REOPEN)
    engine.tick()
    assert last is not None
    assert last + timedelta(weeks=3) == engine.person("ada").next_letter_on
    engine.assert_sound()


def test_it_never_comes_within_the_hour(engine: Engine) -> None:
    """Half an hour before her window opens it waits for her weekday after that."""
    finish(engine, "ada")
    last = engine.person("ada").last_meant_on
    assert last is not None
    due = engine.deliveries("ada")[-1].not_before
    assert due is not None
    engine.go_to(due + timedelta(weeks=20) - timedelta(minutes=30))
    write(engine, *LINES, ADDED)
    apply(engine, REOPEN)
    engine.tick()
    assert last + timedelta(weeks=21) == engine.person("ada").next_letter_on


def test_every_lesson_after_her_place_comes_in_turn(engine: Engine) -> None:
    """Also those of an edit that reopened nobody; what was put before her place passes her by, and the books say so."""
    finish(engine, "ada")
    write(engine, *LINES, ADDED)
    apply(engine)
    write(engine, *LINES[:2], "early, wait: 1 week", *LINES[2:], ADDED, "encore-mine, wait: 1 week")
    assert {REOPEN: 1} == numbers(planned(engine))
    apply(engine, REOPEN)
    engine.run_to_the_end()
    assert ["goodbye", "farewell", "encore-mine"] == [one.letter for one in engine.deliveries("ada")][-3:]
    engine.assert_sound()


def test_an_edit_that_appends_nothing_asks_nothing(engine: Engine) -> None:
    """An inserted lesson, another wait or other words concern nobody who has finished."""
    finish(engine, "ada")
    write(engine, *LINES[:2], "early, wait: 1 week", *LINES[2:])
    assert {} == numbers(planned(engine))
    apply(engine)
    write(engine, *LINES[:2], "early, wait: 2 weeks", *LINES[2:])
    assert {} == numbers(planned(engine))
    with pytest.raises(Refused, match="reopen-finished is no hazard of this plan"):
        engine.deployment.apply(
            engine.deployment.edition(), planned(engine), Accepting(frozenset({REOPEN}), by="Sam", reason="a test")
        )


def test_late_letters_go_to_whoever_wanted_late_letters(engine: Engine) -> None:
    """Another one is hers if she had asked for them; who had not is neither counted nor written to."""
    finish(engine, "ada", "bea")
    go_on(engine, "ada")
    engine.run_to_the_end()
    write(engine, *LINES, afterwards=("coda, wait: 4 weeks",))
    assert {REOPEN: 1} == numbers(planned(engine))
    apply(engine, REOPEN)
    engine.run_to_the_end()
    assert ["encore", "coda"] == [one.letter for one in engine.deliveries("ada")][-2:]
    assert "goodbye" == engine.deliveries("bea")[-1].letter
    assert {"finished"} == {engine.person(name).state for name in ("ada", "bea")}
    engine.assert_sound()


def test_nobody_who_went_another_way_is_written_to(engine: Engine) -> None:
    """Who left, whose address came back, or who is forgotten stays so; a page that is kept is kept."""
    finish(engine, "left", "bounced", "listed", "gone", "kept")
    engine.leave("left")
    engine.erase("gone")
    assert finishing.keep(engine.database, engine.person("kept").public_id)
    with engine.database.write() as connection:
        for name in ("bounced", "listed"):
            subscriber = subscribers.find(connection, engine.person(name).subscriber_id)
            assert subscriber is not None
            course = subscribers.EVERY_COURSE if name == "bounced" else "small"
            subscribers.suppress(connection, subscriber.address_key, name, now=engine.now().machine, course=course)
    write(engine, *LINES, ADDED)
    assert {REOPEN: 1} == numbers(planned(engine))
    engine.mailer.requests.clear()
    apply(engine, REOPEN)
    engine.run_to_the_end()
    assert ["left", "finished", "finished"] == [engine.person(name).state for name in ("left", "bounced", "listed")]
    assert [("kept", "About farewell")] == engine.mailer.reached[-1:]
    assert 1 == len(engine.mailer.requests)
    assert engine.person("kept").keep
    with pytest.raises(NotFound):
        engine.person("gone")
    engine.assert_sound()


def test_pages_go_on_from_where_they_stopped(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick takes one page, any tick goes on after it, and each person is reopened once."""
    names = [f"p{number}" for number in range(7)]
    finish(engine, *names)
    monkeypatch.setattr(reopenings, "WINDOW", 2)
    write(engine, *LINES, ADDED)
    apply(engine, REOPEN)
    assert {"small": {"version": 2, "after": 0, "last": 7}} == pending(engine)
    reopened = []
    for _ in range(4):
        report = engine.deployment.ticker().tick()
        reopened.append((report.reopened, report.more))
    assert [(2, True), (2, True), (2, True), (1, False)] == reopened
    assert {} == pending(engine)
    assert 0 == engine.tick().reopened
    engine.run_to_the_end()
    assert {"farewell"} == {engine.deliveries(name)[-1].letter for name in names}
    engine.assert_sound()


def test_a_page_that_broke_is_done_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one transaction: nobody of it goes on without the rest, and the next tick takes it anew."""
    finish(engine, "ada", "bea")
    write(engine, *LINES, ADDED)
    apply(engine, REOPEN)
    beat = stamps.beat

    def broken(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stamps, "beat", broken)
    with pytest.raises(ZeroDivisionError):
        engine.tick()
    assert {"finished"} == {engine.person(name).state for name in ("ada", "bea")}
    monkeypatch.setattr(stamps, "beat", beat)
    assert 2 == engine.tick().reopened


def test_a_rollback_in_the_middle_takes_the_rest_back(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not reached yet stays finished, who was finishes again, and nobody gets what is gone."""
    finish(engine, "ada", "bea")
    monkeypatch.setattr(reopenings, "WINDOW", 1)
    write(engine, *LINES, ADDED)
    apply(engine, REOPEN)
    assert 1 == engine.tick().reopened
    assert ["active", "finished"] == [engine.person(name).state for name in ("ada", "bea")]
    write(engine, *LINES)
    apply(engine, "removed-unread")
    engine.run_to_the_end()
    assert ["finished", "finished"] == [engine.person(name).state for name in ("ada", "bea")]
    assert {"goodbye"} == {engine.deliveries(name)[-1].letter for name in ("ada", "bea")}
    engine.assert_sound()


def test_a_held_course_reopens_nobody_before_its_release(engine: Engine) -> None:
    """What an operator stopped stays as it is."""
    finish(engine, "ada")
    write(engine, *LINES, ADDED)
    apply(engine, REOPEN)
    holding.hold(engine.database, "small", "a pause for all")
    assert 0 == engine.tick().reopened
    assert "finished" == engine.person("ada").state
    holding.release(engine.database, "small")
    assert 1 == engine.tick().reopened


def test_her_last_letter_on_its_way_is_not_her_last_any_more(engine: Engine) -> None:
    """An edit that appends while it is handed over finds her active: the result brings her to what was appended."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "goodbye")
    report = engine.tick()
    write(engine, *LINES, ADDED)

    def during(point: str) -> None:
        if point == "marked":
            apply(engine)

    sender = engine.deployment.sender(engine.owner, at=during)
    for hint in report.hints:
        sender.send(hint)
    assert ("active", "farewell") == (engine.person("ada").state, engine.person("ada").next_lesson)
    engine.run_to_the_end()
    assert "farewell" == engine.deliveries("ada")[-1].letter
    engine.assert_sound()


def test_a_removed_last_lesson_reopens_nobody(engine: Engine) -> None:
    """What goes away concerns only those who still had it before them."""
    finish(engine, "ada")
    write(engine, *without("goodbye"))
    assert {} == numbers(planned(engine))
    apply(engine)
    engine.run_to_the_end()
    assert "finished" == engine.person("ada").state
    assert [] == reporting.audit(engine.database, engine.library)
