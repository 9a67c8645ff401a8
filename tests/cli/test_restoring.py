"""`drip restored` as an operator meets it: a question in plain words, what is in doubt, and what else is lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from drip.flows.ticking import CameBack
from tests.cli.conftest import Run
from tests.engine import Engine
from tests.restores import back_up, restore


def came_back(engine: Engine) -> None:
    """Let the first letter of ada go, and put the database back to before it was opened."""
    engine.tick()
    engine.join("ada")
    backup = back_up(engine.database)
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    restore(engine.database, backup)
    with pytest.raises(CameBack):
        engine.tick()


def test_status_says_what_stands_still_and_what_to_do(engine: Engine, run: Run) -> None:
    """Until somebody has spoken, and no longer."""
    came_back(engine)
    code, out, _ = run("status")
    assert 0 == code
    assert "STANDS STILL: the database is older than what this machine remembers of it" in out
    assert "drip restored" in out
    assert "restored from a backup" in json.loads(run("status", "--json")[1])["stands_still"]["why"]
    assert 0 == run("restored", "--yes")[0]
    assert "STANDS STILL" not in run("status")[1]
    assert json.loads(run("status", "--json")[1])["stands_still"] is None


def test_it_says_what_is_in_doubt_and_what_else_is_lost(engine: Engine, run: Run) -> None:
    """Counts on stdout, the rest on stderr; the list tells that the provider knows the letter by another id."""
    came_back(engine)
    code, out, err = run("restored", "--yes")
    assert (0, "       1  small/hello\n1 letter is in doubt and will not go again by itself; the engine goes on\n") == (code, out)
    assert "drip suppressions import --from-sendgrid" in err
    _, out, _ = run("uncertain", "list")
    assert "the database came back from a backup; this letter may have gone between" in out
    assert "look at the provider by her address and the date" in out
    assert json.loads(run("uncertain", "list", "--json")[1])["letters"][0]["provider_knows_it_as"] is None
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")


def test_scripts_read_json(engine: Engine, run: Run) -> None:
    """With the format's version."""
    came_back(engine)
    document = json.loads(run("restored", "--yes", "--json")[1])
    assert (1, 1) == (document["format"], document["uncertain"])
    assert [{"course": "small", "letter": "hello", "people": 1}] == document["letters"]


def test_who_moved_hosts_loses_nothing(engine: Engine, run: Run) -> None:
    """An operator who knows that nothing ran after the backup has everything go as if nothing had been."""
    came_back(engine)
    code, out, _ = run("restored", "--nothing-went", "--yes")
    assert (0, "no letter fell due in that time; the engine goes on\n") == (code, out)
    engine.mailer.requests.clear()
    engine.work()
    assert ["hello"] == engine.subjects("ada")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--until", "yesterday", "--yes"), 2, "is no instant; write it with its zone"),
        (("--until", "2026-11-23T14:30", "--yes"), 2, "is no instant; write it with its zone"),
        (("--until", "2000-01-01T00:00Z", "--yes"), 2, "cannot end before that"),
        (("--until", "2999-01-01T00:00Z", "--yes"), 2, "nor after now"),
        (("--nothing-went", "--until", "2026-11-23T14:30Z", "--yes"), 2, "either --until or --nothing-went"),
        ((), 2, "say --yes"),
    ],
)
def test_what_cannot_be_meant_is_named_and_changes_nothing(
    engine: Engine, run: Run, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Each with its remedy; the engine still stands still."""
    came_back(engine)
    found, out, err = run("restored", *arguments)
    assert (code, "") == (found, out)
    assert words in err
    with pytest.raises(CameBack):
        engine.tick()


def test_an_engine_at_work_is_left_alone(engine: Engine, run: Run) -> None:
    """Exit code 1, and today's letters are not put in doubt."""
    engine.join("ada")
    engine.work()
    engine.go_on(days=9)
    code, _, err = run("restored", "--yes")
    assert (1, True) == (code, "has been at work on this database within the last minute" in err)
    engine.work()
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")


def test_the_moment_it_stopped_can_be_said(engine: Engine, run: Run) -> None:
    """What fell due after that is late and not in doubt."""
    engine.tick()
    backup = back_up(engine.database)
    engine.go_on(minutes=1)
    engine.work()
    restore(engine.database, backup)
    engine.go_on(days=1)
    engine.join("ada")
    with pytest.raises(CameBack):
        engine.tick()
    died = engine.now().calendar - timedelta(hours=12)
    assert "no letter fell due" in run("restored", "--until", died.isoformat(), "--yes")[1]
