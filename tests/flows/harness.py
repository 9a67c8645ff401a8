"""The engine at full speed: senders and ticks in threads while people leave and pause, and what must hold of it all."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drip.core.delivery import Answer, Refused, Submitted, TryLater, Unknown
from drip.flows.sending.work import CannotRecord
from drip.mail.message import Message
from drip.store.session import DatabaseTrouble
from tests.engine import Engine


@dataclass(slots=True)
class Journal:
    """When each delivery was under way, and when each person's leave or pause was acknowledged (monotonic)."""

    begun: dict[str, list[tuple[str, float, float]]] = field(default_factory=dict)
    stopped: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, message: Message, began: float, ended: float) -> None:
        """Note one request that was handed over or may have been."""
        with self.lock:
            for one in message.recipients:
                name = one.address.partition("@")[0]
                self.begun.setdefault(name, []).append((one.delivery, began, ended))

    def broken(self) -> list[str]:
        """Return every promise that was broken: a second copy, or a hand-over after an acknowledged stop."""
        found = list(self.faults)
        for name, requests in sorted(self.begun.items()):
            ids = [delivery for delivery, _, _ in requests]
            found += [f"{name} got {one} {ids.count(one)} times" for one in sorted(set(ids)) if ids.count(one) > 1]
            if name in self.stopped:
                late = [one for one, _, ended in requests if ended > self.stopped[name]]
                found += [f"{one} was under way after {name} had stopped" for one in late]
        return found


class SlowDoor:
    """A door that takes a moment, notes when, and sometimes answers with trouble."""

    def __init__(self, journal: Journal, trouble: float) -> None:
        """Answer with trouble in so many of 1 requests."""
        self._journal, self._random, self._trouble = journal, random.Random(1), trouble

    def __call__(self, message: Message) -> Answer:
        """Answer one message; after an unknown answer it may have gone, after the others it has not."""
        began = time.monotonic()
        time.sleep(self._random.uniform(0.0, 0.01))
        kind = self._random.randrange(3) if self._random.random() < self._trouble else None
        if kind == 0:
            return TryLater("429")
        if kind == 1 and len(message.recipients) > 1:
            return Refused("400 too large", too_large=True)
        self._journal.note(message, began, time.monotonic())
        return Submitted("ok") if kind is None else Unknown("timed out")


class Crowd:
    """People on a course, and threads that tick, send, and press what people press."""

    def __init__(self, engine: Engine, people: int, *, trouble: float = 0.03, erasing: float = 0.0) -> None:
        """Enroll so many people; of those who press, so many of 1 want to be erased."""
        self.engine = engine
        self.erasing = erasing
        self.erased: set[str] = set()
        self.journal = Journal()
        self.names = [f"p{number}" for number in range(people)]
        self.queue: list[str] = []
        self._stop = threading.Event()
        self._pressed: set[str] = set()
        engine.mailer.otherwise = SlowDoor(self.journal, trouble)
        engine.join(*self.names)

    def run(self, *, seconds: float, senders: int = 3, tickers: int = 2, pressers: int = 3) -> Journal:
        """Let all threads work for so long and return what was noted."""
        works = [self._sending] * senders + [self._ticking] * tickers + [self._pressing] * pressers
        threads = [threading.Thread(target=work, args=[random.Random(number)]) for number, work in enumerate(works)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self._stop.set()
        for thread in threads:
            thread.join(timeout=60)
            if thread.is_alive():
                self.journal.faults.append("a thread hangs")
        self.engine.mailer.otherwise = Submitted("ok")
        return self.journal

    def _repeat(self, step: Callable[[], None]) -> None:
        """Do *step* again and again; trouble with the database, a deadlock above all, is a fault."""
        while not self._stop.is_set():
            try:
                step()
            except (DatabaseTrouble, CannotRecord) as fault:
                self.journal.faults.append(f"{step.__qualname__}: {type(fault).__name__} {fault}")
                return

    def _sending(self, own: random.Random) -> None:
        # One owner is one process, and a process hands over one batch at a time.
        with self.engine.deployment.incarnation() as owner:
            sender = self.engine.deployment.sender(owner)

            def send() -> None:
                try:
                    hint = self.queue.pop(own.randrange(len(self.queue)))
                except (IndexError, ValueError):
                    time.sleep(0.002)
                    return
                if own.random() < 0.2:
                    self.queue.append(hint)
                sender.send(hint)

            self._repeat(send)

    def _ticking(self, own: random.Random) -> None:
        def tick() -> None:
            # Machine time does not run faster for a test, so the breaker's wait is taken out.
            self.engine.let_it_try_again()
            hints = self.engine.deployment.ticker().tick().hints
            self.queue += hints
            if not hints and not self.queue and (moment := self.engine.next_moment()) is not None and own.random() < 0.5:
                self.engine.go_to(moment)

        self._repeat(tick)

    def _pressing(self, own: random.Random) -> None:
        def press() -> None:
            time.sleep(0.01)
            name = own.choice(self.names)
            with self.journal.lock:
                if name in self.journal.stopped or name in self._pressed:
                    return
                # One hand a person: a pause that somebody else replaces a moment later is no stop.
                self._pressed.add(name)
            try:
                self._press(own, name)
            finally:
                self._pressed.discard(name)

        self._repeat(press)

    def _press(self, own: random.Random, name: str) -> None:
        if own.random() < self.erasing:
            if self.engine.erase(name, wait_seconds=5.0).acknowledged:
                self.journal.stopped[name] = time.monotonic()
                self.erased.add(name)
            return
        what = own.randrange(10)
        if what < 4:
            done = self.engine.leave(name, wait_seconds=5.0).acknowledged
        elif what < 6:
            done = self.engine.pause(name, None, wait_seconds=5.0).acknowledged
        elif what < 8:
            done = False
            self.engine.pause(name, own.choice([1, 2]))
        else:
            done = False
            self.engine.choose(name, weekday=own.choice(["mon", "wed", "fri"]), pace=own.choice(["1", "2"]))
        if done:
            self.journal.stopped[name] = time.monotonic()
