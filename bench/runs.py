"""One run on one database: rounds of the engine and samples of the reference in turn, then the workers."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from bench import bare, workers
from bench.engine import EARLY_LETTERS, PHASES
from drip import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.bare import Line


@dataclass(frozen=True, slots=True)
class Plan:
    """How much a run does: *people* get a letter each in each of *rounds*; *workers* too, unless it is false."""

    people: int
    rounds: int
    workers: bool = True


def run(database_url: str, state: Path, sink: str, plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Return what one database reaches."""
    state.mkdir()
    environment = {"DRIP_STATE": str(state), "DRIP_SANDBOX_URL": sink, "DRIP_DATABASE_URL": database_url}
    line = bare.Line(sink)
    try:
        before = line.figures()
        rounds, samples = _rounds(config.environment_for(config.load(environment)), line, plan, say)
        figures = line.figures()
    finally:
        line.close()
    rates = [one["letters"] / one["seconds"] for one in rounds]
    seconds = sum(one["seconds"] for one in rounds)
    return {
        "engine_letters_per_second": round(statistics.median(rates)),
        "bare_letters_per_second": round(statistics.median(one.posted for one in samples)),
        # Each round beside its own sample: what else the machine does slows both.
        "ratio": round(statistics.median(rate / one.posted for rate, one in zip(rates, samples, strict=True)), 4),
        "bare_encoding_json_letters_per_second": round(statistics.median(one.encoded for one in samples)),
        "ratio_to_bare_encoding_json": round(
            statistics.median(rate / one.encoded for rate, one in zip(rates, samples, strict=True)), 4
        ),
        "unread_letters_per_second": round(statistics.median(one.unread for one in samples)),
        "ratio_to_unread": round(statistics.median(rate / one.unread for rate, one in zip(rates, samples, strict=True)), 4),
        "phases": {phase: round(sum(one["phases"][phase] for one in rounds) / seconds, 3) for phase in PHASES},
        "rounds": [round(rate) for rate in rates],
        "letters": sum(one["letters"] for one in rounds),
        "letters_at_the_sink": figures["letters"] - before["letters"],
        "duplicates": figures["duplicates"] - before["duplicates"],
        "memory": _memory(rounds),
    }


def run_workers(database_url: str, state: Path, sink: str, plan: Plan) -> float:
    """Return the letters per second of two Celery workers on one database."""
    state.mkdir()
    environment = {"DRIP_STATE": str(state), "DRIP_SANDBOX_URL": sink, "DRIP_DATABASE_URL": database_url}
    return workers.letters_per_second(config.load(environment), plan.people)


def _rounds(
    environment: dict[str, str], line: Line, plan: Plan, say: Callable[[str], None]
) -> tuple[list[dict[str, Any]], list[bare.Rates]]:
    """Let the engine work round after round in its process, and measure the reference after each, while it rests."""
    rounds: list[dict[str, Any]] = []
    samples: list[bare.Rates] = []
    with _engine(environment, plan.people) as (orders, answers):
        answers.readline()
        bodies: list[bytes] = []
        for number in range(1, plan.rounds + 1):
            orders.write("\n")
            orders.flush()
            one = json.loads(answers.readline())
            rounds.append(one)
            bodies = bodies or line.bodies()
            samples.append(bare.sample(line, bodies))
            say(f"round {number}: {one['letters']:,} letters at {one['letters'] / one['seconds']:,.0f} a second")
    return rounds, samples


@contextmanager
def _engine(environment: dict[str, str], people: int) -> Iterator[tuple[IO[str], IO[str]]]:
    """Run an engine in a process of its own and give its standard input and output; it ends with the block."""
    command = [sys.executable, "-m", "bench.engine", str(people)]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=nowhere, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise OSError("the engine has no pipes")
        try:
            yield process.stdin, process.stdout
        except BaseException:
            process.kill()
            raise
        process.stdin.close()


def _memory(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the sending process held after its first ten thousand letters (or its first round), and after its last."""
    first, last = rounds[0], rounds[-1]
    early = last["resident_bytes_early"] or first["resident_bytes"]
    growth = last["resident_bytes"] / early - 1
    return {
        "letters_early": EARLY_LETTERS if last["resident_bytes_early"] else first["letters"],
        "resident_mib_early": round(early / 2**20, 1),
        "letters_last": sum(one["letters"] for one in rounds),
        "resident_mib_last": round(last["resident_bytes"] / 2**20, 1),
        "growth": round(growth, 4),
        "flat_within_a_tenth": abs(growth) <= 0.1,
    }
