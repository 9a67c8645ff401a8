"""The manners of the whole command line, command by command: exit codes, JSON, one message, no colour, a calm Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from drip.cli import drip, main
from tests.cli.conftest import Run
from tests.engine import Engine
from tests.installation import ROOT, environment

ADA, NOBODY = "ada@example.net", "nobody@example.net"

WORKS: dict[str, list[str]] = {
    "check": [],
    "letters": [],
    "plan": [],
    "apply": [],
    "versions": [],
    "rollback": ["1"],
    "simulate": ["--people", "3", "--weeks", "2"],
    "why": [ADA],
    "subscribers show": [ADA],
    "subscribers list": [],
    "subscribers export": [ADA],
    "subscribers pause": [ADA],
    "subscribers resume": [ADA],
    "subscribers leave": [ADA],
    "subscribers erase": [ADA, "--yes"],
    "subscribers import": ["people.csv", "--consent-source", "a test", "--no-suppressions"],
    "subscribers add": ["bo@example.net", "--confirmed"],
    "suppressions import": ["barred.csv", "--reason", "left"],
    "suppressions list": [],
    "uncertain list": [],
    "uncertain submitted": ["999", "--by", "Sam", "--why", "a test", "--yes"],
    "uncertain resend": ["999", "--by", "Sam", "--why", "a test", "--yes"],
    "send-test": ["breathe", "me@example.com"],
    "corrections": ["breathe", "1"],
    "doctor": [],
    "status": [],
    "report": [],
    "hold": [],
    "release": [],
    "db upgrade": [],
    "keys": [],
    "keys rotate": [],
}
"""Every command that has data or does something to an installation, and what it is called with."""

ELSEWHERE = {"up", "demo", "schema", "shingles", "completion"}
"""Commands that become another process, or print what is a file of another kind."""

WITHOUT_DATABASE = {"check", "letters", "simulate", "keys", "keys rotate"}

UNKNOWN: dict[str, list[str]] = {
    "why": [NOBODY],
    "why LESSON": [ADA, "brethe"],
    "subscribers show": [NOBODY],
    "subscribers export": [NOBODY],
    "subscribers pause": [NOBODY],
    "subscribers resume": [NOBODY],
    "subscribers leave": [NOBODY],
    "subscribers erase": [NOBODY, "--yes"],
    "subscribers list": ["--course", "smal"],
    "send-test": ["brethe", "me@example.com"],
    "corrections": ["brethe", "1"],
    "corrections VERSION": ["breathe", "99"],
    "rollback": ["99"],
    "hold": ["smal"],
    "release": ["smal"],
    "letters": ["--course", "smal"],
    "simulate": ["--course", "smal"],
    "uncertain submitted": ["999", "--by", "Sam", "--why", "a test", "--yes"],
}
"""Names that nothing has, command by command; what stands in capitals only tells two calls apart."""


def leaves(group: click.Command = drip, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its full name; one that does something and has others below it is yielded too."""
    if not isinstance(group, click.Group):
        yield name, group
        return
    if group.invoke_without_command and name:
        yield name, group
    for part in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), part)
        assert found is not None
        yield from leaves(found, f"{name} {part}".strip())


EVERY = dict(leaves())

one_database = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
"""For what is about the command and not about the database under it."""


@pytest.fixture
def files(engine: Engine) -> None:
    """The files that some commands read, in the present folder, which has the course too."""
    Path("people.csv").write_text("email,consented_at\nchi@example.net,2026-01-01\n")
    Path("barred.csv").write_text("email\ndee@example.net\n")


def argv(name: str, arguments: list[str]) -> list[str]:
    """Return the words of a command line."""
    return [*[word for word in name.split() if word.islower()], *arguments]


def test_the_table_has_every_command() -> None:
    """A new command is entered here, or is no command of data."""
    assert {*WORKS, *ELSEWHERE} == {*EVERY}


@pytest.mark.parametrize("name", EVERY)
def test_an_unknown_option_is_not_understood(run: Run, nowhere: None, name: str) -> None:
    """Exit code 2, stdout empty, and nothing is made."""
    code, out, err = run(*argv(name, [*WORKS.get(name, []), "--no-such-option"]))
    assert (2, "") == (code, out)
    assert "no-such-option" in err
    assert [] == list(Path().iterdir())


@one_database
@pytest.mark.parametrize("name", WORKS)
def test_every_command_with_data_speaks_json(engine: Engine, run: Run, files: None, name: str) -> None:
    """One document on stdout with a format; everything else goes to stderr."""
    engine.join("ada")
    given = [] if name == "subscribers export" else ["--json"]
    code, out, err = run(*argv(name, [*WORKS[name], *given]))
    assert code in {0, 1, 2, 3}
    assert "Traceback" not in err
    if out or code == 0:
        # What an operator hands to somebody says for itself what it is.
        assert isinstance(json.loads(out).get("format"), int), out
    else:
        assert err.startswith("drip: ")


