"""A race: thousands leave while ticks and senders work at full speed, in processes of their own; then everything is compared.

One clock is the judge of all: the monotonic one, which every process of a machine reads alike.
"""

from __future__ import annotations

import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from typing import NamedTuple

import sqlalchemy as sa

from bench import population
from drip import config
from drip.core.delivery import Answer, State, Submitted, TryLater
from drip.flows import unsubscribing
from drip.flows.sending import Sender
from drip.flows.sending.work import Piece, Work
from drip.mail.message import Message
from drip.store import deliveries, enrollments, reports, stamps, versions
from drip.store.claims import Ready
from drip.store.marking import Marked
from drip.store.tables import deliveries as delivery_table
from drip.store.tables import enrollments as enrollment_table
from drip.store.tables import senders as sender_table
from drip.store.tables import subscribers as subscriber_table
from drip.wiring import Deployment, log_to_stderr
from tests.conftest import ROOT
from tests.course import SCHEDULE, lesson

LESSONS = 40
TROUBLE = 0.05
DRAIN_SECONDS = 60.0

HEAD, _, _ = SCHEDULE.partition("    phases:")


def long_course() -> tuple[str, dict[str, str]]:
    """Return a schedule of many letters, two days apart, and the files of its letters."""
    names = [f"letter-{number}" for number in range(LESSONS)]
    lines = [f"          - {{id: {name}, wait: {2 if at else 0} days, anyday: true}}" for at, name in enumerate(names)]
    phase = "    phases:\n      - id: one\n        title: First\n        lessons:\n"
    return HEAD + phase + "\n".join(lines) + "\n", {f"one/{name}.md": lesson(name) for name in names}


class HandOver(NamedTuple):
    """One person's letter in one request: when the request began and ended, and whether it was accepted."""

    address: str
    delivery: str
    began: float
    ended: float
    accepted: bool


class RecordingDoor:
    """A door that takes a moment, notes who was in each request and when, and now and then asks to be tried later."""

    batch_max = 500
    request_timeout_seconds = 5.0

    def __init__(self, chance: random.Random, seconds: float) -> None:
        """Note nothing yet; a request takes up to so many *seconds*."""
        self.noted: list[HandOver] = []
        self._chance = chance
        self._seconds = seconds

    def submit(self, message: Message) -> Answer:
        """Note one request."""
        began = time.monotonic()
        time.sleep(self._chance.uniform(0.0, self._seconds))
        accepted = self._chance.random() >= TROUBLE
        ended = time.monotonic()
        self.noted += [HandOver(one.address, one.delivery, began, ended, accepted) for one in message.recipients]
        return Submitted("ok") if accepted else TryLater("429")

    def close(self) -> None:
        """Have nothing to give back."""


class BlindMark(Sender):
    """A weaker design: between claim and hand-over nothing is read again, neither the person nor the claim."""

    def _mark(self, work: Work, piece: Piece, token: str) -> Marked | None:
        with self._database.write() as connection:
            now = stamps.now_in(connection)
            state = versions.kept_still(connection, work.letter.course)
            found = deliveries.find_many(connection, piece.ids)
            rows = connection.execute(
                sa.select(delivery_table.c.id, subscriber_table)
                .join(subscriber_table, subscriber_table.c.id == delivery_table.c.subscriber_id)
                .where(delivery_table.c.id.in_(piece.ids))
            )
            ready = [Ready(found[row[0]], row.address, row.address_key, row.name, erased=False) for row in rows]
            values = {"state": State.SUBMITTING.value, "owner": self._owner, "token": token}
            connection.execute(delivery_table.update().where(delivery_table.c.id.in_(piece.ids)).values(values))
            people = enrollments.find_many(connection, [one.delivery.enrollment_id for one in ready])
        course = self._library.course(state.version_id, work.letter.course)
        day = now.calendar.date()
        return Marked(token, time.monotonic(), tuple(ready), {one.delivery.id: day for one in ready}, people, course)


DESIGNS: dict[str, type[Sender]] = {"ours": Sender, "blind mark": BlindMark}


@dataclass(frozen=True, slots=True)
class Pace:
    """How the senders work: by which design, and how long they may dawdle after claim and mark and in a request."""

    design: str = "ours"
    seconds: float = 0.005


def hand_over(pace: Pace, seed: int) -> None:
    """Be one sending process: hand over what each line on standard input hints at, and print in the end what was noted."""
    settings = config.load(os.environ)
    log_to_stderr(settings.log)
    deployment = Deployment(settings)
    chance = random.Random(seed)
    door = RecordingDoor(chance, pace.seconds)

    def dawdle(point: str) -> None:
        if point in {"claimed", "marked"}:
            time.sleep(chance.uniform(0.0, pace.seconds))

    deployment.__dict__["mailer"] = door
    with deployment.incarnation() as owner:
        sender = deployment.sender(owner, at=dawdle)
        sender.__class__ = DESIGNS[pace.design]
        for hint in sys.stdin:
            sender.send(hint.strip())
    deployment.database.dispose()
    sys.stdout.write(json.dumps(door.noted))


