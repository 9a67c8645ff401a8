"""What a plan says of each person is what the tick does: the plan reads people by likeness, the tick one by one and in full."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from drip.core.enrollment import Enrollment
from drip.core.plan import PersonTurn
from drip.flows.applying import Accepting
from drip.store import enrollments, reopenings
from drip.store.tables import enrollments as table
from drip.store.tables import omissions
from tests.editing import LINES, scramble, write
from tests.engine import Engine

NAMES = ("ada", "bea", "chi", "dora", "eve", "fay")


def everybody(engine: Engine) -> dict[int, Enrollment]:
    """Return every enrollment as it is stored, by id."""
    with engine.database.read() as connection:
        return enrollments.find_many(connection, list(connection.execute(sa.select(table.c.id)).scalars()))


def noted(engine: Engine) -> set[tuple[int, str]]:
    """Return who does not get which lesson."""
    with engine.database.read() as connection:
        rows = connection.execute(sa.select(omissions.c.enrollment_id, omissions.c.letter))
        return {(row.enrollment_id, row.letter) for row in rows}


def live_on(engine: Engine, dice: random.Random) -> None:
    """Let time pass, with pauses, a leave that is taken back, and a phase begun again."""
    engine.go_on(days=dice.choice([0.1, 3, 8, 15]))
    name = dice.choice(NAMES[:4])
    match dice.randrange(6):
        case 0:
            engine.pause(name, dice.choice([1, 2, None]))
        case 1:
            engine.resume(name)
        case 2:
            engine.leave(name)
            engine.undo(name)
        case 3:
            engine.choose(name, weekday=dice.choice(["mon", "thu"]))
        case 4:
            engine.begin_again(name, "one")
    engine.work()


def apply(engine: Engine) -> tuple[dict[int, PersonTurn], set[str]]:
    """Apply the files, whatever it takes, and return what the plan said of each person, and the hazards."""
    heard: dict[int, PersonTurn] = {}
    edition = engine.deployment.edition()
    plan = engine.deployment.plan(edition, heard=lambda turn: heard.update({turn.enrollment: turn}))
    names = frozenset(hazard.name for hazard in plan.hazards)
    if plan.changes:
        engine.deployment.apply(edition, plan, Accepting(names, by="Sam", reason="a test"))
    return heard, set(names)


@pytest.mark.parametrize("seed", range(8))
def test_the_plan_says_of_each_person_what_the_tick_does(engine: Engine, seed: int) -> None:
    """Through any edits, rollbacks among them: next letter, its date, who goes on after the end, and what passes whom by."""
    dice = random.Random(seed)
    engine.join(*NAMES[:4])
    engine.work()
    lines, before_that = list(LINES), list(LINES)
    for number in range(7):
        live_on(engine, dice)
        if number == 2:
            engine.join(*NAMES[4:])
            engine.work()
        if dice.random() < 0.3:
            lines = list(before_that)
        else:
            before_that = list(lines)
            scramble(lines, number, dice)
        write(engine, *lines)
        before = everybody(engine)
        heard, hazards = apply(engine)
        while engine.tick().more:
            pass
        with engine.database.read() as connection:
            assert {} == reopenings.pending(connection)
        for one, person in everybody(engine).items():
            told = heard.get(one)
            if told is None:
                assert (before[one].next_lesson, before[one].state) == (person.next_lesson, person.state)
                assert before[one].next_letter_on == person.next_letter_on
            elif told.effect == "reopens":
                assert "reopen-finished" in hazards
                assert ("finished", "active") == (before[one].state, person.state)
                assert (told.next_after, told.on_after) == (person.next_lesson, person.next_letter_on)
            else:
                assert (told.next_before, told.on_before) == (before[one].next_lesson, before[one].next_letter_on)
                assert (told.next_after, told.on_after) == (person.next_lesson, person.next_letter_on)
        assert {(one, letter) for one, told in heard.items() for letter in told.passed} <= noted(engine)
        assert [] == engine.audit()
    engine.assert_sound()
