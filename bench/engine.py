"""The engine under measurement: ticks and sends in this process, round after round, one lesson a round.

Run as `python -m bench.engine PEOPLE` with the settings in the environment. A round begins with each line on standard
input and ends with a line of JSON on standard output: letters, seconds, the seconds of each phase, and what memory this
process holds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

import psutil

from bench import population
from drip import config
from drip.flows.sending import Sender
from drip.mail.envelope import Envelopes
from drip.store import reports, stamps
from drip.wiring import Deployment, log_to_stderr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drip.core.delivery import Kind
    from drip.mail.envelope import Addressee, Rendering
    from drip.mail.message import Message
    from drip.store.owners import Incarnation

EARLY_LETTERS = 10_000
PHASES = ("tick", "claim", "render", "mark", "message", "hand_over", "record")
_PHASE_THAT_ENDS = {"claimed": "claim", "rendered": "render", "marked": "mark", "answered": "hand_over", "recorded": "record"}


class Stopwatch:
    """Seconds by phase; the named points of a batch say when one ends."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._since = 0.0

    def begin(self) -> None:
        """Let the next phase begin now."""
        self._since = time.perf_counter()

    def end(self, phase: str) -> None:
        """Let *phase* end now and the next one begin."""
        now = time.perf_counter()
        self.seconds[phase] += now - self._since
        self._since = now

    def at(self, point: str) -> None:
        """Hear a named point."""
        self.end(_PHASE_THAT_ENDS[point])


class TimedEnvelopes(Envelopes):
    """Envelopes whose message making is a phase of its own."""

    stopwatch: Stopwatch

    def message(self, rendering: Rendering, kind: Kind, addressees: Sequence[Addressee], *, one_by_one: bool) -> Message:
        """Make the request of one piece."""
        self.stopwatch.end("mark")
        try:
            return super().message(rendering, kind, addressees, one_by_one=one_by_one)
        finally:
            self.stopwatch.end("message")


class Engine:
    """One worker's tick and send, in this process."""

    def __init__(self, deployment: Deployment, owner: Incarnation) -> None:
        settings = deployment.settings
        envelopes = TimedEnvelopes(
            deployment.library, deployment.tokens, settings.base_url, service_token=deployment.service_token
        )
        self._deployment = deployment
        self._stopwatch = envelopes.stopwatch = Stopwatch()
        self._letters = 0
        self._resident_early: int | None = None
        self._ticker = deployment.ticker()
        self._sender = Sender(
            deployment.database,
            deployment.library,
            deployment.mailer,
            envelopes,
            door=settings.sender,
            owner=owner.id,
            real=False,
            at=self._stopwatch.at,
        )

    def round(self) -> dict[str, object]:
        """Hand over everything that is due, and say how it went."""
        self._stopwatch.seconds = dict.fromkeys(PHASES, 0.0)
        letters, begun = 0, time.perf_counter()
        while True:
            self._stopwatch.begin()
            report = self._ticker.tick()
            self._stopwatch.end("tick")
            if not report.hints and not report.more:
                break
            for hint in report.hints:
                self._stopwatch.begin()
                letters += self._sender.send(hint)
                self._remember_memory(letters)
        self._letters += letters
        return {
            "letters": letters,
            "seconds": time.perf_counter() - begun,
            "phases": self._stopwatch.seconds,
            "resident_bytes": psutil.Process().memory_info().rss,
            "resident_bytes_early": self._resident_early,
        }

    def _remember_memory(self, letters: int) -> None:
        """Note once what this process holds after its first `EARLY_LETTERS`."""
        if self._resident_early is None and self._letters + letters >= EARLY_LETTERS:
            self._resident_early = psutil.Process().memory_info().rss

    def pass_time(self) -> None:
        """Move the calendar to the instant at which the next letters fall due."""
        with self._deployment.database.write() as connection:
            moment = reports.next_moment(connection)
            if moment is not None:
                stamps.move_calendar(connection, moment)


def main() -> int:
    """Enroll the people, then work a round for each line on standard input."""
    settings = config.load(os.environ)
    log_to_stderr(settings.log)
    deployment = Deployment(settings)
    deployment.prepare()
    population.enroll(deployment, int(sys.argv[1]))
    owner = deployment.incarnation()
    engine = Engine(deployment, owner)
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        figures = engine.round()
        print(json.dumps(figures), flush=True)
        engine.pass_time()
    owner.close()
    deployment.mailer.close()
    deployment.database.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
