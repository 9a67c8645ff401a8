"""`python -m bench`: one JSON object on stdout, progress on stderr; see bench/README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import importing, planning, reporting, runs, servers, simulating, starting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

TARGET = 0.1
MAKERS: dict[str, Callable[[Path], AbstractContextManager[Callable[[], str]]]] = {
    "sqlite": servers.sqlite,
    "postgresql": servers.postgresql,
}


def main() -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure how fast letters leave.")
    parser.add_argument("--quick", action="store_true", help="a short run: fewer people, fewer rounds")
    parser.add_argument("--database", choices=[*MAKERS, "both"], default="both")
    parser.add_argument("--letters", type=int, metavar="N", help="how many people get a letter in each round")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many lessons; memory is compared from first to last")
    parser.add_argument("--lines", type=int, metavar="N", help="how many people are imported from a file; 0 leaves this out")
    parser.add_argument("--reports", type=int, metavar="N", help="how many of the provider's reports are worked off; 0 for none")
    parser.add_argument(
        "--people", type=int, metavar="N", help="how many people stand half-way when an edit is planned; 0 for none"
    )
    parser.add_argument("--only-planning", action="store_true", help="measure the planning of an edit and nothing else")
    parser.add_argument("--simulated", type=int, metavar="N", help="how many people are simulated; 0 leaves this out")
    parser.add_argument("--no-workers", action="store_true", help="leave Celery and Valkey out")
    asked = parser.parse_args()
    # Whoever is told to stop still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = runs.Plan(
        people=asked.letters or (2_000 if asked.quick else 20_000),
        rounds=asked.rounds or (3 if asked.quick else 10),
        workers=not asked.no_workers,
    )
    lines = asked.lines if asked.lines is not None else (2_000 if asked.quick else 100_000)
    reports = asked.reports if asked.reports is not None else (2_000 if asked.quick else 100_000)
    halfway = asked.people if asked.people is not None else (2_000 if asked.quick else 50_000)
    simulated = asked.simulated if asked.simulated is not None else (500 if asked.quick else 3_000)
    names = list(MAKERS) if asked.database == "both" else [asked.database]
    found: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "people": plan.people,
        "rounds": plan.rounds,
        "target_ratio": TARGET,
        "start": _started(),
        "databases": dict(_planned(names, halfway) if asked.only_planning else _measured(names, plan, lines, reports, halfway)),
    }
    if simulated and not asked.only_planning:
        found["simulation"] = figures = simulating.run(simulated)
        seconds, slow = figures["processor_seconds"], figures["slow_processor_seconds"]
        _say("simulation", f"{simulated:,} people in {seconds} s of the processor, {slow} s at a slow rate")
    print(json.dumps(found, indent=2))
    return 0


def _planned(names: list[str], people: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in names:
        with tempfile.TemporaryDirectory(prefix="drip-bench-") as folder, MAKERS[name](Path(folder)) as make:
            yield name, {"planning": planning.run(make, Path(folder) / "planning", people)}


def _measured(names: list[str], plan: runs.Plan, lines: int, reports: int, people: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in names:
        with tempfile.TemporaryDirectory(prefix="drip-bench-") as folder, servers.sink() as sink:
            home = Path(folder)
            with MAKERS[name](home) as make:
                figures = runs.run(make(), home / "engine", sink, plan, partial(_say, name))
                if plan.workers:
                    rate = runs.run_workers(make(), home / "workers", sink, plan)
                    _say(name, f"two Celery workers: {rate:,.0f} letters a second")
                    figures["celery_letters_per_second"] = round(rate)
                    figures["celery_ratio"] = round(rate / figures["bare_letters_per_second"], 4)
                if lines:
                    figures["import"] = importing.run(make, home / "imports", lines)
                    _say(name, f"imported {lines:,} lines at {figures['import']['lines_per_second']:,} a second")
                if reports:
                    figures["reports"] = reporting.run(make, home / "reports", reports)
                    _say(name, f"worked off {reports:,} reports at {figures['reports']['reports_per_second']:,} a second")
                if people:
                    figures["planning"] = planning.run(make, home / "planning", people)
                    _say(name, f"planned an edit for {people:,} people")
                yield name, figures


def _started() -> dict[str, Any]:
    """Return how long help takes, measured before anything else keeps the machine busy."""
    figures = starting.run()
    _say("start", f"drip --help takes {figures['help_ms']} ms, {figures['help_ratio']} times a Python that does nothing")
    return figures


def _say(name: str, words: str) -> None:
    print(f"{name}: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
