"""What the documents must hold, read by machine: commands, settings, log events, and nothing of anybody's own machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from drip.cli import COMMANDS, drip
from drip.config import NAMES

ROOT = Path(__file__).parents[1]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}

FOREIGN = {
    "a package registry": r"pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang|crates\.io|conda\.anaconda",
    "the address of an index": r"--(extra-)?index-url[ =]+https?:|PIP_INDEX_URL *=",
    "a home folder": r"/home/[a-z]|/root/|/Users/[A-Za-z]",
    "a work folder": r"(?<![\w.~$*})-])/work(space)?s?/",
}
"""What belongs to somebody's own machine or network, as patterns."""

FOREIGN_OK = {"LICENSE", "tests/test_docs.py"}


def documents() -> str:
    """Return the README and everything in docs/."""
    return "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])


def commands(group: click.Command, name: str) -> Iterator[str]:
    """Yield the full names of all commands below *group*."""
    if not isinstance(group, click.Group):
        yield name
        return
    context = click.Context(group)
    for part in group.list_commands(context):
        found = group.get_command(context, part)
        assert found is not None, part
        yield from commands(found, f"{name} {part}")


def events() -> dict[str, str]:
    """Return every log event of drip with the place where it is written."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "drip").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "log" and node.func.attr in LEVELS:
                (event, *_) = node.args
                assert isinstance(event, ast.Constant), f"{where}: the name of an event is a constant"
                found[str(event.value)] = where
    return found


def files() -> list[Path]:
    """Return every file of the repository that is text; files that are not yet added count too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def test_every_command_is_written_down() -> None:
    """Each command that help shows, and each below it, stands in the README or in docs/."""
    text = " ".join(documents().split())
    names = list(commands(drip, "drip"))
    assert len(names) >= len(COMMANDS)
    assert [] == [name for name in names if not re.search(rf"\b{name}\b", text)]


def test_every_setting_is_written_down() -> None:
    """Each setting has its place in the table of the README."""
    rows = "\n".join(line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|"))
    assert [] == [name for name in NAMES if f"`{name}`" not in rows]


def test_no_setting_is_made_up() -> None:
    """Each name in the documents that looks like a setting is one."""
    named = set(re.findall(r"\b(?:DRIP|SENDGRID)_[A-Z_]*[A-Z]\b", documents()))
    assert set() == {name for name in named if name.removesuffix("_FILE") not in NAMES and not name.startswith("DRIP_TEST_")}


def test_every_log_event_is_explained() -> None:
    """The table in docs/operating.md has a row for each event that the program writes, and for no other."""
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))
    found = events()
    assert {} == {event: where for event, where in found.items() if event not in rows}
    assert set() == rows - set(found)


def test_every_command_that_is_shown_exists() -> None:
    """What the documents tell to type is understood: no command in code or a code block is one that drip does not have."""
    names = set(commands(drip, "drip"))
    heads = {name.split()[1] for name in names}
    shown = re.findall(r"(?:^|`|bin/)drip ([a-z-]+)", documents(), re.MULTILINE)
    assert shown
    assert set() == {word for word in shown if word not in heads} - PROSE


PROSE = {"sends", "keys"}
"""Words that follow *drip* at the start of a line of prose."""


@pytest.mark.parametrize("what", FOREIGN)
def test_nothing_of_anybodys_own_machine_is_in_the_repository(what: str) -> None:
    """No file names a package registry or a folder of somebody's own: it would work there only."""
    pattern = re.compile(FOREIGN[what])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files()
        if str(path.relative_to(ROOT)) not in FOREIGN_OK
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert [] == found
