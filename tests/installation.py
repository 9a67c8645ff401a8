"""A whole installation in a folder of its own: `drip up` and `drip demo` as processes, watched and ended by their numbers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from drip.config import NAMES
from tests.course import SCHEDULE, write_course

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 90.0
"""How long a start may take on a machine that does other things too."""

ROLES = {
    "worker": " celery -A worker worker",
    "beat": " celery -A worker beat",
    "web": " drip web",
    "sandbox": " drip sandbox",
    "valkey": "valkey-server",
}
"""By which words of its command line each process of an installation is known."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
    return port


def eventually(holds: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether *holds* becomes true within *seconds*."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with *settings*, and with no other setting of drip."""
    kept = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in NAMES}
    return {**kept, **settings}


class Installation:
    """A folder with a course and a worker, ports of its own, and the processes that were started in it."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, *, schedule: str = SCHEDULE) -> None:
        """Write the small course into *folder*, with *schedule* in place of its own."""
        write_course(folder, schedule=schedule)
        shutil.copy(ROOT / "worker.py", folder)
        self.folder = folder
        self.output = folder / "output.txt"
        self.web = f"http://127.0.0.1:{free_port()}"
        self.sandbox = f"http://127.0.0.1:{free_port()}"
        own = {"DRIP_BASE_URL": self.web, "DRIP_SANDBOX_URL": self.sandbox}
        self.environment = environment(**own, **(settings or {}))
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: dict[int, psutil.Process] = {}

    # Starting and ending ---------------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> None:
        """Start `drip` with *arguments*; what it says goes to a file."""
        with self.output.open("ab") as words:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drip", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )

    def up(self) -> None:
        """Start `drip up` and return when everything answers."""
        self.start("up", "--workers", "1")
        came = eventually(lambda: "Ctrl-C ends everything" in self.said() or not self.runs)
        assert came, self.words()
        assert self.runs, self.words()

    def run(self, *arguments: str, seconds: float = PATIENCE_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run one command in the folder and return what came of it."""
        command = [sys.executable, "-m", "drip", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=seconds
        )

    @property
    def runs(self) -> bool:
        """Whether the process that was started lives."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that was started, and to no other."""
        assert self._process is not None
        self.processes()
        self._process.send_signal(number)

    def exit_code(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the process that was started and return its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def close(self) -> None:
        """End whatever of it still runs, by number."""
        self.processes()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
            self._process.kill()
            self._process.wait()
        for process in self.left():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    # Looking ---------------------------------------------------------------------------------------------------------

    def said(self) -> str:
        """Return what the process said so far."""
        return self.output.read_text(encoding="utf-8", errors="replace") if self.output.exists() else ""

    def words(self) -> str:
        """Return what was said, and the ends of all logs, for whoever must find out why a test failed."""
        logs = sorted(self.folder.glob("var/**/log/*.log"))
        ends = [f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-20:]) for log in logs]
        return "\n".join([self.said(), *ends])

    def processes(self) -> list[psutil.Process]:
        """Return all processes below the one that was started; they are remembered beyond its end."""
        found: list[psutil.Process] = []
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                found = psutil.Process(self._process.pid).children(recursive=True)
        self._seen |= {process.pid: process for process in found}
        return found

    def left(self) -> list[psutil.Process]:
        """Return those of all processes ever seen that still run."""
        return [process for process in self._seen.values() if process.is_running() and _alive(process)]

    def process(self, role: str) -> psutil.Process | None:
        """Return the process of a *role*: the parent of all workers, not one of its children, and not their keeper."""
        for process in self.processes():
            words = _command(process)
            if "keeper" not in words and ROLES[role] in words:
                with contextlib.suppress(psutil.NoSuchProcess):
                    parent = process.parent()
                    if parent is not None and "keeper" in _command(parent):
                        return process
        return None

    def keeper(self, role: str) -> psutil.Process:
        """Return the keeper of the process of a *role*."""
        process = self.process(role)
        assert process is not None
        parent = process.parent()
        assert parent is not None
        return psutil.Process(parent.pid)

    def get(self, url: str) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON at *url*; None when nobody answers."""
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def mails(self) -> list[dict[str, Any]]:
        """Return what is in the mailboxes."""
        return list(self.get(f"{self.sandbox}/sandbox/mails?limit=10000") or [])


def _command(process: psutil.Process) -> str:
    """Return the command line of a process in one line; empty for one that has gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
