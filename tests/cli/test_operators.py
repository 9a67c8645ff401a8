"""`drip operators …` as whoever has the server meets it."""

from __future__ import annotations

import io
import json

import pytest

from drip.flows import admitting
from drip.flows.admitting import Secrets
from tests.cli.conftest import Run
from tests.engine import Engine

PASSWORD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password on standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\nand another line\n"))


def in_with(engine: Engine, name: str, password: str = PASSWORD) -> bool:
    """Whether a name and a password open the console."""
    return admitting.log_in(engine.database, Secrets(engine.deployment.settings.secret_keys), name, password) is not None


def test_the_first_operator(engine: Engine, run: Run, typed: None) -> None:
    """Somebody is added with a password from standard input, is on the list, and can log in; the password is shown nowhere."""
    assert (0, "", "nobody may log in yet; add somebody: drip operators add NAME --send\n") == run("operators", "list")
    code, out, err = run("operators", "add", " Kim", "--send", "--password-stdin")
    assert (0, "kim may look and send; log in at http://127.0.0.1:8000/console\n", "") == (code, out, err)
    assert in_with(engine, "KIM")
    code, out, err = run("operators", "list", "--json")
    [found] = json.loads(out)["operators"]
    assert (0, "", 1, "kim", "send", "command line", 1) == (
        code,
        err,
        json.loads(out)["format"],
        found["name"],
        found["permission"],
        found["added_by"],
        found["sessions"],
    )
    assert "kim  send  since " in run("operators", "list")[1]
    assert "in 1 browser now" in run("operators", "list")[1]


def test_looking_is_the_rule(engine: Engine, run: Run, typed: None) -> None:
    """Without --send she may look; `permit` changes it, both ways."""
    assert "lou may look; log in at" in run("operators", "add", "lou", "--password-stdin")[1]
    assert (0, "lou may look and send\n", "") == run("operators", "permit", "lou", "send")
    assert ["lou"] == admitting.senders(engine.database)
    assert (0, "lou may look\n", "") == run("operators", "permit", "lou", "look")
    assert [] == admitting.senders(engine.database)
    assert 2 == run("operators", "permit", "lou", "everything")[0]


@pytest.mark.parametrize("password", ["eleven char", "", "x" * 501])
def test_a_password_that_is_not_taken(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """It is said why, nobody is added, and it is not repeated."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    code, out, err = run("operators", "add", "kim", "--password-stdin")
    assert (2, "") == (code, out)
    assert "a password has at " in err
    assert not password or password not in err
    assert [] == admitting.listed(engine.database)


def test_bad_names(engine: Engine, run: Run, typed: None) -> None:
    """An address is no name, nor is anything with a space; one that is taken says what to run instead."""
    for name in ("kim@example.net", "k i m", "", "-", "é", "x" * 41):
        code, _, err = run("operators", "add", "--password-stdin", "--", name)
        assert (2, True) == (code, "a name has 1 to 40 letters" in err), name
    assert 0 == run("operators", "add", "kim", "--password-stdin")[0]
    code, _, err = run("operators", "add", "KIM", "--password-stdin")
    assert (1, True) == (code, "there is an operator kim already; another password: drip operators password kim" in err)


def test_another_password_ends_every_session(engine: Engine, run: Run, typed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgot hers gets another one on the server; the old one opens nothing, and nobody stays in by it."""
    run("operators", "add", "kim", "--password-stdin")
    made = Secrets(engine.deployment.settings.secret_keys)
    signed = admitting.log_in(engine.database, made, "kim", PASSWORD)
    assert signed is not None
    monkeypatch.setattr("sys.stdin", io.StringIO("quite another long one\n"))
    assert (0, "kim has another password; logged out in 1 browser\n", "") == run(
        "operators", "password", "kim", "--password-stdin"
    )
    assert None is admitting.find(engine.database, made, signed.secret)
    assert [False, True] == [in_with(engine, "kim", one) for one in (PASSWORD, "quite another long one")]


def test_taken_out(engine: Engine, run: Run, typed: None) -> None:
    """She is out at once and cannot come in; an unknown name names those who are there."""
    run("operators", "add", "kim", "--password-stdin")
    made = Secrets(engine.deployment.settings.secret_keys)
    signed = admitting.log_in(engine.database, made, "kim", PASSWORD)
    assert signed is not None
    for command in (("remove", "lou"), ("password", "lou", "--password-stdin"), ("permit", "lou", "look")):
        code, _, err = run("operators", *command)
        assert (1, True) == (code, "there is no operator lou; there are: kim" in err)
    assert (0, "kim is taken out, and logged out everywhere\n", "") == run("operators", "remove", "Kim")
    assert None is admitting.find(engine.database, made, signed.secret)
    assert not in_with(engine, "kim")


def test_without_a_terminal_it_says_what_to_do(engine: Engine, run: Run, typed: None) -> None:
    """A script that forgot the option is told, and nothing hangs."""
    code, _, err = run("operators", "add", "kim")
    assert (2, True) == (code, "--password-stdin" in err)


def test_on_a_terminal_it_asks_twice(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too short, then two that differ, then one that is taken; nothing of it is printed."""
    answers = iter(["short", PASSWORD, "something else", PASSWORD, PASSWORD])
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: next(answers))
    code, out, err = run("operators", "add", "kim")
    assert (0, True) == (code, out.startswith("kim may look"))
    assert ["drip: a password has at least 12", "drip: the two are not the same"] == [
        line[:32].rstrip() if "at least" in line else line for line in err.splitlines() if line.startswith("drip:")
    ]
    assert PASSWORD not in out + err
    assert in_with(engine, "kim")
