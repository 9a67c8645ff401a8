"""The time machine as the mailbox pages see it: something that passes days and says how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypedDict

from drip.errors import DripError


class TimeStatus(TypedDict):
    """How far the time machine is: calendar instant, whether it runs, how many people, and what it waits for."""

    now: datetime
    running: bool
    people: int
    waiting_for: str


class TimeMachine(Protocol):
    """What passes calendar time; implemented where the engine is at hand."""

    def step(self) -> datetime | None:
        """Go to the next due moment and return it when its letters went, or None when nothing is dated any more."""
        ...

    def pass_days(self, days: int) -> None:
        """Let *days* calendar days pass, letter by letter; returns when they have, or at once."""
        ...

    def run(self) -> None:
        """Let time pass until the course is over for everyone; returns when it is, or at once."""
        ...

    def status(self) -> TimeStatus:
        """Say how far it is."""
        ...


class Pilot:
    """One hand on the time machine: a press while it runs does nothing, and its failure is a sentence on the page."""

    def __init__(self, machine: TimeMachine) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.failure = ""

    def pass_days(self, days: int) -> bool:
        """Begin to pass *days* days; False when the machine is running already."""
        return self._begin(lambda: self._machine.pass_days(days))

    def run(self) -> bool:
        """Begin to run the course; False when the machine is running already."""
        return self._begin(self._machine.run)

    def status(self) -> TimeStatus:
        """Return the machine's status; it also counts as running while a press is being carried out."""
        status = self._machine.status()
        status["running"] = status["running"] or self._busy()
        return status

    def join(self, seconds: float) -> None:
        """Wait up to *seconds* for the last press to be carried out."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _busy(self) -> bool:
        """Whether a press is being carried out."""
        return self._thread is not None and self._thread.is_alive()

    def _begin(self, travel: Callable[[], None]) -> bool:
        """Carry *travel* out in a thread of its own, so that the page can show its progress."""
        with self._lock:
            if self._busy() or self._machine.status()["running"]:
                return False
            self.failure = ""
            self._thread = threading.Thread(target=self._travel, args=[travel], name="time-machine", daemon=True)
            self._thread.start()
            return True

    def _travel(self, travel: Callable[[], None]) -> None:
        """Carry *travel* out and keep the sentence of an expected trouble."""
        try:
            travel()
        except DripError as trouble:
            self.failure = str(trouble)
