"""What an edit does to people half-way, row by row, with real people: planned, applied, and then lived through."""

from __future__ import annotations

import contextlib
import random
import threading
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from drip.core.delivery import Submitted
from drip.flows import requesting
from drip.flows.applying import Accepting, Refused
from drip.mail.message import Message
from drip.store.tables import omissions
from tests.course import lesson
from tests.editing import LINES, apply, numbers, planned, scramble, to, without, write
from tests.engine import Engine


def passed_by(engine: Engine) -> list[str]:
    """Return the lessons that somebody will not get."""
    with engine.database.read() as connection:
        return list(connection.execute(sa.select(omissions.c.letter)).scalars())


def test_inserted_before_her_place_it_passes_her_by(engine: Engine) -> None:
    """She does not get it, the plan counts her, and the books name it; who joins later gets it."""
    to(engine, "walk")
    write(engine, *LINES[:1], "early, wait: 3 days", *LINES[1:])
    assert {"will-not-get": 1} == numbers(planned(engine))
    with pytest.raises(Refused, match="will-not-get is not accepted"):
        engine.deployment.apply(engine.deployment.edition(), planned(engine), Accepting())
    apply(engine, "will-not-get")
    engine.work()
    assert ["early"] == passed_by(engine)
    engine.join("bea")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    assert ["hello", "early", "breathe", "walk", "rest", "goodbye"] == [one.letter for one in engine.deliveries("bea")]
    engine.assert_sound()


def test_inserted_after_her_place_it_comes_in_turn(engine: Engine) -> None:
    """It is her next letter, counted from the last one, and the others follow it."""
    to(engine, "walk")
    last = engine.person("ada").last_meant_on
    write(engine, *LINES[:2], "stretch, wait: 1 week", *LINES[2:])
    plan = apply(engine)
    assert (("other", 1),) == plan.effects
    assert ("walk", "stretch") == (plan.turns[0].next_before, plan.turns[0].next_after)
    engine.work()
    assert last is not None
    engine.run_to_the_end()
    assert last + timedelta(days=7) <= engine.deliveries("ada")[2].meant_on
    assert 6 == len(engine.deliveries("ada"))
    assert ["stretch", "walk"] == [one.letter for one in engine.deliveries("ada")][2:4]
    engine.assert_sound()


def test_inserted_before_a_letter_that_is_open_it_passes_her_by(engine: Engine) -> None:
    """The open letter stays her next one; what now stands before it is counted, and the books name it."""
    to(engine, "walk")
    report = engine.tick()
    write(engine, *LINES[:2], "early, wait: 1 week", *LINES[2:])
    assert {"will-not-get": 1} == numbers(planned(engine))
    apply(engine, "will-not-get")
    engine.send(report)
    engine.run_to_the_end()
    assert ["early"] == passed_by(engine)
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_appended_it_comes_to_whoever_is_on_the_way(engine: Engine) -> None:
    """Active people get it at the end; nothing else moves."""
    to(engine, "walk")
    before = engine.person("ada")
    write(engine, *LINES, "farewell, wait: 1 week")
    assert (("same", 1),) == apply(engine).effects
    engine.work()
    engine.run_to_the_end()
    assert "farewell" == engine.deliveries("ada")[-1].letter
    assert before.next_letter_on == engine.deliveries("ada")[2].letter_on
    engine.assert_sound()


def test_removed_nobody_gets_it_any_more(engine: Engine) -> None:
    """Who still had it before her loses it, which must be accepted; the letter after it is next."""
    to(engine, "walk")
    write(engine, *without("walk"))
    assert {"removed-unread": 1} == numbers(planned(engine))
    apply(engine, "removed-unread")
    engine.work()
    engine.run_to_the_end()
    assert ["hello", "breathe", "rest", "goodbye"] == [one.letter for one in engine.deliveries("ada")]
    engine.assert_sound()


