"""Tools that others wrote, in the versions of their lock, and a browser without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import playwright
import pytest
from playwright.sync_api import Page, Request, sync_playwright

from tests.conftest import ask_for

TOOLS = Path(__file__).parent / "tools"
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"

Tool = Callable[..., str]


def package(name: str) -> Path:
    """Return the folder of an npm package of `tools/`; skip or fail (see `ask_for`) where `make tools` has not put it."""
    wanted = json.loads((TOOLS / "package.json").read_text("utf-8"))["devDependencies"][name]
    folder = TOOLS / "node_modules" / name
    manifest = folder / "package.json"
    version = json.loads(manifest.read_text("utf-8"))["version"] if manifest.exists() else ""
    ask_for(name, str(folder) if version == wanted else None)
    return folder


def node(*arguments: str | Path, stdin: str = "", fine: tuple[int, ...] = (0,)) -> str:
    """Return what a script says, run by the node that comes with Playwright; any exit code but the *fine* ones fails."""
    own = Path(playwright.__file__).parent / "driver" / "node"
    program = str(own) if own.exists() else shutil.which("node")
    assert program is not None, "Playwright has lost its node."
    done = subprocess.run([program, *map(str, arguments)], input=stdin, capture_output=True, text=True, cwd=TOOLS, check=False)
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


@pytest.fixture(scope="session")
def spamassassin() -> str:
    """The path of SpamAssassin, which brings its rules along."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin"])
    return ask_for("spamassassin", shutil.which("spamassassin", path=path))
