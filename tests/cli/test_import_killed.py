"""An import that is killed with kill -9, again and again: the same command ends it, and nobody comes in twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from drip.flows.importing import PAGE
from drip.store.tables import consents, deliveries, enrollments, omissions, subscribers
from tests.cli.conftest import Run
from tests.engine import Engine
from tests.installation import PATIENCE_SECONDS, ROOT, environment

LINES = 6 * PAGE
TURN_SECONDS = 0.02
SOURCE = ("--consent-source", "the form on the old site", "--no-suppressions")


def count(engine: Engine, table: sa.Table = subscribers) -> int:
    """Return how many rows there are."""
    with engine.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def start(engine: Engine, file: Path, *more: str) -> subprocess.Popen[str]:
    """Start an import as a process of its own."""
    settings = engine.deployment.settings
    given = environment(
        DRIP_DATABASE_URL=settings.database_url,
        DRIP_STATE=str(settings.state),
        DRIP_SECRET_KEYS=",".join(settings.secret_keys),
        DRIP_SUPPRESSION_KEY=settings.suppression_key,
        PYTHONPATH=str(ROOT),
    )
    command = [sys.executable, "-m", "drip", "subscribers", "import", str(file), *SOURCE, *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=given, cwd=file.parent, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def kill_after(engine: Engine, process: subprocess.Popen[str], people: int, more_turns: int) -> None:
    """Kill a process some turns after it has brought in so many people; it runs only while nobody looks, so never too far."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while more_turns >= 0 and process.poll() is None:
        assert time.monotonic() < deadline
        process.send_signal(signal.SIGCONT)
        time.sleep(TURN_SECONDS)
        process.send_signal(signal.SIGSTOP)
        more_turns -= count(engine) >= people
    process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--ask",)])
def test_a_killed_import_is_ended_by_the_same_command(engine: Engine, run: Run, tmp_path: Path, more: tuple[str, ...]) -> None:
    """Each kill leaves whole pages; the last run says who was in already, and everybody is in once with one proof."""
    file = tmp_path / "people.csv"
    rows = [f"p{number}@example.net,breathe,2025-01-02" for number in range(LINES)]
    file.write_text("\n".join(["email,last_lesson,consented_at", *rows]) + "\n", encoding="utf-8")
    for round_, more_turns in enumerate((0, 1, 5)):
        before = count(engine)
        kill_after(engine, start(engine, file, *more), before + 1, more_turns)
        assert 0 == count(engine) % PAGE, f"round {round_} left half a page"
        assert before < count(engine)
        assert [] == engine.audit()
    came = count(engine)
    assert came < LINES
    last = start(engine, file, "--json", *more)
    out, err = last.communicate(timeout=120)
    assert 0 == last.returncode, err
    answer: dict[str, Any] = json.loads(out)
    assert (came, came, LINES - came) == (
        answer["already"],
        answer["already_from_this_file"],
        answer["entered"] + answer["asked"],
    )
    assert [LINES] * 3 == [count(engine, table) for table in (subscribers, enrollments, consents)]
    assert 2 * LINES == count(engine, omissions)
    assert (LINES if more else 0) == count(engine, deliveries)
    assert [] == engine.audit()
    assert "p1@" not in out + err
