"""`drip subscribers erase` as an operator meets it, and what `status` and `report` say of the forgotten."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
import pytest

from drip.core.delivery import Submitted
from drip.flows import forgetting
from drip.mail.directory import Declined
from drip.wiring import Deployment
from tests.cli.conftest import Run
from tests.engine import Engine
from tests.flows.test_forgetting import hers, knows, traces


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A terminal, and what is answered there, one after another; every question is an answer's."""
    answers: list[str] = []
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _: answers.pop(0))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    yield answers
    assert [] == answers


def test_an_address_is_erased_with_everything(engine: Engine, run: Run) -> None:
    """With --yes nobody is asked; in any capitals it is she; what is left is what the register keeps."""
    engine.join("ada", "bea")
    engine.work()
    words = hers(engine, "ada")
    code, out, err = run("subscribers", "erase", "ADA@Example.net", "--yes")
    assert 0 == code
    assert "erased here" in out
    assert not any(word.casefold() in (out + err).casefold() for word in ("ada@", *words) if "@" in word)
    engine.chores()
    assert [] == traces(engine, words)
    assert knows(engine, "bea")
    code, out, err = run("subscribers", "erase", "ada@example.net", "--yes")
    assert (1, "", "there is nobody by this address: nothing to erase\n") == (code, out, err)


def test_without_yes_it_asks_and_says_of_which_courses(engine: Engine, run: Run, says: list[str]) -> None:
    """No is no, and the address is not said again."""
    engine.join("ada")
    says += ["n", "y"]
    code, out, err = run("subscribers", "erase", "ada@example.net")
    assert 130 == code
    assert "small (active)" in err
    assert "ada@" not in out + err
    assert knows(engine, "ada")
    assert 0 == run("subscribers", "erase", "ada@example.net")[0]
    assert not knows(engine, "ada")


def test_where_nobody_can_be_asked_it_wants_a_yes(engine: Engine, run: Run) -> None:
    """A script that forgot --yes is told so with 2, and nobody is erased."""
    engine.join("ada")
    assert (2, "", "drip: there is no terminal to ask at; say --yes\n") == run("subscribers", "erase", "ada@example.net")
    assert knows(engine, "ada")


def test_what_is_no_address_is_not_understood(engine: Engine, run: Run) -> None:
    """It exits with 2 and changes nothing."""
    engine.join("ada")
    assert 2 == run("subscribers", "erase", "ada", "--yes")[0]
    assert knows(engine, "ada")


def test_while_a_letter_is_on_its_way_it_says_so(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1: it is not done yet, and it is done by itself once the letter is gone."""
    engine.join("ada")
    said: list[tuple[int, str, str]] = []
    monkeypatch.setattr(Deployment, "leave_wait_seconds", 0.1)

    def meanwhile(_: object) -> Submitted:
        said.append(run("subscribers", "erase", "ada@example.net", "--yes"))
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.send(engine.tick())
    ((code, _, err),) = said
    assert 1 == code
    assert "the rest goes by itself" in err
    engine.work()
    assert not knows(engine, "ada")
    engine.assert_sound()


def test_status_and_report_count_the_forgotten(engine: Engine, run: Run) -> None:
    """Numbers and never an address: what the provider must still be told, when the pass was, and how many are gone."""
    engine.join("ada", "bea")
    engine.work()
    assert "no daily pass yet" in run("status")[1]
    engine.erase("ada")
    assert "Provider   1 address to be told to erase\n" in run("status")[1]
    engine.directory.script = [Declined("403 access forbidden", "Give the key a permission.")]
    engine.chores()
    forgetting.pass_over(engine.database, engine.library)
    out = run("status")[1]
    assert "1 address to be told to erase: 403 access forbidden. Give the key a permission.; tries again at" in out
    assert "the daily pass was done at" in out
    assert "ada@" not in out
    code, out, _ = run("report", "--audit")
    assert 0 == code
    assert "forgotten: 1 (1 at their wish); their letters are in no figure above" in out
    assert "small: 1 due = 1 submitted" in out