def test_an_open_letter_of_a_removed_lesson_is_withheld(engine: Engine) -> None:
    """It was open and not yet on its way: it never goes, and the course goes on."""
    to(engine, "walk")
    report = engine.tick()
    assert 1 == report.opened
    write(engine, *without("walk"))
    apply(engine, "removed-unread")
    engine.mailer.requests.clear()
    engine.send(report)
    assert [] == engine.mailer.requests
    engine.work()
    assert "withheld" == engine.states("ada")["walk"]
    engine.run_to_the_end()
    assert ["rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_her_place_removed_she_stands_at_the_one_before(engine: Engine) -> None:
    """The lesson that she had most recently and that still exists is her place; nothing comes twice."""
    to(engine, "rest")
    write(engine, *without("walk"))
    assert {} == numbers(planned(engine))
    apply(engine)
    engine.work()
    engine.run_to_the_end()
    assert [1] * 5 == list(Counter(one.letter for one in engine.deliveries("ada")).values())
    engine.assert_sound()


def test_reordered_nobody_gets_a_lesson_twice(engine: Engine) -> None:
    """What moved behind her she will not get; what she had and that now stands before her is skipped."""
    to(engine, "rest")
    hello, breathe, walk, rest, goodbye = LINES
    write(engine, hello, walk, rest, breathe, goodbye)
    plan = apply(engine)
    assert "order" in {change.kind for change in plan.changes}
    engine.run_to_the_end()
    assert [1] * 5 == list(Counter(one.letter for one in engine.deliveries("ada")).values())
    engine.assert_sound()


def test_moved_behind_her_it_is_counted(engine: Engine) -> None:
    """A lesson that was before her and now stands behind her place is one that she will not get."""
    to(engine, "walk")
    hello, breathe, walk, rest, goodbye = LINES
    write(engine, hello, rest.replace("1 week", "3 days"), breathe, walk, goodbye)
    apply(engine, "will-not-get")
    engine.run_to_the_end()
    assert ["rest"] == passed_by(engine)
    assert ["hello", "breathe", "walk", "goodbye"] == [one.letter for one in engine.deliveries("ada")]
    engine.assert_sound()


def test_renamed_it_is_the_same_lesson(engine: Engine) -> None:
    """With `was` nobody loses or repeats it, also when the line goes away in a later version."""
    to(engine, "rest")
    hello, breathe, _walk, rest, goodbye = LINES
    write(engine, hello, breathe, "stroll, wait: 1 week, was: walk", rest, goodbye)
    plan = apply(engine)
    assert "renamed" in {change.kind for change in plan.changes}
    engine.work()
    write(engine, hello, breathe, "stroll, wait: 1 week", rest, goodbye)
    apply(engine)
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == [one.letter for one in engine.deliveries("ada")]
    engine.assert_sound()


def test_a_rename_without_was_is_suspected(engine: Engine) -> None:
    """Two letters that read alike, one gone and one new, are asked about."""
    to(engine, "walk")
    emails = Path(engine.deployment.settings.emails)
    hello, breathe, walk, _rest, goodbye = LINES
    (emails / "one" / "pause.md").write_text(lesson("rest").replace("The letter rest", "The letter pause"), encoding="utf-8")
    write(engine, hello, breathe, walk, "pause, wait: 1 week", goodbye)
    assert {"removed-unread": 1, "suspected-rename": 1} == numbers(planned(engine))


@pytest.mark.parametrize(("wait", "effect"), [("2 weeks", "later"), ("3 days", "same")])
def test_another_wait_moves_the_next_letter(engine: Engine, wait: str, effect: str) -> None:
    """It is counted anew from the last letter, moved on to her weekday; never into the next hour, never under the gap."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")
    engine.work()
    person = engine.person("ada")
    assert "walk" == person.next_lesson
    assert person.last_letter_on is not None
    assert person.next_letter_on is not None
    write(engine, *LINES[:2], f"walk, wait: {wait}", *LINES[3:])
    plan = apply(engine)
    assert ((effect, 1),) == plan.effects
    engine.work()
    after = engine.person("ada")
    days = 14 if effect == "later" else 7
    assert after.next_letter_on == person.last_letter_on + timedelta(days=days)
    engine.run_to_the_end()
    engine.assert_sound()


def test_a_shorter_wait_keeps_the_gap(engine: Engine) -> None:
    """It may go on any day now, and two days is what the course keeps between two letters: not one sooner."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")
    engine.work()
    went = engine.person("ada").last_letter_on
    write(engine, *LINES[:2], "walk, wait: 2 days, anyday: true", *LINES[3:])
    assert (("earlier", 1),) == apply(engine).effects
    engine.tick()
    assert went is not None
    assert went + timedelta(days=2) == engine.person("ada").next_letter_on
    engine.run_to_the_end()
    engine.assert_sound()


