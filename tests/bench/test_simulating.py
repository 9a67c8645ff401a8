"""The measurement of a simulation runs and tells what it measured; how fast it is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_bench_of_a_simulation_tells_its_figures() -> None:
    """One line of JSON: how many people and letters, both times, their ratio, and nothing broken."""
    command = [sys.executable, "-m", "bench.simulating", "50"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    assert (50, 16, 0) == (found["people"], found["weeks"], found["broken"])
    assert 0 < found["ratio"]
    assert 0 < found["slow_ratio"]
    assert found["slow_letters"] <= found["letters"]
    assert 500 < found["letters"]
