"""Help is instant: what it does not need is not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.installation import environment

HEAVY = {
    "celery",
    "kombu",
    "sqlalchemy",
    "alembic",
    "rich",
    "pydantic",
    "structlog",
    "jinja2",
    "fastapi",
    "redis",
    "sendgrid",
    "dns",
}


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "drip", "--help"],
        ["-c", "from drip.cli import main; main(['--help'])"],
        ["-m", "drip", "subscribers", "import", "--help"],
        ["-m", "drip", "simulate", "--help"],
        ["-m", "drip", "doctor", "-h"],
        ["-m", "drip", "nonsense"],
    ],
)
def test_help_loads_nothing_heavy(command: list[str]) -> None:
    """In a process of its own, by what it imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert "Usage:" in done.stdout + done.stderr
    assert done.returncode in {0, 2}
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "click" in loaded
    assert set() == {name.partition(".")[0] for name in loaded} & HEAVY
