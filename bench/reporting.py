"""What the provider reports, in bulk: people with letters behind them, and events about these in any number.

Run as `python -m bench.reporting COUNT` with the settings in the environment: the reports are received in calls of a
thousand and worked off, then the same bodies are parsed and written without a look at anything, which is the reference.
One line of JSON on standard output says how it went, and what the end was. With `shuffled` behind the count the same reports
come in any order, every fifth twice, in calls of any size, and only the end is said: it must be the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import psutil
import sqlalchemy as sa

from bench import population
from drip import config
from drip.flows import listening
from drip.store import events as event_rows
from drip.store import stamps
from drip.store.tables import deliveries, enrollments, events, subscribers, suppressions
from drip.wiring import Deployment, log_to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

CALL = 1_000
CHUNK = 5_000
A_LETTER = 5
LOOKS = 10
FIRST_SECOND = 1_800_000_000

KINDS: dict[str, tuple[int, dict[str, str]]] = {
    "processed": (30, {"event": "processed"}),
    "deferred": (10, {"event": "deferred", "response": "451 busy, sam@example.net", "attempt": "2"}),
    "delivered": (40, {"event": "delivered", "response": "250 OK", "ip": "192.0.2.9"}),
    "open": (6, {"event": "open", "useragent": "Mozilla/5.0", "ip": "192.0.2.8"}),
    "blocked": (3, {"event": "bounce", "type": "blocked", "reason": "550 5.7.1 blocked <sam@example.net>"}),
    "dropped": (2, {"event": "dropped", "reason": "Invalid SMTPAPI header"}),
    "bounce": (
        2,
        {"event": "bounce", "type": "bounce", "bounce_classification": "Invalid Address", "reason": "550 no such user"},
    ),
    "dropped-bounced": (1, {"event": "dropped", "reason": "Bounced Address"}),
    "complaint": (1, {"event": "spamreport"}),
    "unsubscribe": (1, {"event": "unsubscribe"}),
}
"""Kinds of events: how many in a hundred or so, and what the provider says of each."""

_WAYS = ("ours", "late", "forged", "unknown", "stranger")
_HOW_OFTEN = (950, 20, 10, 10, 10)


def stage(deployment: Deployment, people: int) -> None:
    """Store *people* of the first course with two letters behind them, some in doubt, and for every fifth one that waits."""
    population.enroll(deployment, people)
    with deployment.database.write() as connection:
        now = stamps.now_in(connection)
        one = connection.execute(sa.select(enrollments).limit(1)).one()
        today, later = now.calendar.date(), now.calendar + population.LATER
        live = deployment.library.course(one.version_id, one.course)
        letters = [lesson.id for lesson in live.course.sequence[:3]]
        behind = {"place": letters[1], "next_lesson": letters[2], "deliveries_due": 2, "next_due_at": later}
        connection.execute(enrollments.update().values(**behind, last_letter_on=today, last_meant_on=today))
        same = {"course": one.course, "occasion": "run:1", "kind": "lesson", "version_id": one.version_id}
        same |= {"meant_on": today, "letter_on": today, "created_at": now.machine, "state_at": now.machine}
        for start in range(0, people, CHUNK):
            rows = [
                {
                    "id": 3 * number + at,
                    "nonce": f"{(7919 * (3 * number + at)) % 2**32:08x}",
                    "subscriber_id": number,
                    "enrollment_id": number,
                    "letter": letter,
                    "state": "pending" if at == 2 else "uncertain" if number % 10 == at else "submitted",
                    "not_before": later if at == 2 else None,
                    "closes_at": later + population.LATER if at == 2 else None,
                    **same,
                }
                for number in range(start + 1, min(start + CHUNK, people) + 1)
                for at, letter in enumerate(letters)
                if at < 2 or number % 5 == 0
            ]
            connection.execute(deliveries.insert(), rows)
        waits = {"open_delivery": 3 * enrollments.c.id + 2, "deliveries_due": 3, "next_due_at": None}
        connection.execute(enrollments.update().where(enrollments.c.id % 5 == 0).values(**waits))


def made(deployment: Deployment, count: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Yield *count* events about the letters of those staged, as SendGrid writes them, the same for one *seed*.

    Some lack our id, some have one that is forged or of another installation, and some are about strangers.
    """
    chance = random.Random(seed)
    with deployment.database.read() as connection:
        rows = connection.execute(
            sa.select(deliveries.c.id, deliveries.c.nonce, subscribers.c.address)
            .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
            .where(deliveries.c.state != "pending")
            .order_by(deliveries.c.id)
        ).all()
    names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    for number in range(count):
        row = rows[chance.randrange(len(rows))]
        (kind,) = chance.choices(names, weights)
        (way,) = chance.choices(_WAYS, _HOW_OFTEN)
        event: dict[str, Any] = {
            **KINDS[kind][1],
            "email": row.address,
            "timestamp": FIRST_SECOND + chance.randrange(100_000),
            "sg_event_id": f"event-{seed}-{number}",
            "sg_message_id": "message.filter-1",
            "drip_delivery": f"{row.id}-{row.nonce}",
        }
        if way in {"late", "stranger"}:
            del event["drip_delivery"]
        if way in {"forged", "unknown"}:
            event["drip_delivery"] = f"{row.id}-{'0' * 8}" if way == "forged" else f"{10**9 + number}-{row.nonce}"
        if way in {"stranger", "unknown"}:
            event["email"] = f"stranger.{chance.randrange(count)}@example.net"
        yield event


