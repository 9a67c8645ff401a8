"""How long `drip --help` takes, beside a Python that starts and does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

ROUNDS = 11

COMMANDS = {
    "help": ["-m", "drip", "--help"],
    "help_of_a_command": ["-m", "drip", "subscribers", "import", "--help"],
}


def run() -> dict[str, Any]:
    """Return the median time of each command in milliseconds, and its ratio to a Python that does nothing.

    Rounds alternate, since whatever else the machine does slows both; the ratio is the median over them.
    """
    bare: list[float] = []
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        bare.append(_seconds(["-c", "pass"]))
        for name, command in COMMANDS.items():
            taken[name].append(_seconds(command))
    found: dict[str, Any] = {"python_ms": _ms(bare)}
    for name, seconds in taken.items():
        ratios = [one / beside for one, beside in zip(seconds, bare, strict=True)]
        found |= {f"{name}_ms": _ms(seconds), f"{name}_ratio": round(statistics.median(ratios), 2)}
    return found


def _ms(seconds: list[float]) -> float:
    return round(1000 * statistics.median(seconds), 1)


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun
