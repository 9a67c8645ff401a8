"""`drip subscribers pause|resume|leave` as an operator meets them: what her own buttons do, asked for by a reply."""

from __future__ import annotations

import json

import pytest

from drip.core.delivery import Submitted
from drip.wiring import Deployment
from tests.cli.conftest import Run
from tests.engine import Engine


def test_a_pause_of_weeks_names_the_date(engine: Engine, run: Run) -> None:
    """The same date as her own button gives, and once more it is the same."""
    engine.join("ada", "bea")
    engine.work()
    theirs = engine.pause("bea", 2).next_on
    for _ in range(2):
        code, out, err = run("subscribers", "pause", "ADA@example.net", "--weeks", "2")
        assert (0, "") == (code, err)
        assert out.startswith("small: paused; her next letter comes on ")
        assert "ada@" not in out
        assert theirs == engine.person("ada").next_letter_on
    assert "weeks" == engine.person("ada").paused
    engine.assert_sound()


def test_until_she_says_is_the_rule_and_resume_ends_it(engine: Engine, run: Run) -> None:
    """Nothing comes until then; resuming twice is harmless."""
    engine.join("ada")
    engine.work()
    for more in ([], ["--until-she-says"]):
        assert (0, "small: paused; no letter comes until she says\n", "") == run("subscribers", "pause", "ada@example.net", *more)
    engine.go_on(days=40)
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    for _ in range(2):
        code, out, _ = run("subscribers", "resume", "ada@example.net")
        assert (0, True) == (code, out.startswith("small: not paused; her next letter comes on "))
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_pause_is_said_in_one_way(engine: Engine, run: Run) -> None:
    """Two ways at once, or a number that her page does not offer, exit with 2 and change nothing."""
    engine.join("ada")
    assert 2 == run("subscribers", "pause", "ada@example.net", "--weeks", "2", "--until-she-says")[0]
    assert 2 == run("subscribers", "pause", "ada@example.net", "--weeks", "3")[0]
    assert not engine.person("ada").paused


def test_who_is_not_on_the_course_cannot_pause(engine: Engine, run: Run) -> None:
    """Exit code 1, and the state she is in."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    assert (1, "", "small: she is not on it: left\n") == run("subscribers", "pause", "ada@example.net")
    assert (1, "", "small: she is not on it: left\n") == run("subscribers", "resume", "ada@example.net")
    assert "left" == engine.person("ada").state


def test_whoever_replies_stop_leaves_at_once(engine: Engine, run: Run) -> None:
    """For good, as by her own press; a second time is harmless; the record says where it came from; she can come back."""
    engine.join("ada")
    engine.work()
    assert (0, "small: she has left\n") == run("subscribers", "leave", "ADA@example.net")[:2]
    assert (0, "small: she had left already\n") == run("subscribers", "leave", "ada@example.net")[:2]
    engine.run_to_the_end()
    assert ["hello"] == engine.subjects("ada")
    assert "took it back (command line)" in run("why", "ada@example.net")[1]
    engine.assert_sound()
    assert engine.undo("ada")


def test_json_has_a_format(engine: Engine, run: Run) -> None:
    """What became of each course, on stdout alone."""
    engine.join("ada")
    engine.work()
    code, out, _ = run("subscribers", "leave", "ada@example.net", "--json")
    expected = {"format": 1, "courses": [{"course": "small", "done": True, "say": "she has left"}]}
    assert (0, expected) == (code, json.loads(out))
    code, out, _ = run("subscribers", "pause", "ada@example.net", "--json")
    assert (1, False) == (code, json.loads(out)["courses"][0]["done"])


@pytest.mark.parametrize(
    ("command", "words"),
    [("pause", "run this again in a minute"), ("leave", "one letter is on its way at this moment, and nothing follows it")],
)
def test_while_a_letter_is_on_its_way_it_says_so(
    engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    """Exit 1 until nothing of hers is being handed over; then the same command says that it is done."""
    engine.join("ada")
    said: list[tuple[int, str, str]] = []
    monkeypatch.setattr(Deployment, "leave_wait_seconds", 0.1)

    def meanwhile(_: object) -> Submitted:
        said.append(run("subscribers", command, "ada@example.net"))
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.send(engine.tick())
    ((code, out, err),) = said
    assert (1, "", True) == (code, out, words in err)
    assert 0 == run("subscribers", command, "ada@example.net")[0]
    engine.go_on(days=30)
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    engine.assert_sound()