def run(make: Callable[[], str], home: Path, count: int) -> dict[str, Any]:
    """Return what *count* reports cost, in a process of their own, whose memory is looked at.

    On another database of the same kind they come once more, in any order and with copies: `same_end` says whether both end
    alike.
    """
    found = _told(make(), home / "in-order", count)
    other = _told(make(), home / "shuffled", count, "shuffled")
    return {name: value for name, value in found.items() if name != "end"} | {"same_end": found["end"] == other["end"]}


def _told(database_url: str, state: Path, count: int, *how: str) -> dict[str, Any]:
    """Return what a process of its own says at its end."""
    state.mkdir(parents=True)
    environment = config.environment_for(config.load({"DRIP_STATE": str(state), "DRIP_DATABASE_URL": database_url}))
    command = [sys.executable, "-m", "bench.reporting", str(count), *how]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Stage, receive and work off as many reports as the command line says, and print how fast that went."""
    settings = config.load(os.environ)
    log_to_stderr(settings.log)
    deployment = Deployment(settings)
    deployment.prepare()
    count = int(sys.argv[1])
    found = shuffled(deployment, count) if "shuffled" in sys.argv[2:] else measured(deployment, count)
    print(json.dumps(found | {"end": end_of(deployment)}), flush=True)
    deployment.database.dispose()
    return 0


def shuffled(deployment: Deployment, count: int) -> dict[str, Any]:
    """Receive the same reports in any order, every fifth twice, in calls of any size, and work off some pages between them."""
    stage(deployment, _people(count))
    chance = random.Random(2)
    reports = [json.dumps(one).encode() for one in made(deployment, count, seed=1)]
    reports += chance.sample(reports, count // 5)
    chance.shuffle(reports)
    begun = 0
    while begun < len(reports):
        size = chance.randrange(1, 2 * CALL)
        body = b"[" + b",".join(reports[begun : begun + size]) + b"]"
        listening.receive(deployment.database, body, suppression_key=deployment.suppression_key)
        begun += size
        for _ in range(chance.randrange(6)):
            listening.work(deployment.database, deployment.library)
    while listening.work(deployment.database, deployment.library):
        pass
    return {"reports": len(reports)}


def end_of(deployment: Deployment) -> str:
    """Return a digest of what all reports came to: letters, runs and the register, without the instants of our own looks."""
    digest = hashlib.sha256()
    letters = (deliveries.c.id, deliveries.c.state, deliveries.c.outcome, deliveries.c.outcome_at, deliveries.c.reason)
    runs = (
        enrollments.c.id,
        enrollments.c.state,
        enrollments.c.ended_why,
        enrollments.c.open_delivery,
        enrollments.c.next_lesson,
    )
    listed = (subscribers.c.id, suppressions.c.course, suppressions.c.reason)
    named = sa.select(*listed).join(subscribers, subscribers.c.address_key == suppressions.c.address_key)
    register = sa.select(suppressions.c.reason, sa.func.count()).group_by(suppressions.c.reason)
    with deployment.database.read() as connection:
        for query in (
            sa.select(*letters).order_by(deliveries.c.id),
            sa.select(*runs).order_by(enrollments.c.id),
            named.order_by(subscribers.c.id),
            register.order_by(suppressions.c.reason),
        ):
            for row in connection.execution_options(yield_per=CHUNK).execute(query):
                digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def _people(count: int) -> int:
    return max(10, count // A_LETTER // 2)


def measured(deployment: Deployment, count: int) -> dict[str, Any]:
    """Return what *count* reports cost: received and worked off, beside the same bodies parsed and written."""
    stage(deployment, _people(count))
    reports = made(deployment, count, seed=1)
    resident: dict[int, float] = {}
    ratios: list[float] = []
    received = worked = bare = 0.0
    done = 0
    while call := list(islice(reports, CALL * 10)):
        bodies = [json.dumps(call[start : start + CALL]).encode() for start in range(0, len(call), CALL)]
        begun = time.perf_counter()
        for body in bodies:
            listening.receive(deployment.database, body, suppression_key=deployment.suppression_key)
        between = time.perf_counter()
        while listening.work(deployment.database, deployment.library):
            pass
        ended = time.perf_counter()
        reference = _bare(deployment, bodies)
        received, worked, bare = received + between - begun, worked + ended - between, bare + reference
        ratios.append(reference / (ended - begun))
        done += len(call)
        if done >= count * (len(resident) + 1) / LOOKS:
            resident[done] = round(psutil.Process().memory_info().rss / 2**20, 1)
    return {
        "reports": done,
        "reports_per_second": round(done / (received + worked)),
        "received_per_second": round(done / received),
        "worked_per_second": round(done / worked),
        "bare_reports_per_second": round(done / bare),
        "ratio": round(statistics.median(ratios), 3),
        "resident_mib_after": resident,
    }


def _bare(deployment: Deployment, bodies: Sequence[bytes]) -> float:
    """Return the seconds in which *bodies* are parsed, each event written and marked as done, and nothing looked at."""
    numbers = cycle(range(10))
    begun = time.perf_counter()
    for body in bodies:
        parsed = json.loads(body)
        with deployment.database.write() as connection:
            now = stamps.now_in(connection).machine
            rows = [_row(one, now, next(numbers)) for one in parsed]
            ids = list(connection.execute(events.insert().returning(events.c.id), rows).scalars())
        for start in range(0, len(ids), listening.PAGE):
            with deployment.database.write() as connection:
                event_rows.mark_worked(connection, ids[start : start + listening.PAGE], now)
    return time.perf_counter() - begun


def _row(event: dict[str, Any], now: datetime, number: int) -> dict[str, Any]:
    return {"key": f"bare {event['sg_event_id']} {number}", "kind": event["event"], "received_at": now, "delivery": None}


if __name__ == "__main__":
    sys.exit(main())
