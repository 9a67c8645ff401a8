"""Tools that others wrote, in the versions of their lock, and a browser without a network."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import playwright
import pytest
from playwright.sync_api import Page, Request, sync_playwright

from tests.conftest import ask_for

TOOLS = Path(__file__).parent / "tools"
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


@cache
def node_program() -> str | None:
    """Return a node that runs: the one that comes with Playwright (it needs libatomic1), or the machine's own."""
    own = Path(playwright.__file__).parent / "driver" / "node"
    for program in filter(None, (str(own) if own.exists() else None, shutil.which("node"))):
        if not subprocess.run([program, "--version"], capture_output=True, check=False).returncode:
            return program
    return None


def package(name: str) -> Path:
    """Return the folder of an npm package of `tools/`; skip or fail (see `ask_for`) where `make tools` has not put it."""
    wanted = json.loads((TOOLS / "package.json").read_text("utf-8"))["devDependencies"][name]
    folder = TOOLS / "node_modules" / name
    manifest = folder / "package.json"
    version = json.loads(manifest.read_text("utf-8"))["version"] if manifest.exists() else ""
    ask_for(name, node_program() if version == wanted else None)
    return folder


def node(*arguments: str | Path, stdin: str = "", fine: tuple[int, ...] = (0,)) -> str:
    """Return what a script of a package says; any exit code but the *fine* ones fails."""
    command = [node_program() or "node", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=TOOLS, check=False)
    assert done.returncode in fine, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator[Page]:
    """A page of a real browser that loads nothing: it fails when something on it has asked for anything at all."""
    asked: list[str] = []

    def refuse(request: Request) -> None:
        if not request.url.startswith("about:"):
            asked.append(request.url)

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=FLAGS.split())
        shown = browser.new_page()
        shown.on("request", refuse)
        shown.route("**/*", lambda route: route.abort())
        yield shown
        browser.close()
    assert [] == asked
