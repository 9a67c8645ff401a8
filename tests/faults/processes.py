"""Real workers and beats, each in a process group of its own, ended by their numbers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
APP = "tests.faults.worker_app"


def is_dead(pid: int) -> bool:
    """Whether a process runs no more, be it that nobody has asked for its exit code yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class Celery:
    """One `celery worker` or `celery beat`."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        """Start it; what it says goes to *log*."""
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", APP, *arguments],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The parent's pid."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the parent lives."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What the parent ended with; None while it lives."""
        return self._process.poll()

    def children(self) -> list[int]:
        """Return the pids of the worker children."""
        try:
            return sorted(child.pid for child in psutil.Process(self._process.pid).children())
        except psutil.NoSuchProcess:
            return []

    def terminate(self) -> None:
        """Ask it to finish what it does and end, as a service manager does."""
        self._process.terminate()

    def kill(self) -> None:
        """End parent and children with kill -9 and return when they have gone."""
        children = self.children()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        psutil.wait_procs([psutil.Process(pid) for pid in children if psutil.pid_exists(pid)], timeout=10)

    def said(self) -> str:
        """Return what it wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


class Company:
    """All workers and beats of a scene."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        """Start nothing yet; logs go to *folder*."""
        self._environment = environment
        self._folder = folder
        self._numbers = count(1)
        self.workers: list[Celery] = []
        self.beats: list[Celery] = []

    def worker(self, *, children: int = 2) -> Celery:
        """Start a worker."""
        name = f"worker-{next(self._numbers)}"
        options = ["--concurrency", str(children), "--without-gossip", "--without-mingle", "-l", "WARNING", "-n", f"{name}@%h"]
        started = Celery(["worker", *options], self._environment, self._folder / f"{name}.log")
        self.workers.append(started)
        return started

    def stranger(self, changed: Mapping[str, str]) -> Celery:
        """Start a worker with other settings, which is not one of the company."""
        name = f"stranger-{next(self._numbers)}"
        options = ["worker", "--concurrency", "1", "-l", "WARNING"]
        return Celery(options, {**self._environment, **changed}, self._folder / f"{name}.log")

    def beat(self) -> Celery:
        """Start a beat."""
        name = f"beat-{next(self._numbers)}"
        options = ["-s", str(self._folder / name), "-l", "WARNING"]
        started = Celery(["beat", *options], self._environment, self._folder / f"{name}.log")
        self.beats.append(started)
        return started

    def replace_dead(self) -> None:
        """Start a worker for each that has gone."""
        gone = [worker for worker in self.workers if not worker.runs]
        for worker in gone:
            self.workers.remove(worker)
            self.worker()

    def end(self, started: Celery) -> None:
        """Kill one and forget it."""
        started.kill()
        for company in (self.workers, self.beats):
            if started in company:
                company.remove(started)

    def stop(self) -> None:
        """Kill everybody."""
        for started in [*self.beats, *self.workers]:
            started.kill()
        self.beats.clear()
        self.workers.clear()

    def last_words(self, lines: int = 25) -> str:
        """Return the ends of all logs, for whoever must find out why a test failed."""
        found = []
        for log in sorted(self._folder.glob("*.log")):
            end = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            found.append("\n".join([f"--- {log.name}", *end]))
        return "\n".join(found)
