"""The audit: whoever finished has had every lesson of her version, and no honest edit is called a fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from drip.core.delivery import Submitted
from drip.core.enrollment import END
from drip.mail.message import Message
from drip.store.tables import deliveries, enrollments, omissions
from tests.editing import LINES, apply, planned, without, write
from tests.engine import Engine
from tests.faulty import Points

FINISHED = {**END, "state": "finished"}
EARLY = (LINES[0], "early, wait: 3 days", *LINES[1:])
"""The course with a lesson that stands before everybody's place."""
SHORTER = tuple(without("goodbye"))
TURNED_ROUND = (LINES[0], LINES[4], *LINES[1:4])
"""The course with its last lesson second."""


def edit(engine: Engine, *lines: str) -> None:
    """Write a schedule and make it live, whatever its hazards."""
    write(engine, *lines)
    apply(engine, *(hazard.name for hazard in planned(engine).hazards))


def passed_by(engine: Engine) -> list[str]:
    """Return the lessons that the books say she will not get."""
    with engine.database.read() as connection:
        return list(connection.execute(sa.select(omissions.c.letter)).scalars())


def test_whoever_is_called_finished_too_early_is_found(engine: Engine) -> None:
    """Every lesson that she has not had is named; bea, who had them all, is not."""
    engine.join("bea")
    engine.run_to_the_end()
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    ada = engine.person("ada").id
    assert [] == engine.audit()
    with engine.database.write() as connection:
        connection.execute(sa.update(enrollments).where(enrollments.c.id == ada).values(**FINISHED))
    assert [f"enrollment {ada} finished without walk, rest, goodbye"] == engine.audit()


def test_neither_a_place_nor_an_earlier_run_speaks_for_her(engine: Engine) -> None:
    """The place is the last lesson, and she had them all in her first run: in her second she had none."""
    engine.join("ada")
    engine.run_to_the_end()
    engine.begin_again("ada", "two")
    with engine.database.write() as connection:
        connection.execute(sa.update(enrollments).values(**FINISHED, place="goodbye"))
    assert [f"enrollment {engine.person('ada').id} finished without rest, goodbye"] == engine.audit()


def test_a_recorded_omission_counts(engine: Engine) -> None:
    """What she began behind is hers by a record alone; without the record it is missing."""
    engine.join("ada")
    engine.to_lesson("ada", "walk")
    engine.begin_again("ada", "two")
    engine.run_to_the_end()
    assert "finished" == engine.person("ada").state
    assert [] == engine.audit()
    with engine.database.write() as connection:
        connection.execute(sa.delete(omissions).where(omissions.c.letter == "breathe"))
    assert [f"enrollment {engine.person('ada').id} finished without breathe"] == engine.audit()


def test_a_result_of_any_kind_counts_and_a_copy_does_not(engine: Engine) -> None:
    """A letter that was withheld is accounted for; one that she only asked for again is not the course's."""
    engine.join("ada")
    engine.run_to_the_end()
    with engine.database.write() as connection:
        connection.execute(sa.update(deliveries).where(deliveries.c.letter == "walk").values(state="withheld"))
    assert [] == engine.audit()
    with engine.database.write() as connection:
        connection.execute(sa.update(deliveries).where(deliveries.c.letter == "walk").values(kind="asked"))
    assert [f"enrollment {engine.person('ada').id} finished without walk"] == engine.audit()


@pytest.mark.parametrize("lines", [EARLY, SHORTER, TURNED_ROUND, (*LINES, "farewell, wait: 1 week")])
@pytest.mark.parametrize("how", ["finished", "left", "left-and-back"])
def test_an_edit_after_she_finished_or_left_is_no_fault(engine: Engine, how: str, lines: tuple[str, ...]) -> None:
    """What was added is none of hers; once she is back, the books say what passed her by, and the course goes on."""
    engine.join("ada")
    if how == "finished":
        engine.run_to_the_end()
    else:
        engine.to_lesson("ada", "rest")
        engine.leave("ada")
    edit(engine, *lines)
    engine.work()
    assert [] == engine.audit()
    if how == "left-and-back":
        assert engine.undo("ada")
        assert [] == engine.audit()
        engine.run_to_the_end()
        assert "finished" == engine.person("ada").state
    assert "early" not in engine.subjects("ada")
    engine.assert_sound()


WHILE_UNDER_WAY = [(EARLY, "goodbye", ["early"]), (SHORTER, "rest", []), (TURNED_ROUND, "rest", ["goodbye"])]


@pytest.mark.parametrize(("lines", "under_way"), [case[:2] for case in WHILE_UNDER_WAY])
def test_an_edit_while_her_last_letter_is_under_way_is_no_fault(engine: Engine, lines: tuple[str, ...], under_way: str) -> None:
    """Whether she finishes in the version of that letter or is turned to the new one, the audit asks for that one's lessons."""
    engine.join("ada")
    engine.to_lesson("ada", under_way)

    def meanwhile(_: Message) -> Submitted:
        edit(engine, *lines)
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.work()
    assert "finished" == engine.person("ada").state
    engine.assert_sound()


@pytest.mark.parametrize(("lines", "under_way", "passed"), WHILE_UNDER_WAY)
def test_an_edit_before_a_dead_workers_result_is_no_fault(
    engine: Engine, lines: tuple[str, ...], under_way: str, passed: list[str]
) -> None:
    """The result is recorded in the version that is live by then: she finishes in that one, and what passed her by is noted."""
    engine.join("ada")
    engine.to_lesson("ada", under_way)
    worker, points = engine.deployment.incarnation(), Points()
    points.on("answered", _die)
    with pytest.raises(KeyboardInterrupt):
        engine.deployment.sender(worker, at=points).send(engine.tick().hints[0])
    edit(engine, *lines)
    worker.close()
    engine.work()
    assert ("finished", 2) == (engine.person("ada").state, engine.person("ada").version_id)
    assert passed == passed_by(engine)
    engine.assert_sound()


def _die() -> None:
    raise KeyboardInterrupt


ENDS: dict[str, Callable[[Engine], object]] = {
    "the whole": lambda _: None,
    "the first phase again": lambda engine: engine.begin_again("ada", "one"),
    "the second phase again": lambda engine: engine.begin_again("ada", "two"),
    "back after leaving": lambda engine: (engine.leave("ada"), engine.undo("ada")),
    "the next one now": lambda engine: engine.next_now("ada"),
}


@pytest.mark.parametrize("way", ENDS)
def test_every_honest_way_to_the_end_is_sound(engine: Engine, way: str) -> None:
    """Whatever she pressed on the way, and whatever was edited, she finished with every lesson accounted for."""
    engine.join("ada")
    engine.to_lesson("ada", "rest")
    ENDS[way](engine)
    edit(engine, *EARLY, "farewell, wait: 1 week")
    engine.run_to_the_end()
    assert "finished" == engine.person("ada").state
    assert "farewell" in [one.letter for one in engine.deliveries("ada")]
    engine.assert_sound()