@one_database
@pytest.mark.parametrize("name", [name for name in WORKS if name not in WITHOUT_DATABASE])
def test_a_database_that_is_not_there_is_infrastructure(
    engine: Engine, run: Run, files: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Exit code 3, one message that names the setting, and no password."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    monkeypatch.setenv("DRIP_DATABASE_URL", f"postgresql+psycopg://drip:p4ss@127.0.0.1:{port}/drip")
    code, out, err = run(*argv(name, WORKS[name]))
    assert 3 == code
    assert "p4ss" not in out + err
    assert "DRIP_DATABASE_URL" in out + err
    assert "Traceback" not in err


@one_database
@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_name_is_a_problem(engine: Engine, run: Run, files: None, name: str) -> None:
    """Exit code 1 and one message, which never repeats an address."""
    engine.join("ada")
    for more in ([],) if name == "subscribers export" else ([], ["--json"]):
        code, out, err = run(*argv(name, [*UNKNOWN[name], *more]))
        assert 1 == code, err
        assert "" == out or json.loads(out)["format"]
        assert err or out
        assert NOBODY not in out + err
        assert "Traceback" not in err


@one_database
@pytest.mark.parametrize("name", [name for name in EVERY if name not in ELSEWHERE])
def test_what_is_piped_has_no_colour(engine: Engine, run: Run, files: None, name: str) -> None:
    """No control character reaches a file or a pipe, on either side."""
    engine.join("ada")
    _, out, err = run(*argv(name, WORKS[name]))
    assert "\x1b" not in out + err
    assert "\r" not in out + err


def on_a_terminal(folder: Path, *arguments: str, stop_at: str = "", **settings: str) -> tuple[int, str]:
    """Return the exit code of a command on a terminal and what it says on both sides; Ctrl-C is pressed at *stop_at*."""
    near, far = pty.openpty()
    own = environment(PYTHONPATH=str(ROOT), TERM="xterm-256color", COLUMNS="100", **settings)
    with subprocess.Popen(
        [sys.executable, "-m", "drip", *arguments], cwd=folder, env=own, stdin=far, stdout=far, stderr=far
    ) as process:
        os.close(far)
        said = b""
        while True:
            try:
                part = os.read(near, 65536)
            except OSError:  # What Linux says when the other side is closed.
                break
            if not part:
                break
            said += part
            if stop_at and stop_at.encode() in said:
                process.send_signal(signal.SIGINT)
                stop_at = ""
        code = process.wait(60)
    os.close(near)
    return code, said.decode()


@one_database
def test_no_color_is_heeded_on_a_terminal(engine: Engine) -> None:
    """With colours there, without them once NO_COLOR is set; bold alone is no colour."""
    settings = engine.deployment.settings
    own = {"DRIP_SCHEDULE": str(settings.schedule), "DRIP_EMAILS": str(settings.emails), "DRIP_STATE": str(settings.state)}
    colour = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])m")
    own["DRIP_DATABASE_URL"] = settings.database_url
    _, with_it = on_a_terminal(settings.schedule.parent, "doctor", **own)
    _, without = on_a_terminal(settings.schedule.parent, "doctor", **own, NO_COLOR="1")
    assert colour.search(with_it)
    assert not colour.search(without)
    assert "Schedule" in without


@one_database
@pytest.mark.slow
def test_ctrl_c_is_calm(engine: Engine) -> None:
    """In the middle of long work: one word, no traceback, and the exit code of an interrupt; a piped run shows no progress."""
    settings = engine.deployment.settings
    own = {"DRIP_SCHEDULE": str(settings.schedule), "DRIP_EMAILS": str(settings.emails)}
    command = ("simulate", "--people", "200000")
    code, said = on_a_terminal(settings.schedule.parent, *command, stop_at="walking everybody", **own)
    assert 130 == code
    assert "drip: stopped" in said
    assert "Traceback" not in said
    piped = [sys.executable, "-m", "drip", "simulate", "--people", "3"]
    done = subprocess.run(
        piped,
        cwd=settings.schedule.parent,
        env=environment(PYTHONPATH=str(ROOT), **own),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (0, b"") == (done.returncode, done.stderr)


def test_a_fault_of_ours_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the kind and the place, and never what the trouble said: that may hold an address."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError(ADA)

    monkeypatch.setattr(drip, "invoke", broken)
    with pytest.raises(SystemExit) as left:
        main(["status"])
    assert 1 == left.value.code
    said = capsys.readouterr()
    assert said.err.startswith("drip: a fault in drip itself, please report it with these words: KeyError in ")
    assert "main:" in said.err
    assert 1 == said.err.count("\n")
    assert ADA not in said.err
