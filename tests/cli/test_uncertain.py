"""`drip uncertain` as an operator meets it: the evidence, a question, and what became of each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click
import pytest

from drip.core.delivery import Unknown
from tests.cli.conftest import Run
from tests.engine import Engine

BY = ("--by", "Sam", "--why", "the log of the provider")


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A terminal, and what is answered there; every answer is asked for."""
    answers: list[str] = []
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _: answers.pop(0))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    yield answers
    assert [] == answers


def doubtful(engine: Engine, *names: str) -> list[int]:
    """Let the first letters of some people end in doubt together, and return their deliveries."""
    engine.join(*names)
    engine.mailer.script = [Unknown("timed out after 5 s")]
    engine.work()
    engine.let_it_try_again()
    return [engine.deliveries(name)[-1].id for name in names]


def test_the_list_tells_the_evidence(engine: Engine, run: Run) -> None:
    """Since when, why, what was reported, and by which id the provider knows it; no address."""
    assert (0, "", "nothing is in doubt\n") == run("uncertain", "list")
    doubtful(engine, "ada", "bea")
    newest = engine.deliveries("ada")[-1]
    code, out, err = run("uncertain", "list")
    assert (0, "") == (code, err)
    assert f"{newest.id}  small/hello, run:1, enrollment 1\n" in out
    assert "UTC: timed out after 5 s\n" in out
    assert f"no report; the provider knows it as {newest.public_id}\n" in out
    assert "example.net" not in out
    code, out, _ = run("uncertain", "list", "--json")
    found = json.loads(out)
    assert (0, 1, 2) == (code, found["format"], len(found["letters"]))
    assert (newest.id, "hello", "timed out after 5 s", None) == tuple(
        found["letters"][0][name] for name in ("delivery", "letter", "evidence", "outcome")
    )


def test_several_are_settled_at_once(engine: Engine, run: Run) -> None:
    """Each has its answer; one that cannot be settled makes the exit code 1, and the others are."""
    one, two = doubtful(engine, "ada", "bea")
    code, out, err = run("uncertain", "submitted", str(one), str(one), "999", *BY, "--yes")
    assert (1, f"{one}: submitted\n") == (code, out)
    assert "999: there is no delivery of this number" in err
    code, out, _ = run("uncertain", "resend", str(two), *BY, "--yes", "--json")
    found = json.loads(out)
    assert (0, 1, [(two, True)]) == (code, found["format"], [(each["delivery"], each["done"]) for each in found["letters"]])
    moment = engine.next_moment()
    assert moment is not None
    engine.go_to(max(moment, engine.now().calendar))
    engine.work()
    assert ([], ["hello"]) == (engine.subjects("ada"), engine.subjects("bea"))
    assert "let go once more by Sam: the log of the provider" in run("why", "bea@example.net", "hello")[1]
    assert "an operator says so" in run("why", "ada@example.net", "hello")[1]
    assert (0, "", "nothing is in doubt\n") == run("uncertain", "list")
    engine.assert_sound()


def test_it_asks_on_a_terminal(engine: Engine, run: Run, says: list[str]) -> None:
    """No is no; the question says what a wrong yes would do."""
    (one,) = doubtful(engine, "ada")
    says += ["n", "y"]
    code, _, err = run("uncertain", "resend", str(one), *BY)
    assert 130 == code
    assert "You say that the provider did not take this letter. Whoever has one already gets it twice.\n" in err
    assert "uncertain" == engine.state_of("ada")[0]
    assert 0 == run("uncertain", "resend", str(one), *BY)[0]
    assert "pending" == engine.state_of("ada")[0]


def test_a_script_must_say_yes_and_who_and_why(engine: Engine, run: Run) -> None:
    """Exit code 2, and nothing is changed."""
    (one,) = doubtful(engine, "ada")
    for arguments in ((str(one), *BY), (str(one), "--yes"), (*BY, "--yes"), ("0", *BY, "--yes"), ("x", *BY, "--yes")):
        for command in ("submitted", "resend"):
            assert 2 == run("uncertain", command, *arguments)[0]
    assert 2 == run("uncertain", "resend", str(one), "--by", " ", "--why", "x", "--yes")[0]
    assert "uncertain" == engine.state_of("ada")[0]