@dataclass(slots=True)
class Found:
    """What a race saw: every hand-over, when each leave was answered, and what went wrong."""

    hand_overs: list[HandOver] = field(default_factory=list)
    answered: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    waited: int = 0
    faults: list[str] = field(default_factory=list)

    def after_answers(self) -> list[str]:
        """Return every hand-over that began, or was under way, after its person's leave was answered."""
        return [
            f"{one.delivery} of {one.address} ended {one.ended - at:.4f} s after the answer"
            for one in self.hand_overs
            if (at := self.answered.get(one.address)) is not None and one.ended > at
        ]

    def copies(self) -> list[str]:
        """Return every delivery that was accepted twice."""
        seen: set[str] = set()
        accepted = [one.delivery for one in self.hand_overs if one.accepted]
        return [one for one in accepted if one in seen or seen.add(one)]  # type: ignore[func-returns-value]

    def met(self) -> int:
        """Return how many hand-overs ended while their person's leave waited for its answer."""
        return sum(
            self.began[one.address] <= one.ended <= at
            for one in self.hand_overs
            if (at := self.answered.get(one.address)) is not None
        )

    def during(self) -> int:
        """Return how many hand-overs there were between the first press and the last answer."""
        first, last = min(self.began.values()), max(self.answered.values())
        return sum(first <= one.began <= last for one in self.hand_overs)


class Race:
    """Thousands on a long course; *people* of them leave."""

    def __init__(self, deployment: Deployment, people: int, *, stay: int, pace: Pace, waits: bool = True) -> None:
        """Enroll them, and *stay* more who do not leave; with *waits* false a leave is answered as soon as it is committed."""
        self.deployment = deployment
        self.pace = pace
        self.waits = waits
        self._ticker = deployment.ticker()
        self.found = Found()
        population.enroll(deployment, people + stay)
        with deployment.database.read() as connection:
            rows = connection.execute(
                sa.select(subscriber_table.c.address, enrollment_table.c.public_id)
                .join(enrollment_table, enrollment_table.c.subscriber_id == subscriber_table.c.id)
                .order_by(subscriber_table.c.id)
            ).all()
        chosen = [(row[0], row[1]) for row in rows]
        random.Random(7).shuffle(chosen)
        self._leavers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        for one in chosen[:people]:
            self._leavers.put(one)
        self._over = threading.Event()
        self._lock = threading.Lock()

    def run(self, *, senders: int = 2, pressers: int = 6) -> Found:
        """Let everybody leave while everything runs, then end it, and return what was seen."""
        processes = [self._start(seed) for seed in range(senders)]
        ticker = threading.Thread(target=self._repeat, args=[self._tick, cycle(processes)])
        hands = [threading.Thread(target=self._repeat, args=[self._press]) for _ in range(pressers)]
        ticker.start()
        self._warm_up()
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        self._over.set()
        ticker.join()
        for process in processes:
            self._end(process)
        return self.found

    def _start(self, seed: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.flows.racing", self.pace.design, str(self.pace.seconds), str(seed)]
        log = (self.deployment.settings.state / f"sender-{seed}.log").open("w", encoding="utf-8")
        with log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=config.environment_for(self.deployment.settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _warm_up(self) -> None:
        """Wait until the first letters have been handed over, so that nobody leaves before the race."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline and not self.found.faults:
            with self.deployment.database.read() as connection:
                if connection.execute(
                    sa.select(delivery_table.c.id).where(delivery_table.c.state == "submitted").limit(1)
                ).first():
                    return
            time.sleep(0.02)
        self.found.faults.append("nothing was handed over")

    def _end(self, process: subprocess.Popen[str]) -> None:
        try:
            noted, _ = process.communicate(timeout=DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            noted, _ = process.communicate()
        if process.returncode:
            self.found.faults.append(f"a sender ended with {process.returncode}; see {self.deployment.settings.state}")
            return
        self.found.hand_overs += [HandOver(*one) for one in json.loads(noted)]

    def _repeat(self, step: Callable[..., bool], *arguments: object) -> None:
        """Do *step* until it says that there is no more to do; trouble is a fault of the race."""
        try:
            while step(*arguments):
                pass
        except Exception as fault:  # noqa: BLE001 - whatever it is, the race must end and say so
            self.found.faults.append(f"{step.__qualname__}: {type(fault).__name__} {fault}")

    def _tick(self, processes: Iterator[subprocess.Popen[str]]) -> bool:
        database = self.deployment.database
        with database.write() as connection:
            # Machine time does not run faster for a test, so the breaker's wait is taken out.
            over = stamps.now_in(connection).machine - timedelta(seconds=1)
            connection.execute(sender_table.update().values(retry_at=over))
        report = self._ticker.tick()
        for hint in report.hints:
            pipe = next(processes).stdin
            assert pipe is not None
            pipe.write(f"{hint}\n")
            pipe.flush()
        if not report.hints:
            with database.read() as connection:
                busy = reports.open_count(connection, stamps.now_in(connection).calendar)
                moment = reports.next_moment(connection)
            if moment is not None and not busy:
                with database.write() as connection:
                    stamps.move_calendar(connection, moment)
        return not self._over.is_set()

    def _press(self) -> bool:
        try:
            address, link = self._leavers.get_nowait()
        except queue.Empty:
            return False
        self.found.began.setdefault(address, time.monotonic())
        begun = time.monotonic()
        leaving = unsubscribing.leave(
            self.deployment.database, self.deployment.library, link, source="test", wait_seconds=5.0 if self.waits else 0.0
        )
        now = time.monotonic()
        with self._lock:
            self.found.waited += now - begun > 0.02
            if leaving.acknowledged or not self.waits:
                self.found.answered[address] = now
                return True
        # It was said that one letter may be on its way; she presses again.
        self._leavers.put((address, link))
        return True


if __name__ == "__main__":
    hand_over(Pace(sys.argv[1], float(sys.argv[2])), int(sys.argv[3]))
