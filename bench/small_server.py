"""What a small course asks of a small server: `python -m bench.small_server [PEOPLE]`.

A throwaway installation (SQLite, the embedded Valkey, `drip up`) brings people in, spread over all lessons and all in one
zone, and passes a week from one due moment to the next, so that the week's fullest hour comes in one moment. Start it
under `taskset -c 0`, and in a memory cgroup, to have it on as much machine as you mean to rent.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drip.sandbox.machine import free_port

ROOT = Path(__file__).parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 120
WEEK = timedelta(days=7)


def tree(root: int) -> dict[int, str]:
    """Return every process below *root*, itself included, each with the part of the installation that it is."""
    parents: dict[int, int] = {}
    words: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            pid = int(folder.name)
            parents[pid] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words[pid] = (folder / "cmdline").read_text().replace("\0", " ")
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: part_of(words.get(pid, "")) for pid in found}


def part_of(command: str) -> str:
    """Return which part of the installation a command line is."""
    for name, mark in (("keepers", "keeper"), ("sandbox", " drip sandbox"), ("pages", " drip web"), ("workers", "worker worker")):
        if mark in command:
            return name
    return "beat" if "worker beat" in command else "valkey" if "valkey" in command else "up"


def cpu_seconds(root: int) -> dict[str, float]:
    """Return the processor time that each part has taken so far, with that of its children that ended."""
    found: dict[str, float] = defaultdict(float)
    for pid, part in tree(root).items():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[part] += sum(int(field) for field in fields[11:13]) / TICKS
    return found


def memory_mib(root: int) -> dict[str, float]:
    """Return the memory that each part holds, what processes share counted once."""
    found: dict[str, float] = defaultdict(float)
    for pid, part in tree(root).items():
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            found[part] += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return found


class Installation:
    """A throwaway installation that runs; its commands, its time machine and what it takes."""

    def __init__(self, state: Path) -> None:
        """Start it in *state*."""
        self.state = state
        self.sandbox = f"http://127.0.0.1:{free_port(0)}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DRIP_STATE": str(state),
            "DRIP_SANDBOX_URL": self.sandbox,
            "DRIP_BASE_URL": f"http://127.0.0.1:{free_port(0)}",
        }
        self.words = (state / "up.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drip", "up"], cwd=ROOT, env=self.environment, stdout=self.words, stderr=self.words
        )
        deadline = time.monotonic() + READY_SECONDS
        while b"Ctrl-C" not in (state / "up.log").read_bytes():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((state / "up.log").read_text())
            time.sleep(0.1)

    def drip(self, *arguments: str) -> str:
        """Run one command and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "drip", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def step(self) -> str | None:
        """Pass the time to the next due moment, wait until all is quiet, and return the moment."""
        request = urllib.request.Request(f"{self.sandbox}/sandbox/time/step", method="POST")
        with urllib.request.urlopen(request) as answer:
            return str(found) if (found := json.load(answer)["moment"]) else None

    def letters(self) -> int:
        """Return how many letters have come to a result."""
        return sum(course["submitted"] for course in json.loads(self.drip("report", "--json"))["courses"])

    def size_mib(self) -> float:
        """Return what the database and its log take on the disk."""
        return sum(path.stat().st_size for path in self.state.glob("drip.db*")) / 2**20

    def stop(self) -> None:
        """Stop it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.words.close()


@contextlib.contextmanager
def installed() -> Iterator[Installation]:
    """Give an installation that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="drip-small-") as state:
        installation = Installation(Path(state))
        try:
            yield installation
        finally:
            installation.stop()


def people_file(path: Path, people: int) -> Path:
    """Write a file of *people* spread over all lessons but the last."""
    listed = subprocess.run(
        [sys.executable, "-c", "from drip.wiring import *; from drip import config; "
         "print(' '.join(lesson.id for lesson in Deployment(config.load({})).edition().project.schedule.courses['roadmap'].sequence))"],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DRIP_STATE": str(path.parent)},
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    lessons = listed.stdout.split()[:-1]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "name", "last_lesson", "consented_at"])
        writer.writerows(
            [f"reader{number}@example.net", f"Reader {number}", lessons[number % len(lessons)], "2026-01-02"]
            for number in range(people)
        )
    return path


def main(people: int) -> dict[str, object]:
    """Measure and return the figures."""
    with installed() as installation:
        root = installation.process.pid
        idle, begun = cpu_seconds(root), time.monotonic()
        time.sleep(30)
        rest = {part: (seconds - idle[part]) / 30 for part, seconds in cpu_seconds(root).items()}
        rest_memory = memory_mib(root)
        begun = time.monotonic()
        installation.drip(
            "subscribers", "import", str(people_file(installation.state / "people.csv", people)), "--consent-source", "bench"
        )
        import_seconds = time.monotonic() - begun
        moments = []
        end = datetime.now(UTC) + WEEK + timedelta(days=2)
        while True:
            before, letters, begun = cpu_seconds(root), installation.letters(), time.monotonic()
            moment = installation.step()
            if moment is None or datetime.fromisoformat(moment) > end:
                break
            after = cpu_seconds(root)
            moments.append(
                {
                    "moment": moment,
                    "letters": installation.letters() - letters,
                    "seconds": round(time.monotonic() - begun, 1),
                    "cpu_seconds": {part: round(seconds - before.get(part, 0.0), 1) for part, seconds in sorted(after.items())},
                    "memory_mib": {part: round(size) for part, size in sorted(memory_mib(root).items())},
                }
            )
        fullest = max(moments, key=lambda one: int(str(one["letters"])))
        audit = installation.drip("report", "--audit").splitlines()[-1]
        return {
            "people": people,
            "processors": len(os.sched_getaffinity(0)),
            "import_seconds": round(import_seconds, 1),
            "idle_cpu_share": {part: round(share, 4) for part, share in sorted(rest.items())},
            "idle_memory_mib": {part: round(size) for part, size in sorted(rest_memory.items())},
            "fullest": fullest,
            "moments": len(moments),
            "database_mib": round(installation.size_mib(), 1),
            "audit": audit,
        }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000), indent=2))