@pytest.mark.parametrize(("minutes", "days"), [(90, 0), (30, 7), (-90, 7)])
def test_a_shorter_wait_brings_nothing_within_the_hour(engine: Engine, minutes: int, days: int) -> None:
    """On the weekday on which it would fall now: with notice it goes that day, without or in the past on her next own."""
    write(engine, *LINES[:2], "walk, wait: 4 weeks", *LINES[3:])
    apply(engine)
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")
    opens = engine.person("ada").next_due_at
    engine.work()
    went = engine.person("ada").last_letter_on
    assert opens is not None
    assert went is not None
    engine.go_to(opens + timedelta(days=14) - timedelta(minutes=minutes))
    write(engine, *LINES)
    assert (("earlier", 1),) == apply(engine).effects
    engine.tick()
    assert went + timedelta(days=14 + days) == engine.person("ada").next_letter_on
    engine.run_to_the_end()
    engine.assert_sound()


def test_a_rollback_is_lived_through_like_any_edit(engine: Engine) -> None:
    """A lesson goes and comes back: who had it has it still, who had not gets it in turn, and nobody gets it twice."""
    to(engine, "rest")
    engine.join("bea")
    engine.work()
    write(engine, *without("rest"))
    apply(engine, "removed-unread")
    engine.tick()
    assert ["walk", "hello"] == [engine.person(name).place for name in ("ada", "bea")]
    write(engine, *LINES)
    assert {} == numbers(planned(engine))
    apply(engine)
    engine.run_to_the_end()
    for name in ("ada", "bea"):
        assert ["hello", "breathe", "walk", "rest", "goodbye"] == [one.letter for one in engine.deliveries(name)]
    engine.assert_sound()


def test_an_edit_keeps_a_pause(engine: Engine) -> None:
    """Whoever pauses for weeks or until she says is still paused, and gets the right letter afterwards."""
    for name in ("ada", "bea"):
        engine.join(name)
    engine.work()
    engine.to_lesson("ada", "breathe")
    engine.work()
    engine.pause("ada", 2)
    engine.pause("bea", None)
    before = engine.person("ada")
    write(engine, *LINES[:2], "stretch, wait: 1 week", *LINES[2:])
    apply(engine)
    engine.work()
    ada, bea = engine.person("ada"), engine.person("bea")
    assert ("weeks", "stretch", before.next_letter_on) == (ada.paused, ada.next_lesson, ada.next_letter_on)
    assert ("open", "stretch", None) == (bea.paused, bea.next_lesson, bea.next_due_at)
    engine.resume("bea")
    engine.run_to_the_end()
    assert ["stretch", "walk"] == [one.letter for one in engine.deliveries("bea")][2:4]
    engine.assert_sound()


