"""`drip completion`: real shells complete commands, options, courses and lessons."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.conftest import ask_for
from tests.course import write_course
from tests.installation import ROOT, environment

SHELLS = ["bash", "zsh", "fish"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small course, and a `drip` that is the one of this project."""
    write_course(tmp_path)
    drip = tmp_path / "bin" / "drip"
    drip.parent.mkdir()
    drip.write_text(f'#!/bin/sh\nexec {sys.executable} -m drip "$@"\n')
    drip.chmod(0o755)
    return tmp_path


def shell(folder: Path, *command: str, **more: str) -> str:
    """Return what a command says in the folder, with its `drip` first on the path."""
    own = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), **more}
    done = subprocess.run(command, cwd=folder, env=environment(**own), capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (done.returncode, done.stderr), done.stderr
    return done.stdout


def in_bash(folder: Path, line: str, **settings: str) -> list[str]:
    """Return what a bash offers at the end of a line."""
    script = folder / "completion.bash"
    if not script.exists():
        script.write_text(shell(folder, "bash", "-c", "drip completion bash 2>/dev/null"))
    words = line.split(" ")
    typed = " ".join(f"'{word}'" for word in words)
    asked = f"source completion.bash; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _drip_completion drip"
    asked += "; printf '%s\\n' \"${COMPREPLY[@]}\""
    return shell(folder, "bash", "-c", asked, **settings).split()


@pytest.mark.parametrize("name", SHELLS)
def test_each_shell_gets_its_script(run: Run, nowhere: None, name: str) -> None:
    """On stdout the script and nothing else; on stderr the line that installs it."""
    code, out, err = run("completion", name)
    assert 0 == code
    assert f"_DRIP_COMPLETE={name}_complete" in out
    assert "To install it" not in out
    assert f"To install it: drip completion {name} >" in err
    assert 2 == run("completion", "tcsh")[0]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("drip do", {"doctor"}),
        ("drip sup", {"suppressions"}),
        ("drip keys ro", {"rotate"}),
        ("drip doctor --q", {"--quiet"}),
        ("drip preview br", {"breathe"}),
        ("drip send-test g", {"goodbye"}),
        ("drip send-test ", {"hello", "breathe", "walk", "rest", "goodbye", "kit", "encore"}),
        ("drip why ada@example.net wa", {"walk"}),
        ("drip corrections --course small br", {"breathe"}),
        ("drip hold s", {"small"}),
        ("drip letters --course ", {"small"}),
    ],
)
def test_a_real_bash_completes(folder: Path, line: str, offered: set[str]) -> None:
    """Commands, options, lessons and courses; no database is made or asked."""
    ask_for("bash", shutil.which("bash"))
    assert offered == set(in_bash(folder, line))
    assert not (folder / "var").exists()


@pytest.mark.parametrize(("text", "offered"), [("courses: [", set[str]()), ("courses:\n  small: {phases: 7}\n", set[str]())])
def test_a_half_edited_file_completes_nothing_and_says_nothing(folder: Path, text: str, offered: set[str]) -> None:
    """Whoever presses Tab wants no fault of the schedule in her line."""
    ask_for("bash", shutil.which("bash"))
    (folder / "other.yaml").write_text(text)
    assert offered == set(in_bash(folder, "drip send-test h", DRIP_SCHEDULE="other.yaml"))
    assert ["hello"] == in_bash(folder, "drip send-test h")


def test_completing_loads_no_database(folder: Path) -> None:
    """Between two key presses nobody waits for SQLAlchemy."""
    words: Mapping[str, str] = {"_DRIP_COMPLETE": "bash_complete", "COMP_WORDS": "drip send-test h", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "drip"],
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT), **words),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "plain,hello" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert set() == loaded & {"sqlalchemy", "celery", "pydantic", "rich"}


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_the_script_is_understood(folder: Path, name: str) -> None:
    """By the shell itself, where there is one."""
    ask_for(name, shutil.which(name))
    script = folder / "script"
    script.write_text(shell(folder, "sh", "-c", f"drip completion {name} 2>/dev/null"))
    shell(folder, name, "-n", str(script))
