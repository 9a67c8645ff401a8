"""An apply that is killed with kill -9 leaves the old version or the new one, whole; ticks and the next apply go on from it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa

from drip import config
from drip.flows.ticking import Report, Ticker
from drip.store import reopenings, versions
from drip.store.tables import courses, deliveries, enrollments
from drip.store.tables import versions as version_table
from tests.conftest import ROOT
from tests.editing import LINES, planned, write
from tests.engine import Engine

POINTS = {"read": 1, "locked": 1, "published": 1, "live": 2}
"""Where the process dies, and which version is live then."""

EDITED = (*LINES[:3], "rest, wait: 2 weeks", LINES[4], "farewell, wait: 1 week")


def apply_and_die(engine: Engine, point: str) -> int:
    """Run an apply in a process of its own that dies at *point*, and return how it ended."""
    environment = config.environment_for(engine.deployment.settings) | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.flows.applying_process", point]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=120).returncode


def crowd(engine: Engine) -> Report:
    """Let one finish, one have her letter open, one wait for it, and one pause; return the tick that opened the letter."""
    engine.join("done")
    engine.run_to_the_end()
    engine.join("open", "waits", "rests")
    engine.work()
    engine.to_lesson("open", "walk")
    engine.pause("rests", 4)
    engine.choose("waits", weekday="fri")
    report = engine.tick()
    assert 1 == report.opened
    return report


def one_whole(engine: Engine) -> int:
    """Return the version that is live; everything about it is there, and every open letter is of it."""
    with engine.database.read() as connection:
        live = connection.execute(sa.select(courses.c.version_id, courses.c.dates_from)).one()
        newest = connection.execute(sa.select(sa.func.max(version_table.c.id))).scalar_one()
        letters = connection.execute(sa.select(deliveries.c.version_id).where(deliveries.c.is_open)).scalars()
        assert {live.version_id} == {newest, *letters}
        found = versions.find(connection, newest)
        reopening = reopenings.pending(connection)
    assert found is not None
    assert (newest, newest if newest > 1 else 0) == (live.version_id, live.dates_from)
    assert ({"small"} if newest > 1 else set()) == {*reopening}
    assert (newest > 1) == ("farewell" in found.schedule_text) == ("one/farewell.md" in found.letters)
    return int(newest)


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_apply_leaves_one_version_whole(engine: Engine, point: str) -> None:
    """Wherever it dies; the same command then ends what was begun, and everybody gets each letter once."""
    report = crowd(engine)
    write(engine, *EDITED)
    assert -signal.SIGKILL == apply_and_die(engine, point)
    assert POINTS[point] == one_whole(engine)
    assert [] == engine.audit()
    if POINTS[point] == 1:
        assert 0 == apply_and_die(engine, "nowhere")
    # PostgreSQL gives no number twice, not even one of a transaction that died.
    assert one_whole(engine) in {2, 3}
    assert () == planned(engine).changes
    engine.send(report)
    engine.run_to_the_end()
    for name in ("done", "open", "waits", "rests"):
        assert "finished" == engine.person(name).state
        assert ["hello", "breathe", "walk", "rest", "goodbye", "farewell"] == [one.letter for one in engine.deliveries(name)]
    engine.assert_sound()


def test_what_an_apply_left_to_do_any_tick_goes_on_with(engine: Engine) -> None:
    """Page by page, by whichever process ticks next; a later apply finds some turned and some not, and plans for all."""
    names = [f"p{number}" for number in range(7)]
    engine.join(*names)
    engine.work()
    write(engine, *EDITED)
    assert 0 == apply_and_die(engine, "nowhere")
    door = engine.deployment.settings.sender
    left = []
    for _ in range(2):
        report = Ticker(engine.database, engine.library, door=door, batch_max=500, page=2).tick()
        left.append((report.turned, report.more))
    assert [(2, True), (2, True)] == left
    write(engine, *EDITED, "last, wait: 1 week")
    assert (("same", 7),) == planned(engine).effects
    assert 0 == apply_and_die(engine, "nowhere")
    with engine.database.read() as connection:
        stale = connection.execute(sa.select(enrollments.c.version_id).order_by(enrollments.c.id)).scalars()
        assert {1, 2} == {*stale}
    engine.run_to_the_end()
    assert {"last"} == {engine.deliveries(name)[-1].letter for name in names}
    engine.assert_sound()
