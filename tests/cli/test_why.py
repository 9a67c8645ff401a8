"""`drip why` as an operator meets it at night: what happened, what decides, what lies ahead, and no address."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.engine import Engine


def test_it_says_what_happened_what_decides_and_what_lies_ahead(engine: Engine, run: Run) -> None:
    """The first rule that the letter does not pass ends the list of rules with its date; nothing repeats her address."""
    engine.join("ada")
    engine.work()
    code, out, err = run("why", "ADA@Example.net")
    assert (0, "") == (code, err)
    assert "small, enrollment 1: active" in out
    assert "hello                    handed over to the provider" in out
    assert "Her next letter: breathe" in out
    assert "WAITS  window" in out
    due_at = engine.person("ada").next_due_at
    assert due_at is not None
    assert f"So it goes at {due_at:%Y-%m-%d %H:%M} UTC." in out
    assert "What lies ahead" in out
    assert "ada@" not in out.casefold()


def test_one_lesson_has_one_answer_first(engine: Engine, run: Run) -> None:
    """The answer is the first line, and the facts of each copy follow."""
    engine.join("ada")
    engine.work()
    code, out, _ = run("why", "ada@example.net", "hello")
    assert 0 == code
    assert out.startswith("hello: handed over to the provider\n")
    assert "              version: 1" in out
    code, out, _ = run("why", "ada@example.net", "walk")
    assert out.startswith("walk comes right after her next letter, if nothing is changed\n")


def test_the_json_has_a_format_and_every_input(engine: Engine, run: Run) -> None:
    """A program reads the same: each rule with its verdict and inputs, and which decides."""
    engine.join("ada")
    engine.work()
    engine.pause("ada", None)
    code, out, _ = run("why", "ada@example.net", "--json")
    found = json.loads(out)
    assert (0, 1) == (code, found["format"])
    (course,) = found["courses"]
    assert "pause" == course["decides"]
    assert {"pause": "open", "from": course["rules"][6]["inputs"]["from"]} == course["rules"][6]["inputs"]
    assert [] == course["ahead"]
    assert ["hello"] == [one["lesson"] for one in course["happened"]]


def test_nobody_and_no_lesson_are_named_with_a_remedy(engine: Engine, run: Run) -> None:
    """Exit code 1 for nobody and for a slip of the pen, 2 for what is no address."""
    engine.join("ada")
    assert (1, "", "drip: there is nobody by this address, and the register does not know it either\n") == run(
        "why", "zoe@example.net"
    )
    code, out, err = run("why", "ada@example.net", "breath")
    assert (1, "") == (code, out)
    assert "small has no letter 'breath'; did you mean breathe?" in err
    assert 2 == run("why", "ada")[0]
    code, _, err = run("why", "ada@example.net", "--course", "other")
    assert (1, "drip: this person is on no course called 'other'\n") == (code, err)


def test_whoever_left_reads_as_gone(engine: Engine, run: Run) -> None:
    """The rule says who alone can bring her back."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    out = run("why", "ada@example.net")[1]
    assert "WAITS  register     she left; only she can come back, by her own press" in out
    assert "Her next letter, were she on the course: breathe" in out
    assert "So it waits: she left; only she can come back, by her own press." in out
