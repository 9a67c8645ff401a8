"""A phase again: a new run that begins there, with every letter before it accounted for."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from drip.errors import NotFound
from drip.flows import showing
from drip.store import tables
from tests.engine import Engine


def _omissions(engine: Engine, name: str) -> list[tuple[int, str, str]]:
    table = tables.omissions
    with engine.database.read() as connection:
        rows = connection.execute(
            sa.select(table.c.run, table.c.letter, table.c.reason)
            .where(table.c.enrollment_id == engine.person(name).id)
            .order_by(table.c.run, table.c.letter)
        )
        return [tuple(row) for row in rows]


def test_it_begins_at_the_phase_and_goes_on_from_there(engine: Engine) -> None:
    """The first letter comes on her next own weekday, the ones before are recorded, and all others follow."""
    engine.join("ada")
    engine.to_lesson("ada", "goodbye")
    today = engine.now().calendar.date()
    adjusted = engine.begin_again("ada", "two")

    person = engine.person("ada")
    assert (2, "walk", "rest") == (person.run, person.place, person.next_lesson)
    assert adjusted.next_on == person.next_letter_on
    assert person.next_letter_on is not None
    assert 1 == person.next_letter_on.weekday()
    assert today <= person.next_letter_on <= today + timedelta(days=7)
    assert [(2, lesson, "she began again at a later phase") for lesson in ("breathe", "hello", "walk")] == _omissions(
        engine, "ada"
    )
    assert [] == engine.audit()
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "rest", "goodbye"] == engine.subjects("ada")
    assert "finished" == engine.person("ada").state
    engine.assert_sound()


def test_the_first_phase_again_is_the_whole_course(engine: Engine) -> None:
    """Nothing stands before it, and the first letter, too, waits for her own weekday."""
    engine.join("ada")
    engine.to_lesson("ada", "rest")
    engine.begin_again("ada", "one")
    person = engine.person("ada")
    assert (None, "hello") == (person.place, person.next_lesson)
    assert person.next_letter_on is not None
    assert 1 == person.next_letter_on.weekday()
    assert [] == _omissions(engine, "ada")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_an_open_letter_of_the_old_run_is_superseded(engine: Engine) -> None:
    """It is withheld and never goes beside the new run."""
    engine.join("ada")
    engine.to_lesson("ada", "rest")
    report = engine.tick()
    engine.begin_again("ada", "two")
    engine.send(report)
    old = engine.deliveries("ada")[-1]
    assert ("rest", "withheld", "superseded") == (old.letter, old.state, old.reason)
    assert [] == engine.audit()
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_whoever_finished_is_active_again(engine: Engine) -> None:
    """Her end is taken back, and the letters that follow end it anew."""
    engine.join("ada")
    engine.run_to_the_end()
    assert "finished" == engine.person("ada").state
    engine.begin_again("ada", "two")
    person = engine.person("ada")
    assert ("active", None, "") == (person.state, person.ended_at, person.ended_why)
    engine.run_to_the_end()
    assert ["rest", "goodbye"] == engine.subjects("ada")[-2:]
    assert "finished" == engine.person("ada").state
    engine.assert_sound()


def test_pressing_twice_begins_once(engine: Engine) -> None:
    """The form names the run that it was shown in; the second press finds another."""
    engine.join("ada")
    engine.to_lesson("ada", "rest")
    engine.begin_again("ada", "one", 1)
    engine.begin_again("ada", "one", 1)
    assert 2 == engine.person("ada").run


def test_whoever_left_does_not_begin_again_by_it(engine: Engine) -> None:
    """Leaving is final; she comes back by undoing it."""
    engine.join("ada")
    engine.to_lesson("ada", "rest")
    engine.leave("ada")
    before = engine.person("ada")
    engine.begin_again("ada", "one")
    assert before == engine.person("ada")


def test_an_unknown_phase_is_refused(engine: Engine) -> None:
    """Nothing changes."""
    engine.join("ada")
    with pytest.raises(NotFound):
        engine.begin_again("ada", "nine")
    assert 1 == engine.person("ada").run


def test_all_letters_so_far_stay_on_her_page(engine: Engine) -> None:
    """Those before the phase are on her map as before, and so is each that comes again, which she can read meanwhile."""
    engine.join("ada")
    engine.to_lesson("ada", "goodbye")
    engine.begin_again("ada", "two")
    shown = showing.find(engine.database, engine.library, engine.person("ada").public_id)
    assert shown is not None
    on_map = [(one.letter, one.state) for _, stations in showing.course_map(shown, engine.library) for one in stations]
    assert [("hello", "had"), ("breathe", "had"), ("walk", "had"), ("rest", "next"), ("goodbye", "later")] == on_map
    assert [] == showing.other_letters(shown, engine.library)
    for letter in ("hello", "rest"):
        assert showing.letter_again(shown, engine.library, letter, my_token="a.b", leave_token="a.b") is not None