def test_who_left_and_comes_back_meets_the_edit(engine: Engine) -> None:
    """Her open letter is of a lesson that went away meanwhile: she goes on with the next, and nothing goes twice."""
    to(engine, "walk")
    engine.tick()
    engine.leave("ada")
    write(engine, *without("walk"))
    apply(engine)
    assert engine.undo("ada")
    engine.run_to_the_end()
    assert ["hello", "breathe", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_choice_between_the_edit_and_the_tick_meets_the_new_course(engine: Engine) -> None:
    """Whoever presses a button before any tick came is turned first: her choice is about the letter that will come."""
    to(engine, "walk")
    write(engine, *without("walk"))
    apply(engine, "removed-unread")
    engine.pause("ada", 2)
    person = engine.person("ada")
    assert ("weeks", "rest") == (person.paused, person.next_lesson)
    engine.run_to_the_end()
    engine.assert_sound()


def test_a_letter_on_its_way_is_not_disturbed(engine: Engine) -> None:
    """While a request is under way its lesson is removed: the result stands, and what follows is the new course's."""
    to(engine, "walk")

    def during(_message: Message) -> Submitted:
        write(engine, *without("walk"))
        apply(engine, "removed-unread")
        return Submitted()

    engine.mailer.script.append(during)
    engine.send(engine.tick())
    assert "submitted" == engine.states("ada")["walk"]
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == [one.letter for one in engine.deliveries("ada")]
    engine.assert_sound()


def test_people_who_move_on_do_not_spoil_a_plan(engine: Engine) -> None:
    """A plan stays good while letters go out; an accepted count that grew refuses."""
    to(engine, "walk")
    write(engine, *without("rest"))
    plan, edition = planned(engine), engine.deployment.edition()
    engine.work()
    accepting = Accepting(frozenset({"removed-unread"}), by="Sam", reason="a test")
    engine.join("bea")
    assert plan.digest == planned(engine).digest
    with pytest.raises(Refused, match="removed-unread is more than the plan showed"):
        engine.deployment.apply(edition, plan, accepting)
    assert 2 == engine.deployment.apply(edition, planned(engine), accepting)


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_edits_keeps_the_promises(engine: Engine, seed: int) -> None:
    """Whatever is inserted, removed, moved and slowed: nothing twice, the gap holds, the books agree, everybody ends."""
    dice = random.Random(seed)
    engine.join("ada", "bea", "chi", "dora")
    lines = list(LINES)
    for number in range(6):
        engine.work()
        for name in ("ada", "bea", "chi"):
            if dice.random() < 0.3:
                if dice.random() < 0.5:
                    engine.pause(name, dice.choice([1, 2, None]))
                else:
                    engine.resume(name)
        scramble(lines, number, dice)
        write(engine, *lines)
        plan = planned(engine)
        if plan.changes:
            apply(engine, *(hazard.name for hazard in plan.hazards))
        engine.go_on(days=dice.choice([0.1, 3, 8]))
    for name in ("ada", "bea", "chi"):
        engine.resume(name)
    engine.run_to_the_end()
    for name in ("ada", "bea", "chi", "dora"):
        had = [one for one in engine.deliveries(name) if one.state == "submitted"]
        assert [1] * len(had) == list(Counter(one.letter for one in had).values())
        days = [one.went_on for one in had if one.went_on is not None]
        assert all((after - before).days >= 2 for before, after in pairwise(days))
        assert "finished" == engine.person(name).state
    engine.assert_sound()


@pytest.mark.slow
def test_edits_at_full_speed_lose_and_repeat_nothing(engine: Engine) -> None:
    """While ticks and three senders run, an editor applies one edit after another: nothing twice, and the books agree."""
    names = [f"p{number}" for number in range(60)]
    engine.join(*names)
    engine.work()
    over = threading.Event()
    troubles: list[object] = []

    def sending() -> None:
        ticker = engine.deployment.ticker()
        with engine.deployment.incarnation() as owner:
            sender = engine.deployment.sender(owner)
            while not over.is_set():
                try:
                    for hint in ticker.tick().hints:
                        sender.send(hint)
                except Exception as trouble:  # noqa: BLE001 - the test looks at it
                    troubles.append(trouble)
                    return

    threads = [threading.Thread(target=sending) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(8):
        engine.go_on(days=2)
        lines = [*LINES[:2], *(f"new-{number}-{place}, wait: 3 days" for place in range(number % 3)), *LINES[2 + number % 2 :]]
        write(engine, *lines)
        edition = engine.deployment.edition()
        plan = engine.deployment.plan(edition)
        accepting = Accepting(frozenset(hazard.name for hazard in plan.hazards), by="Sam", reason="a test")
        # People move on meanwhile: a hazard that grew refuses, and the editor looks again at the next turn.
        with contextlib.suppress(Refused):
            engine.deployment.apply(edition, plan, accepting)
    over.set()
    for thread in threads:
        thread.join()
    assert [] == troubles
    engine.work()
    engine.run_to_the_end()
    ids = engine.mailer.accepted
    assert len(ids) == len(set(ids))
    for name in names:
        had = [one.letter for one in engine.deliveries(name) if one.state == "submitted"]
        assert len(had) == len(set(had))
    engine.assert_sound()


def test_a_copy_of_a_letter_that_was_removed_meanwhile_ends(engine: Engine) -> None:
    """She asked for it again, and before it left an edit took it out of the course: nothing is held and nothing waits."""
    to(engine, "walk")
    public_id = engine.person("ada").public_id
    requesting.copy(engine.database, engine.library, public_id, letter="breathe", nonce="abcdefgh")
    write(engine, *without("breathe"))
    apply(engine)
    engine.work()
    assert [("breathe", "withheld", "removed")] == [
        (one.letter, one.state, one.reason) for one in engine.deliveries("ada") if one.kind == "asked"
    ]
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()
