"""The floor: only what must be written and committed for a letter, beside posting the bytes of it; `python -m bench.floor`.

It looks at nothing, decides nothing and renders nothing: four writes of the delivery and two of the cursor in the order
and the transactions of the engine, on its tables with its settings, and each batch's bytes posted between mark and record.
No engine that keeps the promises can be quicker on that database, so its ratio bounds the one that `make bench` measures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa

from bench import bare, population, servers
from drip import config
from drip.wiring import Deployment

if TYPE_CHECKING:
    from drip.store.session import Database

BATCH, PAGE = 500, 2_000
MAKERS = {"sqlite": servers.sqlite, "postgresql": servers.postgresql}

OPEN = """INSERT INTO deliveries (nonce, subscriber_id, enrollment_id, course, letter, occasion, kind, version_id, short, resumed,
 meant_on, letter_on, not_before, closes_at, batch_id, state, created_at, state_at)
 SELECT 'ffffffff', subscriber_id, id, course, :letter, 'run:1', 'lesson', version_id, false, false, next_meant_on,
 next_letter_on, :now, next_closes_at, :batch, 'pending', :now, :now FROM enrollments WHERE id >= :first AND id < :beyond"""
PARK = """UPDATE enrollments SET open_delivery = deliveries.id, next_due_at = NULL, deliveries_due = deliveries_due + 1
 FROM deliveries WHERE deliveries.is_open AND deliveries.batch_id = :batch AND deliveries.enrollment_id = enrollments.id"""
CLAIM = """UPDATE deliveries SET state = 'claimed', owner = 'o', state_at = :now
 WHERE is_open AND batch_id = :batch AND state = 'pending'"""
MARK = """UPDATE deliveries SET state = 'submitting', token = 't', went_on = meant_on, state_at = :now
 WHERE is_open AND batch_id = :batch AND state = 'claimed' AND owner = 'o'"""
RECORD = """UPDATE deliveries SET state = 'submitted', token = NULL, message_id = :batch, state_at = :now
 WHERE is_open AND batch_id = :batch AND state = 'submitting' AND token = 't'"""
MOVE_ON = """UPDATE enrollments SET open_delivery = NULL, place = :letter, next_lesson = :letter, next_due_at = :now
 WHERE id >= :first AND id < :beyond AND open_delivery IS NOT NULL"""


def main() -> None:
    """Measure both databases, or the one named, and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description="Measure the least that a letter must cost.")
    parser.add_argument("--database", choices=[*MAKERS, "both"], default="both")
    parser.add_argument("--letters", type=int, default=10_000, metavar="N", help="a multiple of 2,000: people in each round")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    asked = parser.parse_args()
    names = list(MAKERS) if asked.database == "both" else [asked.database]
    print(json.dumps({name: _floor(name, asked.letters, asked.rounds) for name in names}, indent=2))


def _floor(name: str, people: int, rounds: int) -> dict[str, Any]:
    """Return the rates of one database: the floor, posting alone, and the median of the one beside the other."""
    with tempfile.TemporaryDirectory(prefix="drip-floor-") as folder, servers.sink() as sink, MAKERS[name](Path(folder)) as make:
        settings = config.load({**os.environ, "DRIP_STATE": folder, "DRIP_SANDBOX_URL": sink, "DRIP_DATABASE_URL": make()})
        deployment = Deployment(settings)
        deployment.prepare()
        population.enroll(deployment, people)
        line, body = bare.Line(sink), _body()
        pairs = []
        for number in range(rounds):
            begun = time.perf_counter()
            _round(deployment.database, line, body, f"letter-{number}", people)
            pairs.append((people / (time.perf_counter() - begun), bare.sample(line, [body]).posted))
        line.close()
        deployment.database.dispose()
    return {
        "floor_letters_per_second": round(statistics.median(rate for rate, _ in pairs)),
        "bare_letters_per_second": round(statistics.median(posted for _, posted in pairs)),
        "ratio": round(statistics.median(rate / posted for rate, posted in pairs), 4),
    }


def _round(database: Database, line: bare.Line, body: bytes, letter: str, people: int) -> None:
    """Write and post one letter for everybody."""
    for page in range(1, people + 1, PAGE):
        starts = {uuid4().hex: first for first in range(page, page + PAGE, BATCH)}
        facts = {batch: {"batch": batch, "first": at, "beyond": at + BATCH, "letter": letter} for batch, at in starts.items()}
        _write(database, *((statement, one) for statement in (OPEN, PARK) for one in facts.values()))
        for one in facts.values():
            _write(database, (CLAIM, one))
            _write(database, (MARK, one))
            line.post(body)
            _write(database, (RECORD, one), (MOVE_ON, one))


def _write(database: Database, *steps: tuple[str, dict[str, Any]]) -> None:
    """Do the steps in one transaction and commit."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    moment = now.replace(tzinfo=None).isoformat(" ", "microseconds") if database.is_sqlite else now
    with database.write() as connection:
        for statement, facts in steps:
            wanted = sa.text(statement)
            names = wanted.compile().params
            done = connection.execute(wanted, {name: moment if name == "now" else facts[name] for name in names})
            if done.rowcount != BATCH:
                raise RuntimeError(f"{done.rowcount} of {BATCH} rows were written")


def _body() -> bytes:
    """Return a request like the engine's: 500 people, six values and two headers of each, and a letter in text and HTML."""
    token = "x" * 60
    tags = {
        "GreetingH": "Hello Ana,",
        "GreetingT": "Hello Ana,",
        "NextDateH": "Tuesday 1 December",
        "NextDateT": "Tuesday 1 December",
    }
    shared = {
        "substitutions": {f"x7drip{tag}7x": value for tag, value in (tags | {"LeaveToken": token, "MyToken": token}).items()},
        "headers": {
            "List-Unsubscribe": f"<http://127.0.0.1:8000/leave/{token}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }
    people = [
        {"to": [{"email": f"person.{number:06d}@example.net"}], "custom_args": {"drip_delivery": f"{number}-ffffffff"}, **shared}
        for number in range(BATCH)
    ]
    parts = [{"type": "text/plain", "value": "x" * 10_000}, {"type": "text/html", "value": "x" * 26_000}]
    return json.dumps({"personalizations": people, "content": parts}).encode()


if __name__ == "__main__":
    main()
